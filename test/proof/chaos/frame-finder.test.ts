import { encodeFrame, Opcode } from 'heartwire/protocol'
import { describe, expect, test } from 'vitest'
import { FrameFinder } from '../../../proof/chaos/frame-finder.ts'
import type { Place } from '../../../proof/chaos/plan.ts'

const HEAD = Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n')
/** Headers of 6, 8 and 14 bytes; the second frame is empty. */
const FRAMES = [5, 0, 200, 70_000].map((length) =>
  encodeFrame({ opcode: Opcode.Binary, payload: new Uint8Array(length), maskingKey: Uint8Array.of(1, 2, 3, 4) }),
)
const STREAM = Buffer.concat([HEAD, ...FRAMES])
/** Where each frame begins in the stream. */
const STARTS = FRAMES.map((_, i) => HEAD.length + FRAMES.slice(0, i).reduce((sum, { length }) => sum + length, 0))

/** How many bytes of the stream come before a place, when it comes in chunks of a size; undefined where it is nowhere. */
function before(place: Omit<Place, 'direction'>, chunk: number): number | undefined {
  const finder = new FrameFinder()
  for (let at = 0; at < STREAM.length; at += chunk) {
    const found = finder.find(STREAM.subarray(at, at + chunk), { direction: 'up', ...place })
    if (found >= 0) return at + found
  }
  return undefined
}

describe.each([STREAM.length, 1, 7, 1000])('in chunks of %i bytes', (chunk) => {
  test.each([
    ['before a frame', { frame: 1, at: 'before' }, STARTS[0]],
    ['before a later frame', { frame: 3, at: 'before' }, STARTS[2]],
    ['in a header', { frame: 2, at: 'header' }, STARTS[1]! + 1],
    ['at the beginning of a payload', { frame: 1, at: 0 }, STARTS[0]! + 6],
    ['in a payload', { frame: 3, at: 0.5 }, STARTS[2]! + 8 + 100],
    ['almost at the end of one', { frame: 4, at: 0.99999 }, STARTS[3]! + 14 + 69_999],
    ['in the next payload, where the frame has none', { frame: 2, at: 0.25 }, STARTS[2]! + 8 + 50],
    ['behind all frames', { frame: 5, at: 'header' }, undefined],
  ] as const)('%s', (_name, place, expected) => {
    expect(before(place, chunk)).toBe(expected)
  })
})

test('one place after the other, in one chunk', () => {
  const finder = new FrameFinder()
  const first = finder.find(STREAM, { direction: 'up', frame: 1, at: 0.5 })
  const rest = STREAM.subarray(first)
  const second = finder.find(rest, { direction: 'up', frame: 3, at: 'before' })
  expect([first, first + second]).toEqual([STARTS[0]! + 8, STARTS[2]])
})
