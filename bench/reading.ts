/** What a server's process has used, at the beginning and at the end of the measured time. */
import { type Scheduled, scheduled } from './machine.ts'
import type { ServerProcess } from './server-process.ts'
import type { Usage } from './servers/control.ts'

/** The figures of the server's process, and when they were asked for by the clock of this one. */
export interface Reading {
  at: number
  scheduled: Scheduled
  usage: Usage
}

export async function read(process: ServerProcess): Promise<Reading> {
  const at = performance.now() / 1e3
  return { at, scheduled: scheduled(process.ready.pid), usage: await process.usage() }
}

/**
 * CPU seconds per second of the server's process between two readings, and the share of the time in which it waited for
 * its core. Rates by the server's own clock: it does not matter that it answers a moment after it was asked.
 *
 * @throws {Error} when the time between them was too short.
 */
export function spent(first: Reading, last: Reading, pinned: boolean): { cpu: number; wait: number } {
  const cpu = (last.usage.cpu - first.usage.cpu) / (last.usage.time - first.usage.time)
  if (!(cpu > 0)) throw new Error('the run was too short for the CPU clock')
  return { cpu, wait: waitShare(first, last, pinned ? cpu : 0) }
}

/**
 * Share of the time in which other processes had the server's core. On one core the main thread also waits for
 * the threads of its own process (garbage collection, compilation); what they used is not counted.
 *
 * @param cpu of all threads on that core, in CPU seconds per second; 0 when they had other cores to run on.
 */
function waitShare(first: Reading, last: Reading, cpu: number): number {
  const time = last.at - first.at
  const waited = (last.scheduled.waited - first.scheduled.waited) / time
  const ran = (last.scheduled.ran - first.scheduled.ran) / time
  // The system books a wait when it is over: what began before the measured time may be in it.
  return Math.min(1, Math.max(0, waited - Math.max(0, cpu - ran)))
}
