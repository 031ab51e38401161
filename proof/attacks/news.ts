import { monotonic } from '../support/loop-watch.ts'

/** What is published: a number and the time, which is the same for all processes of a machine, and then nothing. */
const HEAD = 16

/** @param size bytes, 16 at least */
export function writeNews(number: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(Math.max(size, HEAD))
  bytes.writeDoubleBE(number, 0)
  bytes.writeDoubleBE(monotonic(), 8)
  return bytes
}

export function readNews(bytes: Uint8Array): { number: number; time: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { number: view.getFloat64(0), time: view.getFloat64(8) }
}
