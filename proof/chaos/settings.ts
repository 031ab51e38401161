/** What both ends are given, besides what is planned for each connection. */
import type { PlanSettings } from './plan.ts'

/** Milliseconds by which one of the library's timers may be late, as docs/defaults.md has it. */
export const PRECISION = 20

/** Milliseconds of a stalled event loop beyond which the library's clock stands still, as docs/defaults.md has it. */
export const STALL = 100

/** Long, so that a peer behind slow bytes is not given up. */
export const CLOSE_TIMEOUT = 5_000

/** The options of every socket, at both ends. */
export function socketOptions({ interval, timeout }: PlanSettings) {
  return { heartbeat: { interval, timeout }, closeTimeout: CLOSE_TIMEOUT }
}
