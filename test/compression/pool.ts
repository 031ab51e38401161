import { onTestFinished } from 'vitest'
import { startJob } from '../../src/compression/thread-pool.ts'

/** Keeps the thread pool busy until what this returns is called, so that a message in it is there for as long as a test wants. */
export function occupyThreadPool(): () => void {
  const ends: (() => void)[] = []
  for (let i = 0; i < 4; i++) startJob((done) => ends.push(done))
  const release = () => {
    for (const end of ends.splice(0)) end()
  }
  onTestFinished(release)
  return release
}
