/** That a window of 8 can be agreed on: what DeflateParameters says of zlib's windows is so in the zlib of this Node. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { largestDistance } from './deflate-distance.ts'

/** Bytes that repeat after `period` and not before, so that every match goes back that far. */
function periodic(period: number, length: number): Buffer {
  let state = 1
  const unit = Uint8Array.from({ length: period }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state >> 16
  })
  return Buffer.from(Array.from({ length }, (_, index) => unit[index % period]!))
}

/** The farthest that zlib refers back with this window, at all levels, with context and without, whatever repeats. */
function farthest(windowBits: number, periods: readonly number[]): number {
  let largest = 0
  for (const period of periods) {
    const dictionary = periodic(period, period)
    const message = periodic(period, 1200)
    for (let level = 1; level <= 9; level++) {
      for (const memLevel of [1, 8, 9]) {
        const options = { level, memLevel, windowBits, finishFlush: constants.Z_SYNC_FLUSH }
        largest = Math.max(
          largest,
          largestDistance(deflateRawSync(message, options)),
          largestDistance(deflateRawSync(message, { ...options, dictionary })),
        )
      }
    }
  }
  return largest
}

const AROUND_256 = [...Array.from({ length: 24 }, (_, index) => 240 + index), 384, 500, 511, 512]

describe('the farthest that zlib refers back', () => {
  test('is 250 bytes with a window of 9, which an 8-bit window has', () => {
    expect(farthest(9, AROUND_256)).toBe(250)
  })

  test('is the same with 8, which it takes for 9', () => {
    expect(farthest(8, AROUND_256)).toBe(250)
  })

  test('is more with a window of 10', () => {
    expect(farthest(10, [251, 512, 762, 763])).toBe(762)
  })
})

test('distances are read from blocks of all kinds', () => {
  const message = periodic(300, 900)
  expect(largestDistance(deflateRawSync(message))).toBe(300)
  expect(largestDistance(deflateRawSync(message, { strategy: constants.Z_FIXED }))).toBe(300)
  expect(largestDistance(deflateRawSync(message, { level: 0 }))).toBe(0)
  expect(largestDistance(deflateRawSync(message.subarray(0, 300)))).toBe(0)
  const two = Buffer.concat([
    deflateRawSync(message.subarray(0, 300), { level: 0, finishFlush: constants.Z_SYNC_FLUSH }),
    deflateRawSync(message.subarray(300), { dictionary: message.subarray(0, 300) }),
  ])
  expect(inflateRawSync(two)).toEqual(message)
  expect(largestDistance(two)).toBe(300)
})
