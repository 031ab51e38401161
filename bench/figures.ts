/** What is measured in a run, and in which table it is shown. */
import type { Mode } from './scenarios.ts'

export type Figure =
  /** Messages, deliveries, handshakes or connections per second of CPU time of the server's process, all threads. */
  | 'perCpuSecond'
  /** The same per second of wall-clock time. */
  | 'perSecond'
  /** Resident memory of the server that a connection costs, in bytes. */
  | 'perConnection'
  /** Connections that were open a second after all had begun to connect, and seconds until all were open. */
  | 'openAfterSecond'
  | 'untilAll'
  /** Quantiles of the time to an answer, in microseconds. */
  | 'p50'
  | 'p99'
  | 'p999'
  /** CPU seconds per second of the server's process; above 1 when several threads are busy. */
  | 'cpu'
  /**
   * Share of the time (0 to 1) in which the server was ready to run but another process had its core; 0 where the system
   * does not say.
   */
  | 'wait'
  /** Resident memory of the server at the end, in bytes. */
  | 'rss'
  /** Share of the time (0 to 1) in which the load generator waited for the server. */
  | 'loadIdle'

/** One run of one server. */
export type Sample = Partial<Record<Figure, number>>

export interface Kind {
  title: string
  modes: readonly Mode[]
  /** What servers are compared by. */
  main: Figure
  better: 'more' | 'less'
  /** What else is shown. */
  columns: readonly Figure[]
}

/** A table and a chart for each. */
export const KINDS = {
  throughput: {
    title: 'Throughput',
    modes: ['echo', 'publish', 'handshake'],
    main: 'perCpuSecond',
    better: 'more',
    columns: ['perSecond', 'p50', 'p99', 'cpu', 'wait', 'rss', 'loadIdle'],
  },
  latency: {
    title: 'Latency at a fixed rate',
    modes: ['latency'],
    main: 'p99',
    better: 'less',
    columns: ['p50', 'p999', 'cpu', 'wait', 'loadIdle'],
  },
  memory: {
    title: 'Memory of an idle connection',
    modes: ['idle'],
    main: 'perConnection',
    better: 'less',
    columns: ['rss'],
  },
  storm: {
    title: 'All connections at once',
    modes: ['storm'],
    main: 'untilAll',
    better: 'less',
    columns: ['openAfterSecond', 'perCpuSecond', 'cpu', 'wait', 'loadIdle'],
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

export function kindOf(mode: Mode): Kind {
  for (const kind of Object.values<Kind>(KINDS)) if (kind.modes.includes(mode)) return kind
  throw new Error(`no table shows ${mode}`)
}
