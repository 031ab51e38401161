import { onTestFinished, vi } from 'vitest'
import { Inflate } from '../../src/compression/inflate.ts'
import { startJob } from '../../src/compression/thread-pool.ts'
import { Mailbox } from '../support/mailbox.ts'

/** Keeps the thread pool busy until it is released, so that a message in it is there for as long as a test wants. */
export function occupyThreadPool() {
  const ends: (() => void)[] = []
  for (let i = 0; i < 4; i++) startJob((done) => ends.push(done))
  /** Messages that were given to it to be decoded, in bytes. */
  const decoding = new Mailbox<number>()
  const { inflateLater } = Inflate.prototype
  const spy = vi.spyOn(Inflate.prototype, 'inflateLater').mockImplementation(function (this: Inflate, ...values) {
    decoding.put(values[0].length)
    return inflateLater.apply(this, values)
  })
  const release = () => {
    for (const end of ends.splice(0)) end()
  }
  onTestFinished(() => {
    release()
    spy.mockRestore()
  })
  return { release, decoding }
}
