/** What the benchmark and its load generator say to each other: lines of JSON. Every command has one answer or more. */
import type { LatencyCounts } from '../load/latency.ts'

export type Command =
  /** An echo run; answered with `begin` when the warm-up is over, and `measured`. The connections stay open. */
  | {
      do: 'echo'
      port: number
      bytes: number
      seed: number
      connections: number
      /** Messages of each connection. */
      warmup: number
      messages: number
      /** Check all answers, not those of one connection. */
      verify: boolean
    }
  /** Opens connections beside those that are open, each of which exchanges messages; answered with `held`. */
  | { do: 'hold'; port: number; bytes: number; seed: number; connections: number; messages: number }
  /** Ends the connections, then checks the answers that were kept; answered with `released`. */
  | { do: 'release' }

export interface Measured {
  seconds: number
  /** Messages that came back in that time. */
  messages: number
  /** Bytes of those messages as the application sees them. */
  plain: number
  /** Bytes on the wire, with frame headers and masking keys: from the client to the server, and back. */
  toServer: number
  toClient: number
  /** How many of those that came back were compressed. */
  compressed: number
  latency: LatencyCounts
  /** Share of the time (0 to 1) in which the load generator waited for the server. */
  idle: number
  /** The extensions of the handshake's answer, or nothing. */
  agreed: string
}

export type Answer =
  | { say: 'begin' }
  | { say: 'measured'; measured: Measured }
  | { say: 'held'; connections: number; agreed: string }
  | { say: 'released'; checked: number }
  | { say: 'failed'; why: string }
