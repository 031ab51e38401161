import { isUtf8 as nodeIsUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { UTF8_START, utf8Validate, utf8ValidateLong } from '../../src/protocol/utf8.ts'

const fatal = new TextDecoder('utf-8', { fatal: true })

function isUtf8(bytes: Uint8Array): boolean {
  try {
    fatal.decode(bytes)
    return true
  } catch {
    return false
  }
}

function validate(hex: string): number {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return utf8Validate(bytes, 0, bytes.length, UTF8_START)
}

/** Bytes that look like UTF-8 more often than arbitrary ones do. */
const textLike = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom('é', '€', '日本語', '😀', 'plain ASCII, and rather much of it').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 3 }),
      fc
        .constantFrom([0xe0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90], [0xc3], [0xf0, 0x9f])
        .map((b) => Uint8Array.from(b)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)))

test.each([
  ['', 'nothing'],
  ['00', 'U+0000'],
  ['41 7f', 'ASCII'],
  ['c2 80', 'U+0080'],
  ['df bf', 'U+07FF'],
  ['e0 a0 80', 'U+0800'],
  ['ed 9f bf', 'U+D7FF'],
  ['ee 80 80', 'U+E000'],
  ['ef bb bf', 'a byte order mark'],
  ['ef bf bf', 'U+FFFF'],
  ['f0 90 80 80', 'U+10000'],
  ['f4 8f bf bf', 'U+10FFFF'],
])('%s is valid: %s', (hex) => {
  expect(validate(hex)).toBe(UTF8_START)
})

test.each([
  ['80', 0, 'a stray continuation byte'],
  ['41 bf', 1, 'a stray continuation byte after a character'],
  ['c0 80', 0, 'overlong, 2 bytes'],
  ['c1 bf', 0, 'overlong, 2 bytes'],
  ['e0 80', 1, 'overlong, 3 bytes'],
  ['e0 9f bf', 1, 'overlong, 3 bytes'],
  ['f0 80', 1, 'overlong, 4 bytes'],
  ['f0 8f bf bf', 1, 'overlong, 4 bytes'],
  ['ed a0 80', 1, 'a surrogate'],
  ['ed bf bf', 1, 'a surrogate'],
  ['f4 90 80 80', 1, 'over U+10FFFF'],
  ['f5', 0, 'over U+10FFFF'],
  ['ff', 0, 'no UTF-8 byte'],
  ['c3 41', 1, 'a character cut off by another'],
  ['e2 82 41', 2, 'a character cut off by another'],
  ['f0 9f 98 c3', 3, 'a character cut off by another'],
  ['61 62 63 64 65 66 67 68 69 fe', 9, 'after some ASCII'],
  ['ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65', 12, 'a surrogate within text'],
])('%s is invalid at byte %d: %s', (hex, index) => {
  expect(validate(hex)).toBe(-1 - index)
})

test.each(['c3', 'e2', 'e2 82', 'e0', 'ed 9f', 'f0', 'f0 9f', 'f0 9f 98', 'f4 8f'])('%s waits for more', (hex) => {
  expect(validate(hex)).toBeGreaterThan(0)
})

test('indices are those of the array', () => {
  const bytes = Uint8Array.of(0xff, 0x41, 0xc3, 0xff)
  expect(utf8Validate(bytes, 1, 3, UTF8_START)).toBeGreaterThan(0)
  expect(utf8Validate(bytes, 1, 4, UTF8_START)).toBe(-1 - 3)
  expect(utf8Validate(bytes, 2, 2, 0)).toBe(UTF8_START)
})

test('every pair of bytes agrees with the check of Node.js', () => {
  const bytes = new Uint8Array(4)
  for (const rest of [[], [0x80], [0xbf, 0xbf]]) {
    bytes.set(rest, 2)
    const text = bytes.subarray(0, 2 + rest.length)
    for (let pair = 0; pair < 65_536; pair++) {
      bytes[0] = pair >> 8
      bytes[1] = pair
      if ((utf8Validate(text, 0, text.length, UTF8_START) === UTF8_START) !== nodeIsUtf8(text)) {
        expect.fail(`disagrees on ${Buffer.from(text).toString('hex')}`)
      }
    }
  }
})

describe.each([
  ['utf8Validate', utf8Validate],
  [
    'utf8ValidateLong',
    (bytes: Uint8Array, start: number, end: number, state: number) =>
      utf8ValidateLong(portablePlatform, bytes, start, end, state),
  ],
] as const)('%s', (_, validator) => {
  test('agrees with TextDecoder, and finds the same byte, however the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(textLike, { maxLength: 6 }).map((parts) => new Uint8Array(Buffer.concat(parts))),
        fc.array(fc.nat(400), { maxLength: 4 }),
        (bytes, cuts) => {
          const whole = utf8Validate(bytes, 0, bytes.length, UTF8_START)
          expect(whole === UTF8_START).toBe(isUtf8(bytes))
          let state: number = UTF8_START
          let start = 0
          for (const end of [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]) {
            state = validator(bytes, start, end, state)
            if (state < 0) break
            start = end
          }
          expect(state).toBe(whole)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('an invalid byte is the first one that no continuation can mend', () => {
    fc.assert(
      fc.property(textLike, (bytes) => {
        const state = validator(bytes, 0, bytes.length, UTF8_START)
        if (state >= 0) return
        const index = -1 - state
        const mended = ['', '80', 'bf', 'a080', '8080', '9080', '80bf', '908080', '808080'].map((hex) =>
          Buffer.from(hex, 'hex'),
        )
        const complete = (end: number) => mended.some((rest) => isUtf8(Buffer.concat([bytes.subarray(0, end), rest])))
        expect(complete(index)).toBe(true)
        expect(complete(index + 1)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([127, 128, 129, 130, 131, 132, 1000])('long text of %d bytes, cut within a character', (length) => {
    for (const unit of ['aé', '€', '😀', 'abc€']) {
      const bytes = Buffer.from(unit.repeat(length))
      const state = validator(bytes, 0, length, UTF8_START)
      expect(state).toBe(utf8Validate(bytes, 0, length, UTF8_START))
      expect(validator(bytes, length, bytes.length, state)).toBe(UTF8_START)
      bytes[length + 40] = 0xff
      expect(validator(bytes, length, bytes.length, state)).toBe(-1 - (length + 40))
    }
  })

  test('long text after a character that was broken off', () => {
    const bytes = new Uint8Array(200).fill(0x41)
    const state = utf8Validate(Uint8Array.of(0xc3), 0, 1, UTF8_START)
    expect(validator(bytes, 0, 200, state)).toBe(-1)
  })
})
