import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskCopy, maskInPlace, maskKey, rotateKey, writeMaskKey } from '../../src/protocol/mask.ts'

const KEY = [0x37, 0xfa, 0x21, 0x3d]
const key = maskKey(Uint8Array.from(KEY), 0)

/** The definition in RFC 6455 section 5.3. */
function naive(payload: Uint8Array, keyBytes: readonly number[]): Uint8Array {
  return payload.map((byte, i) => byte ^ keyBytes[i % 4]!)
}

function pattern(length: number, factor = 31): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * factor + 7)
}

/** As toEqual, which takes long for so many bytes. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0) expect(actual).toEqual(expected)
}

/** Bytes that begin at a given offset of their ArrayBuffer. */
function placed(bytes: Uint8Array, offset: number): Uint8Array {
  const view = new Uint8Array(new ArrayBuffer(offset + bytes.length), offset)
  view.set(bytes)
  return view
}

test('masks the "Hello" of RFC 6455 section 5.7', () => {
  const bytes = new TextEncoder().encode('Hello')
  maskInPlace(bytes, 0, 5, key)
  expect([...bytes]).toEqual([0x7f, 0x9f, 0x4d, 0x51, 0x58])
})

describe('maskKey and writeMaskKey', () => {
  test('have the first byte in the low bits', () => {
    expect(maskKey(Uint8Array.of(9, 0x01, 0x02, 0x03, 0x04), 1)).toBe(0x04030201)
    expect(maskKey(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 0)).toBe(-1)
  })

  test('are each other’s inverse', () => {
    const bytes = new Uint8Array(6)
    writeMaskKey(bytes, 1, key)
    expect([...bytes]).toEqual([0, ...KEY, 0])
    writeMaskKey(bytes, 0, -2)
    expect([...bytes]).toEqual([0xfe, 0xff, 0xff, 0xff, 0x3d, 0])
  })
})

test.each([0, 1, 2, 3, 4, 5, 4_294_967_295])('rotateKey by %d', (by) => {
  const expected = [0, 1, 2, 3].map((i) => KEY[(by + i) % 4]!)
  expect(rotateKey(key, by)).toBe(maskKey(Uint8Array.from(expected), 0))
})

describe('maskInPlace', () => {
  test.each([0, 1, 3, 4, 7, 8, 23, 24, 25, 31, 64, 127, 128, 129, 200, 1000, 65_536])('%d bytes', (length) => {
    const payload = pattern(length)
    for (const [offset, start] of [
      [0, 0],
      [1, 0],
      [2, 3],
      [3, 2],
    ] as const) {
      const bytes = placed(pattern(start + length + 5, 13), offset)
      bytes.set(payload, start)
      const before = bytes.slice()
      maskInPlace(bytes, start, start + length, key)
      expectSame(bytes.subarray(start, start + length), naive(payload, KEY))
      expectSame(bytes.subarray(0, start), before.subarray(0, start))
      expectSame(bytes.subarray(start + length), before.subarray(start + length))
    }
  })

  test('goes over many frames of one chunk, and back to an earlier chunk', () => {
    const frame = fc.record({
      chunk: fc.nat(1),
      start: fc.nat(1900),
      length: fc.nat(100),
      keyBytes: fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
        const chunks = [placed(pattern(2000), 1), placed(pattern(2000, 17), 6)]
        const expected = chunks.map((chunk) => chunk.slice())
        for (const { chunk, start, length, keyBytes } of frames) {
          maskInPlace(chunks[chunk]!, start, start + length, maskKey(Uint8Array.from(keyBytes), 0))
          const part = expected[chunk]!.subarray(start, start + length)
          part.set(naive(part, keyBytes))
          expectSame(chunks[chunk]!, expected[chunk]!)
        }
      }),
    )
  })

  test('a buffer over 1 MiB', () => {
    const bytes = pattern(1024 * 1024 + 10)
    const expected = naive(bytes.subarray(5), KEY)
    maskInPlace(bytes, 5, bytes.length, key)
    expectSame(bytes.subarray(5), expected)
  })

  test('a buffer that has grown since its last frame', () => {
    const buffer = Reflect.construct(ArrayBuffer, [256, { maxByteLength: 1024 }]) as ArrayBuffer & {
      resize(length: number): void
    }
    const bytes = new Uint8Array(buffer)
    maskInPlace(bytes, 0, 256, key)
    buffer.resize(1024)
    maskInPlace(bytes, 256, 1024, key)
    expect(bytes).toEqual(naive(new Uint8Array(1024), KEY))
  })

  test('shared memory', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(300))
    maskInPlace(bytes, 0, 300, key)
    expect([...bytes]).toEqual([...naive(new Uint8Array(300), KEY)])
  })
})

describe('maskCopy', () => {
  test('equals the definition at any length and any alignment of source and target', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
        fc.record({ source: fc.nat(9), start: fc.nat(9), target: fc.nat(9), at: fc.nat(9) }),
        (payload, keyBytes, offset) => {
          const source = placed(new Uint8Array(offset.start + payload.length + 4), offset.source)
          source.set(payload, offset.start)
          const before = source.slice()
          const target = placed(new Uint8Array(offset.at + payload.length + 4).fill(0xee), offset.target)
          const word = maskKey(Uint8Array.from(keyBytes), 0)
          maskCopy(source, offset.start, offset.start + payload.length, target, offset.at, word)
          const expected = new Uint8Array(target.length).fill(0xee)
          expected.set(naive(payload, keyBytes), offset.at)
          expectSame(target, expected)
          expectSame(source, before)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test.each([127, 128, 129, 130, 131, 159, 160, 65_536, 1_000_003])('%d bytes, into a pooled Buffer', (length) => {
    const source = pattern(length + 3)
    const target = Buffer.allocUnsafe(length)
    maskCopy(source, 3, length + 3, target, 0, key)
    expectSame(target, naive(source.subarray(3), KEY))
  })

  test('in two pieces equals in one, with the key rotated', () => {
    const source = pattern(300)
    const target = new Uint8Array(300)
    for (const cut of [1, 2, 3, 150, 157]) {
      maskCopy(source, 0, cut, target, 0, key)
      maskCopy(source, cut, 300, target, cut, rotateKey(key, cut))
      expectSame(target, naive(source, KEY))
    }
  })
})

describe('whether what was masked in place is ASCII', () => {
  test('tells ASCII from what is not, wherever the byte stands', () => {
    const chunk = placed(new Uint8Array(700), 3)
    for (const length of [0, 1, 2, 3, 4, 5, 9, 24, 31, 64, 65, 66, 67, 300]) {
      for (const start of [0, 1, 2, 3, 380]) {
        const text = pattern(length, 3).map((byte) => byte & 0x7f)
        chunk.set(naive(text, KEY), start)
        expect(maskInPlace(chunk, start, start + length, key)).toBe(true)
        expectSame(chunk.subarray(start, start + length), text)
        for (let at = 0; at < length; at++) {
          const other = text.with(at, 0x80)
          chunk.set(naive(other, KEY), start)
          expect(maskInPlace(chunk, start, start + length, key)).toBe(false)
          expectSame(chunk.subarray(start, start + length), other)
        }
      }
    }
  })

  test('bytes around the text do not count', () => {
    const bytes = new Uint8Array(400).fill(0xff)
    bytes.fill(0x41, 101, 299)
    bytes.set(naive(bytes.slice(101, 299), KEY), 101)
    expect(maskInPlace(bytes, 101, 299, key)).toBe(true)
    expect(bytes[100]).toBe(0xff)
    expect(bytes[299]).toBe(0xff)
  })

  test('a buffer of its own, short and long', () => {
    for (const length of [23, 30, 127, 128, 500]) {
      const bytes = naive(new Uint8Array(length).fill(0x61), KEY)
      expect(maskInPlace(bytes, 0, length, key)).toBe(true)
      expect(bytes).toEqual(new Uint8Array(length).fill(0x61))
    }
  })
})
