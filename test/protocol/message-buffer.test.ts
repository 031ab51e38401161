import { describe, expect, test } from 'vitest'
import { MessageBuffer } from '../../src/protocol/message-buffer.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import type { Platform } from '../../src/protocol/platform.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'

/** A buffer on a platform with this much memory, and the sizes that it asked for. */
function bufferWith(memory: number): { buffer: MessageBuffer; sizes: number[] } {
  const sizes: number[] = []
  const platform: Platform = {
    ...portablePlatform,
    allocate(length) {
      sizes.push(length)
      if (length > memory) throw new RangeError('Array buffer allocation failed')
      return new Uint8Array(length)
    },
  }
  return { buffer: new MessageBuffer(platform, Opcode.Binary, false), sizes }
}

/** Puts `length` bytes of this value behind the others; false when there is no memory for them. */
function put(buffer: MessageBuffer, length: number, value: number, whole = Number.POSITIVE_INFINITY): boolean {
  const at = buffer.reserve(length, length, whole)
  if (at < 0) return false
  buffer.bytes.fill(value, at, at + length)
  return true
}

test('begins empty', () => {
  const buffer = new MessageBuffer(portablePlatform, Opcode.Text, true)
  expect(buffer).toMatchObject({ opcode: 1, inPieces: true, length: 0, announced: 0, fragments: 0 })
  expect(buffer.take()).toEqual(new Uint8Array(0))
})

test('keeps what was put in when it grows', () => {
  const { buffer } = bufferWith(Number.POSITIVE_INFINITY)
  const expected: number[] = []
  for (let value = 1; value <= 100; value++) {
    put(buffer, value, value)
    expected.push(...new Array<number>(value).fill(value))
  }
  expect(buffer.length).toBe(5050)
  expect([...buffer.take()]).toEqual(expected)
})

describe('the size', () => {
  test('is at least 256, then four times what has arrived', () => {
    const { buffer, sizes } = bufferWith(Number.POSITIVE_INFINITY)
    put(buffer, 1, 1)
    expect(sizes).toEqual([256])
    put(buffer, 255, 2)
    expect(sizes).toEqual([256])
    put(buffer, 1, 3)
    expect(sizes).toEqual([256, 1028])
  })

  test('is not more than the whole message', () => {
    const { buffer, sizes } = bufferWith(Number.POSITIVE_INFINITY)
    put(buffer, 100, 1, 150)
    put(buffer, 50, 2, 150)
    expect(sizes).toEqual([150])
    const taken = buffer.take()
    expect(taken.length).toBe(150)
    // It is given away as it is, without another copy.
    expect(sizes).toEqual([150])
  })

  test('is at least what the chunk at hand has', () => {
    const { buffer, sizes } = bufferWith(Number.POSITIVE_INFINITY)
    expect(buffer.reserve(10, 5_000, 10_000)).toBe(0)
    expect(sizes).toEqual([5_000])
  })

  test('is never less than what has arrived, whatever the whole is said to be', () => {
    const { buffer, sizes } = bufferWith(Number.POSITIVE_INFINITY)
    put(buffer, 300, 1, 10)
    expect(sizes).toEqual([300])
  })
})

describe('without memory', () => {
  test('for room to grow, it makes do with what is needed', () => {
    const { buffer, sizes } = bufferWith(1_000)
    expect(put(buffer, 900, 1)).toBe(true)
    expect(sizes).toEqual([3_600, 900])
    expect(buffer.take().length).toBe(900)
  })

  test('for what is needed, it keeps what it has and says so', () => {
    const { buffer } = bufferWith(1_000)
    put(buffer, 100, 1)
    expect(put(buffer, 1_000, 2)).toBe(false)
    expect(buffer.length).toBe(100)
    expect([...buffer.take()]).toEqual(new Array(100).fill(1))
  })

  test('for a copy without slack, it gives the slack away too', () => {
    const { buffer } = bufferWith(0)
    buffer.bytes = new Uint8Array(10).fill(7)
    buffer.reserve(4, 4, 10)
    expect([...buffer.take()]).toEqual([7, 7, 7, 7])
  })
})

test('take begins anew, and shares no memory with what comes after', () => {
  const { buffer } = bufferWith(Number.POSITIVE_INFINITY)
  put(buffer, 3, 1)
  const first = buffer.take()
  expect(first.buffer.byteLength).toBe(3)
  expect(buffer.length).toBe(0)
  put(buffer, 3, 2)
  const second = buffer.take()
  expect([...first, ...second]).toEqual([1, 1, 1, 2, 2, 2])
})
