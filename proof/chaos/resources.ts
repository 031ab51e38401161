/** What a process holds on to: handles, timers and memory. */

import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { activeResources } from '../support/active.ts'
import type { End } from './plan.ts'

export interface Resources {
  /** What keeps the process alive, by kind, as Node counts it. */
  active: Record<string, number>
  /** Timers that were set and have neither fired nor been cleared, whether or not they keep the process alive. */
  timers: number
  /** Bytes after a garbage collection: of JavaScript objects, of buffers, and resident in all. */
  heap: number
  buffers: number
  rss: number
}

const timers = new Set<unknown>()

/**
 * Counts the timers that are set from here on; Node does not count those that do not keep the process alive.
 * It has to be called before the library is loaded.
 */
export function countTimers(): void {
  const { setTimeout, clearTimeout } = globalThis
  const counting = (callback: (...all: unknown[]) => void, milliseconds?: number, ...all: unknown[]) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      callback(...all)
    }, milliseconds)
    timers.add(timer)
    return timer
  }
  const clearing = (timer: Parameters<typeof clearTimeout>[0]) => {
    timers.delete(timer)
    clearTimeout(timer)
  }
  Object.assign(globalThis, { setTimeout: counting, clearTimeout: clearing })
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Reads them when garbage is collected, the finalizers have run, and what they let go of is collected too. */
export async function readResources(): Promise<Resources> {
  for (let i = 0; i < 4; i++) {
    collect()
    await sleep(20)
  }
  const active = activeResources()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { active, timers: timers.size, heap: heapUsed, buffers: external, rss }
}

/** The library has one timer for all connections, which may still sleep when there are none. */
const TIMERS = 1
const MiB = 1024 * 1024
/** What the heap may have grown by: code and caches, which go on growing for a while. */
const HEAP = 2 * MiB
/** What memory outside of it may have grown by: streams of zlib are kept, and a busy machine has more of them at work. */
const BUFFERS = 6 * MiB
/** What the process may have grown by in all: allocators do not give back all that they got. */
const RSS = { share: 0.25, bytes: 32 * MiB }

/** What has not returned to where it began, a sentence each. */
export function compareResources(end: End, before: Resources, after: Resources): string[] {
  const wrong: string[] = []
  for (const kind of new Set([...Object.keys(before.active), ...Object.keys(after.active)])) {
    const [was, is] = [before.active[kind] ?? 0, after.active[kind] ?? 0]
    if (is > was) wrong.push(`${end}: ${is} ${kind} are active, ${was} were`)
  }
  if (after.timers > Math.max(before.timers, TIMERS))
    wrong.push(`${end}: ${after.timers} timers are set, ${before.timers} were`)
  const grown = (what: string, was: number, is: number, allowed: number) => {
    if (is - was > allowed)
      wrong.push(`${end}: ${what} grew from ${inMiB(was)} to ${inMiB(is)}, by more than ${inMiB(allowed)}`)
  }
  grown('the heap', before.heap, after.heap, HEAP)
  grown('buffers', before.buffers, after.buffers, BUFFERS)
  grown('resident memory', before.rss, after.rss, Math.max(RSS.bytes, before.rss * RSS.share))
  return wrong
}

function inMiB(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`
}
