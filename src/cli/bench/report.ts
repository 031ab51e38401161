import { type ErrorCount, Errors } from './errors.ts'
import { Histogram, type Latency } from './histogram.ts'
import type { Plan } from './plan.ts'
import type { Outcome } from './tally.ts'

/** An event loop that is busy for this share of the time has no room for more. */
const BUSY = 0.9
/** Seconds that it takes for that to mean anything. */
const LONG_ENOUGH = 1
/** Milliseconds that one message in a hundred may be late, where nothing else tells how busy the client is. */
const LATE = 5

/** One direction: messages, and the bytes of their payloads. */
export interface Direction {
  readonly messages: number
  readonly bytes: number
  readonly messagesPerSecond: number
  readonly messagesPerMinute: number
  readonly bytesPerSecond: number
}

/** What came of a run, as `--json` prints it. Times are in milliseconds, sizes in bytes. */
export interface Report {
  readonly urls: readonly string[]
  readonly mode: 'echo' | 'listen'
  readonly load: {
    readonly connections: number
    readonly type: 'text' | 'binary'
    readonly size: number
    /** Messages in a second, or null where messages were sent as answers came. */
    readonly rate: number | null
    readonly inFlight: number | null
    readonly messages: number | null
    readonly duration: number | null
    readonly warmUp: number
    readonly compress: boolean
    readonly processes: number
  }
  /** Whether it was ended before its time. */
  readonly interrupted: boolean
  /** For how long was counted. */
  readonly seconds: number
  readonly connections: { readonly opened: number; readonly failed: number; readonly lost: number }
  readonly sent: Direction
  readonly received: Direction
  readonly unanswered: number
  readonly unsent: number
  readonly errors: { readonly total: number; readonly kinds: readonly ErrorCount[] }
  /** From when a message was due or, without a rate, from when it was sent, to its answer. */
  readonly latency: Latency | null
  readonly handshake: Latency | null
  /** The load client itself. */
  readonly client: {
    /** Share of the time in which the event loop was busy, of the process where it was most. */
    readonly utilization: number
    /** Cores that it kept busy, all processes together. */
    readonly cpu: number
    /** Resident set, all processes together. */
    readonly memory: number
    /** How much later than they were due messages were sent. */
    readonly lateness: Latency | null
    /** Whether it could not do more, so that the figures are its own and not the server's. */
    readonly bottleneck: boolean
  }
}

export function reportOf(plan: Plan, outcome: Outcome, processes: number, interrupted: boolean): Report {
  const { connections, counts, efforts } = outcome
  const errors = new Errors()
  errors.merge(outcome.errors)
  const seconds = outcome.milliseconds / 1_000
  const utilization = Math.max(...efforts.map(({ utilization }) => utilization))
  const lateness = Histogram.from(outcome.lateness).summary() ?? null
  const closedLoop = plan.mode === 'echo' && plan.rate === undefined
  return {
    urls: plan.urls,
    mode: plan.mode,
    load: {
      connections: plan.connections,
      type: plan.type,
      size: plan.payload.length,
      rate: plan.rate ?? null,
      inFlight: closedLoop ? plan.inFlight : null,
      messages: plan.messages ?? null,
      duration: plan.duration ?? null,
      warmUp: plan.warmUp,
      compress: plan.compress,
      processes,
    },
    interrupted,
    seconds: rounded(seconds, 3),
    connections: { opened: connections.opened, failed: connections.failed, lost: connections.lost },
    sent: direction(counts.sent, counts.bytesSent, seconds),
    received: direction(counts.received, counts.bytesReceived, seconds),
    unanswered: counts.unanswered,
    unsent: counts.unsent,
    errors: { total: errors.total, kinds: errors.list },
    latency: Histogram.from(outcome.latency).summary() ?? null,
    handshake: Histogram.from(outcome.handshake).summary() ?? null,
    client: {
      utilization: rounded(utilization, 3),
      cpu: rounded(
        efforts.reduce((sum, { cpu }) => sum + cpu, 0),
        3,
      ),
      memory: efforts.reduce((sum, { memory }) => sum + memory, 0),
      lateness,
      // One that waits without sleeping is always busy.
      bottleneck: seconds >= LONG_ENOUGH && ((!plan.spin && utilization >= BUSY) || (lateness?.p99 ?? 0) > LATE),
    },
  }
}

function direction(messages: number, bytes: number, seconds: number): Direction {
  const each = (count: number) => (seconds > 0 ? count / seconds : 0)
  return {
    messages,
    bytes,
    messagesPerSecond: rounded(each(messages), 1),
    messagesPerMinute: Math.round(each(messages) * 60),
    bytesPerSecond: Math.round(each(bytes)),
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
