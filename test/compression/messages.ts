import { messages } from '../../bench/corpus/corpus.ts'
import { Random } from '../../proof/support/random.ts'

/** Sizes on both sides of those from which the thread pool does the work, one that no window holds, and small ones. */
const SIZES = [0, 1, 64, 200, 2_000, 16_000, 200, 20_000, 500, 70_000, 100, 300_000, 10, 4_000]

/** So many messages, JSON as text and as bytes, and bytes that cannot be made smaller; the same for the same seed. */
export function mixed(count: number, seed: number): (string | Uint8Array)[] {
  const random = new Random(seed)
  return Array.from({ length: count }, (_, i) => {
    const size = SIZES[i % SIZES.length]!
    if (i % 5 === 4) return noise(Math.min(size, 40_000), random)
    const text = json(size, seed + i)
    return i % 3 === 0 ? new Uint8Array(Buffer.from(text)) : text
  })
}

/** Bytes that cannot be made smaller. */
export function noise(length: number, random = new Random(1)): Uint8Array {
  return Uint8Array.from({ length }, () => random.whole(0, 255))
}

/** Objects of about 200 bytes as JSON, cut to so many characters. */
export function json(length: number, seed = 1): string {
  const objects = messages(200, seed, 1)
  let text = ''
  while (text.length < length) text += objects.next().value
  return text.slice(0, length)
}
