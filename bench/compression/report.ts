/** The shape of the JSON report. */
import type { Machine, Pinning } from '../machine.ts'
import type { Spread } from '../stats.ts'
import type { Contestant, Size } from './contestants.ts'
import type { Options } from './options.ts'

/** One echo run of one contestant. */
export interface EchoSample {
  /** Messages per second of CPU time of the server's process, all threads, and of wall-clock time. */
  perCpuSecond: number
  perSecond: number
  /** CPU seconds per second of the server's process; above 1 when several threads are busy. */
  cpu: number
  /** Share of the time (0 to 1) in which the server was ready to run but another process had its core. */
  wait: number
  /** Time from sending a message to its echo, in microseconds. */
  p50: number
  p99: number
  /** Bytes on the wire per message, frame headers and masking keys included. */
  toServer: number
  toClient: number
  /** Bytes of the messages per byte on the wire, in the direction to the client: what the server's compression saves. */
  ratio: number
  /** Share (0 to 1) of the answers that were compressed. */
  compressed: number
  /** Share of the time (0 to 1) in which the load generator waited for the server. */
  loadIdle: number
}

export interface EchoResult extends Contestant {
  /** What it answered to the offer of the extension. */
  agreed: string
  /** Round by round. */
  samples: EchoSample[]
  summary: Record<keyof EchoSample, Spread>
  /** Messages per CPU second, paired round by round with `ws` in the same mode; not there for `ws`. */
  toWs?: Spread
}

export interface MemoryResult extends Contestant {
  agreed: string
  /** Resident memory of the server per connection in bytes, round by round. */
  samples: number[]
  summary: Spread
  /** Of the same round, to `ws` in the same mode. */
  toWs?: Spread
}

export interface Failure {
  /** What was measured: the label of a size, or `memory`. */
  part: string
  name: string
  error: string
}

export interface Report {
  format: 'heartwire-compression/1'
  /** When it began, ISO 8601. */
  date: string
  machine: Machine
  versions: Record<string, string>
  /** `null` when processes were left to run where the system likes. */
  pinning: Pinning | null
  settings: Pick<Options, 'rounds' | 'memoryRounds' | 'amount' | 'seed' | 'connections' | 'held'>
  /** Contestants that are not there, and why. */
  skipped: { name: string; why: string }[]
  echo: { size: Size; results: EchoResult[] }[]
  memory: MemoryResult[]
  failures: Failure[]
}
