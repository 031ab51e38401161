import { setImmediate } from 'node:timers'

/**
 * Queues a task: `steps` run in the order in which they were queued, in this turn of the event loop if there is still
 * time. Behind each of them all microtasks run, so that a promise that was settled in one is handled before the next.
 */
export function queueTask<Args extends unknown[]>(steps: (...args: Args) => void, ...args: Args): void {
  setImmediate(steps, ...args)
}
