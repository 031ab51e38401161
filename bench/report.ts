/** The shape of the JSON report. */
import type { Machine, Pinning } from './machine.ts'
import type { Scenario, ServerName } from './scenarios.ts'
import type { Spread } from './stats.ts'

/** One run of one server. */
export interface Sample {
  /** Messages, deliveries or handshakes per second of wall-clock time. */
  perSecond: number
  /** The same per second of CPU time of the server's process, all threads. */
  perCpuSecond: number
  /** CPU seconds per second of the server's process; above 1 when several threads are busy. */
  cpu: number
  /**
   * Share of the time (0 to 1) in which the server was ready to run but another process had its core; 0 where the
   * system does not say.
   */
  wait: number
  /** Resident memory of the server under load, in bytes. */
  rss: number
  /** Median and 99th percentile of the time to an answer, in microseconds. */
  p50: number
  p99: number
  /** Share of the time (0 to 1) in which the load generator waited for the server. */
  loadIdle: number
}

/** All rounds of one server in one scenario. */
export interface ServerResult {
  server: ServerName
  /** Round by round. */
  samples: Sample[]
  /** Over the rounds. */
  summary: Record<keyof Sample, Spread>
  /** Paired round by round with the baseline; not there for the baseline itself. */
  ratio?: { perSecond: Spread; perCpuSecond: Spread }
}

export interface ScenarioResult extends Scenario {
  results: ServerResult[]
  /** Servers that could not be measured, and why. */
  failures: { server: ServerName; error: string }[]
}

export interface Report {
  format: 'heartwire-bench/1'
  /** When it began, ISO 8601. */
  date: string
  machine: Machine
  versions: Record<string, string>
  /** Which load generator it was, and why if it is not `wsload`. */
  load: { generator: 'wsload' | 'ts'; why?: string }
  /** `null` when processes were left to run where the system likes. */
  pinning: Pinning | null
  settings: { rounds: number; seconds: number; warmup: number }
  /** What ratios are to. */
  baseline: ServerName
  scenarios: ScenarioResult[]
  /** Things that a reader has to know, a sentence each. */
  remarks: string[]
}
