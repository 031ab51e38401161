/** Whether a soak was passed: each check with the figure it is about, and the bound that was set for it beforehand. */
import { growth, type Point } from '../support/theil-sen.ts'
import type { ServerState } from './protocol.ts'

/** One second of a soak. */
export interface Sample extends Omit<ServerState, 'ended' | 'time' | 'cpu'> {
  /** Seconds since the traffic began. */
  at: number
  /** CPU seconds a second of the server's process, since the sample before. */
  cpu: number
  /** Messages a second that arrived at clients as they should, since the sample before. */
  perSecond: number
  /** Of echoes since the sample before, in ms; undefined when there was none. */
  p50: number | undefined
  p99: number | undefined
}

/** What the verdict is about. */
export interface Observed {
  samples: readonly Sample[]
  /** Seconds at the beginning that do not count for what grows. */
  settling: number
  lost: number
  corrupted: number
  unexpected: number
  unreported: number
  /** The server before the traffic, when a little of it had passed already, after it, and when it is closed. */
  before: ServerState
  after: ServerState
  closed: ServerState
}

export interface Check {
  what: string
  /** What was found, and what is allowed, with their units. */
  found: string
  allowed: string
  ok: boolean
}

const MIB = 1024 * 1024
/** A leak of 80 bytes a connection would be as much in ten minutes of the usual churn. */
const HEAP_GROWTH = 2 * MIB
/** What the kernel gives and takes back in larger pieces; more in a short run, whose process has not found its size yet. */
const RSS_GROWTH = 16 * MIB
const RSS_GROWTH_SHORT = 64 * MIB
/** Seconds at the beginning that do not count; a run without so many is a short one. */
export const SETTLING = 60
const HANDLE_GROWTH = 5
/** Code that was compiled meanwhile, for the most part. */
const HEAP_LEFT = 4 * MIB
/** What a server has that is alone with itself: the pipe to its parent. */
const OWN_HANDLES = new Set(['PipeWrap'])

export function judge(observed: Observed): Check[] {
  const { samples, settling, before, after, closed } = observed
  const settled = samples.filter(({ at }) => at >= settling)
  const rssGrowth = settling < SETTLING ? RSS_GROWTH_SHORT : RSS_GROWTH
  const connections = (state: ServerState | Sample) => state.handles.TCPSocketWrap ?? 0
  return [
    flat('heap in use after garbage collection', settled, ({ heap }) => heap, HEAP_GROWTH, bytes),
    flat('resident memory', settled, ({ rss, heap }) => (heap === undefined ? undefined : rss), rssGrowth, bytes),
    flat('sockets beyond the open connections', settled, (s) => connections(s) - s.connections, HANDLE_GROWTH, count),
    flat('timers', settled, ({ handles }) => handles.Timeout ?? 0, HANDLE_GROWTH, count),
    flat('other handles', settled, otherHandles, HANDLE_GROWTH, count),
    none('messages lost', observed.lost),
    none('messages corrupted', observed.corrupted),
    none('ends and answers that were not the ones due', observed.unexpected),
    none('connections whose end was not reported', observed.unreported),
    none('connections when all clients were gone', after.connections),
    {
      what: 'handles when all clients were gone',
      found: inWords(after.handles),
      allowed: inWords(before.handles),
      ok: inWords(after.handles) === inWords(before.handles),
    },
    {
      what: 'heap in use when all clients were gone',
      found: bytes((after.heap ?? Number.NaN) - (before.heap ?? Number.NaN)),
      allowed: `at most ${bytes(HEAP_LEFT)} more than before`,
      ok: (after.heap ?? Number.NaN) - (before.heap ?? Number.NaN) <= HEAP_LEFT,
    },
    none('handles of the closed server', handlesLeft(closed)),
  ]
}

/** Growth by the Theil–Sen slope, from the first sample that counts to the last. */
function flat(
  what: string,
  samples: readonly Sample[],
  value: (sample: Sample) => number | undefined,
  allowed: number,
  unit: (value: number) => string,
): Check {
  const points: Point[] = samples.flatMap((sample) => {
    const y = value(sample)
    return y === undefined ? [] : [{ x: sample.at, y }]
  })
  const grown = growth(points)
  const seconds = (points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0)
  return {
    what: `growth: ${what}`,
    found: `${unit(grown)} in ${seconds.toFixed(0)} s`,
    allowed: `at most ${unit(allowed)}`,
    // Without samples nothing is known.
    ok: points.length > 1 && grown <= allowed,
  }
}

function none(what: string, found: number): Check {
  return { what, found: String(found), allowed: 'none', ok: found === 0 }
}

/** How many handles there are beside those of the process that the server is in. */
export function handlesLeft({ handles }: Pick<ServerState, 'handles'>): number {
  return Object.entries(handles).reduce((sum, [kind, count]) => sum + (OWN_HANDLES.has(kind) ? 0 : count), 0)
}

function otherHandles({ handles }: Sample): number {
  return Object.entries(handles).reduce(
    (sum, [kind, count]) => sum + (kind === 'TCPSocketWrap' || kind === 'Timeout' ? 0 : count),
    0,
  )
}

/** `2 PipeWrap, 1 TCPServerWrap`. */
export function inWords(handles: Record<string, number>): string {
  const kinds = Object.entries(handles).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return kinds.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none'
}

function bytes(value: number): string {
  return `${(value / MIB).toFixed(2)} MiB`
}

function count(value: number): string {
  return value.toFixed(1)
}
