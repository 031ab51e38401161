import { describe, expect, test } from 'vitest'
import { withNativeMask } from '../../src/platform/native-mask.ts'
import { nodePlatform } from '../../src/platform/node.ts'
import { findAddon } from '../../src/transport/addon.ts'
import { testPlatform } from '../protocol/platform-contract.ts'

test('long ranges are masked in C, short ones are not', () => {
  const lengths: number[] = []
  const platform = withNativeMask(nodePlatform, (_, start, end) => lengths.push(end - start) > 0)
  const [bytes, target] = [Buffer.alloc(600), Buffer.alloc(600)]
  platform.maskCopy(bytes, 1, 512, target, 0, 5)
  platform.maskInPlace(bytes, 1, 512, 5)
  platform.maskCopy(bytes, 1, 513, target, 0, 5)
  platform.maskInPlace(bytes, 1, 514, 5)
  expect(lengths).toEqual([512, 513])
})

const { addon } = findAddon()

if (addon !== undefined) {
  const { mask } = addon

  describe('a platform that masks in C', () => {
    testPlatform(withNativeMask(nodePlatform, mask))
  })

  test.each([
    ['begins before the bytes', -1, 5, 0],
    ['ends behind the bytes', 0, 11, 0],
    ['ends before it begins', 5, 4, 0],
    ['goes before the target', 0, 5, -1],
    ['goes behind the target', 0, 5, 6],
  ])('nothing is touched of a range that %s', (_, start, end, at) => {
    const [source, target] = [Buffer.alloc(10, 1), Buffer.alloc(10, 2)]
    expect(mask(source, start, end, target, at, 0x7f)).toBe(false)
    expect([source, target]).toEqual([Buffer.alloc(10, 1), Buffer.alloc(10, 2)])
  })
}
