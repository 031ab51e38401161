/** Node's thread pool has four threads by default. A job that only waits for one would hold its memory meanwhile. */
const MOST = 4

type Job = (done: () => void) => void

let running = 0
const waiting: Job[] = []

/** Starts a job of zlib's in the thread pool: at once, or when one that has begun before is done. */
export function startJob(job: Job): void {
  if (running === MOST) {
    waiting.push(job)
    return
  }
  running++
  job(() => {
    running--
    const next = waiting.shift()
    if (next !== undefined) startJob(next)
  })
}
