import { expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { writeMaskKey } from '../../src/protocol/mask.ts'
import { MaskKeySource } from '../../src/protocol/mask-key-source.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'

test('every key is four bytes of the random source, each byte used once', () => {
  let next = 0
  const drawn: number[] = []
  const source = new MaskKeySource({
    ...portablePlatform,
    randomFill(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        // A pattern whose period is no multiple of 4.
        bytes[i] = next
        drawn.push(next)
        next = (next + 1) % 251
      }
    },
  })
  const used = new Uint8Array(4 * 10_000)
  for (let at = 0; at < used.length; at += 4) writeMaskKey(used, at, source.next())
  expect(Buffer.compare(used, Uint8Array.from(drawn.slice(0, used.length)))).toBe(0)
})

test('nothing is drawn before the first key, and then in bulk', () => {
  const sizes: number[] = []
  const source = new MaskKeySource({ ...portablePlatform, randomFill: (bytes) => sizes.push(bytes.length) })
  expect(sizes).toEqual([])
  for (let i = 0; i < 2_048; i++) source.next()
  expect(sizes).toEqual([8_192])
  source.next()
  expect(sizes).toEqual([8_192, 8_192])
})

test.each([
  ['Node', nodePlatform],
  ['the portable platform', portablePlatform],
])('%s gives keys that differ, in all of their bits', (_, platform) => {
  const source = new MaskKeySource(platform)
  const keys = Array.from({ length: 5_000 }, () => source.next())
  // Two equal ones among so many are expected in 1 of 350 runs; four are not.
  expect(new Set(keys).size).toBeGreaterThan(4_996)
  expect(keys.reduce((all, key) => all | key)).toBe(-1)
  expect(keys.reduce((all, key) => all & key)).toBe(0)
  expect(keys.every(Number.isInteger)).toBe(true)
})
