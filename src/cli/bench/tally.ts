import { type ErrorCount, Errors } from './errors.ts'
import { Histogram, type HistogramData } from './histogram.ts'

/** Messages and the bytes of their payloads, since counting began. */
export interface Counts {
  sent: number
  received: number
  bytesSent: number
  bytesReceived: number
  /** Messages that were not answered in time, or whose connection was lost before. */
  unanswered: number
  /** Messages that were due on a connection that had been lost. */
  unsent: number
}

export const NO_COUNTS: Readonly<Counts> = {
  sent: 0,
  received: 0,
  bytesSent: 0,
  bytesReceived: 0,
  unanswered: 0,
  unsent: 0,
}

/** How connections are doing at the moment. */
export interface Connections {
  /** How many were tried so far. */
  tried: number
  opened: number
  failed: number
  lost: number
  alive: number
}

export const NO_CONNECTIONS: Readonly<Connections> = { tried: 0, opened: 0, failed: 0, lost: 0, alive: 0 }

/** What happened since the last look, and how things are. */
export interface Progress {
  readonly connections: Connections
  /** Since the beginning, warm-up included. */
  readonly sent: number
  readonly received: number
  readonly errors: readonly ErrorCount[]
  /** Of the messages that were answered since the last look. */
  readonly latency: HistogramData
}

/** How hard a load client itself worked, since counting began. */
export interface Effort {
  /** Share of the time in which the event loop was not waiting: 0 to 1. */
  readonly utilization: number
  /** Cores that were kept busy. */
  readonly cpu: number
  /** Resident set in bytes, with all connections there. */
  readonly memory: number
}

/** What a process has to say at the end. */
export interface Outcome {
  readonly connections: Connections
  readonly counts: Counts
  readonly errors: readonly ErrorCount[]
  /** From when counting began to the end of sending, or to the last answer if that was later. */
  readonly milliseconds: number
  /** From when a message was due, or where there is no rate from when it was sent, to its answer. */
  readonly latency: HistogramData
  /** From when a handshake was begun to when the connection was open. */
  readonly handshake: HistogramData
  /** How much later than they were due messages were sent. */
  readonly lateness: HistogramData
  readonly efforts: readonly Effort[]
}

/** What several processes have to say, as one. */
export function mergeProgress(all: readonly Progress[]): Progress {
  return {
    connections: sum(
      NO_CONNECTIONS,
      all.map(({ connections }) => connections),
    ),
    sent: all.reduce((sum, { sent }) => sum + sent, 0),
    received: all.reduce((sum, { received }) => sum + received, 0),
    errors: mergeErrors(all),
    latency: mergeHistograms(all.map(({ latency }) => latency)),
  }
}

/** The same at the end. */
export function mergeOutcomes(all: readonly Outcome[]): Outcome {
  return {
    connections: sum(
      NO_CONNECTIONS,
      all.map(({ connections }) => connections),
    ),
    counts: sum(
      NO_COUNTS,
      all.map(({ counts }) => counts),
    ),
    errors: mergeErrors(all),
    milliseconds: Math.max(...all.map(({ milliseconds }) => milliseconds)),
    latency: mergeHistograms(all.map(({ latency }) => latency)),
    handshake: mergeHistograms(all.map(({ handshake }) => handshake)),
    lateness: mergeHistograms(all.map(({ lateness }) => lateness)),
    efforts: all.flatMap(({ efforts }) => efforts),
  }
}

function mergeErrors(all: readonly { errors: readonly ErrorCount[] }[]): ErrorCount[] {
  const merged = new Errors()
  for (const { errors } of all) merged.merge(errors)
  return merged.list
}

function mergeHistograms([first, ...others]: readonly HistogramData[]): HistogramData {
  if (first !== undefined && others.length === 0) return first
  const merged = new Histogram()
  for (const one of first === undefined ? [] : [first, ...others]) merged.add(Histogram.from(one))
  return merged.data
}

function sum<T extends object>(zero: T, all: readonly T[]): T {
  const total = { ...zero } as Record<string, number>
  for (const one of all) {
    for (const [name, count] of Object.entries(one)) total[name] = (total[name] ?? 0) + Number(count)
  }
  return total as T
}
