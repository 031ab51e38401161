import { AsyncResource } from 'node:async_hooks'

/** Node's thread pool has four threads by default. A job that only waits for one would hold its memory meanwhile. */
const MOST = 4

type Job = (done: () => void) => void

let running = 0
const waiting = new Set<Job>()

/**
 * Starts a job of zlib's in the thread pool: at once, or when one that has begun before is done; in the context of
 * AsyncLocalStorage in which it was given either way.
 * @returns what takes it back if it has not begun; then it is never called
 */
export function startJob(job: Job): () => void {
  if (running < MOST) {
    run(job)
    return () => {}
  }
  const later = AsyncResource.bind(job)
  waiting.add(later)
  return () => void waiting.delete(later)
}

function run(job: Job): void {
  running++
  job(() => {
    running--
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    run(next)
  })
}
