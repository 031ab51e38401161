import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Platform } from '../../src/protocol/platform.ts'

const TEXTS = [
  '',
  'a',
  'short',
  'sixteen letters!',
  'ASCII of some length, so that no short way is taken for it, '.repeat(3),
  'é',
]
  .concat([
    '€uro',
    '日本語のテキスト',
    '😀',
    'a😀b€cé',
    'añ'.repeat(100),
    '\u{feff}kept',
    '\u{10ffff}',
    '\0\u{7f}\u{80}\u{7ff}\u{800}',
  ])
  .concat(['\u{d800}', '\u{dc00}\u{d800}', 'a\u{d83d}', '\u{d83d}x', '\u{dc00}'.repeat(40)])
const encoder = new TextEncoder()

/** Where bytes may stand: in a Buffer or another Uint8Array, at any offset of its memory. */
const HOLDERS: readonly [string, (length: number) => Uint8Array][] = [
  ['a Buffer', (length) => Buffer.alloc(length)],
  ['a Buffer within an ArrayBuffer', (length) => Buffer.from(new ArrayBuffer(length + 9), 5, length)],
  ['a Uint8Array', (length) => new Uint8Array(length)],
  ['a Uint8Array within an ArrayBuffer', (length) => new Uint8Array(new ArrayBuffer(length + 9), 3, length)],
]

/** What every Platform must do, whatever it is made of. */
export function testPlatform(platform: Platform): void {
  describe.each(HOLDERS)('masks in %s', (_, hold) => {
    const masked = (bytes: Uint8Array, key: readonly number[]) => bytes.map((byte, at) => byte ^ key[at % 4]!)

    test('any range by any key, into another place and where it lies', () => {
      const range = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.oneof(fc.nat(80), fc.nat(5000)), fc.nat(9))
      const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 })
      fc.assert(
        fc.property(range, bytes, fc.uint8Array({ minLength: 4, maxLength: 4 }), ([start, length, at], some, key) => {
          const source = hold(start + length + 3)
          for (let i = 0; i < source.length; i++) source[i] = some[i % 64]!
          const before = Uint8Array.from(source)
          const expected = masked(before.subarray(start, start + length), [...key])
          const word = key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)
          const target = hold(at + length + 5).fill(7)
          platform.maskCopy(source, start, start + length, target, at, word)
          expect(Uint8Array.from(source)).toEqual(before)
          const around = [...new Array(at).fill(7), ...expected, 7, 7, 7, 7, 7]
          expect([...target]).toEqual(around)
          const ascii = platform.maskInPlace(source, start, start + length, word)
          expect(ascii).toBe(expected.every((byte) => byte < 0x80))
          before.set(expected, start)
          expect(Uint8Array.from(source)).toEqual(before)
        }),
      )
    })

    test.each([0, 1, 511, 512, 600, 5000])('and sees any one byte of %i that is not ASCII', (length) => {
      for (let at = 0; at < length; at += length > 100 ? 37 : 1) {
        const bytes = hold(length).fill(0x61)
        expect(platform.maskInPlace(bytes, 0, length, 0)).toBe(true)
        bytes[at] = 0xe9
        expect(platform.maskInPlace(bytes, 0, length, 0)).toBe(false)
      }
    })
  })

  test('allocate gives writable memory of the length', () => {
    for (const length of [0, 1, 64, 5000, 100_000]) {
      const bytes = platform.allocate(length)
      expect(bytes).toBeInstanceOf(Uint8Array)
      expect(bytes.length).toBe(length)
      bytes.fill(7)
      platform.allocate(length).fill(9)
      expect(bytes.every((byte) => byte === 7)).toBe(true)
    }
  })

  test('randomFill fills all bytes, and only those it is given', () => {
    for (const length of [0, 1, 1000, 65_536, 65_537, 200_001]) {
      const bytes = new Uint8Array(length + 8)
      platform.randomFill(bytes.subarray(4, 4 + length))
      expect([...bytes.subarray(0, 4), ...bytes.subarray(-4)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
      // Sixteen zeros in a row are no work of chance.
      for (let at = 4; at + 16 <= 4 + length; at += 16) {
        if (bytes.subarray(at, at + 16).every((byte) => byte === 0)) expect.fail(`nothing at ${at} of ${length}`)
      }
    }
  })

  test('sha1 of the accept key in RFC 6455 section 1.3', () => {
    const digest = platform.sha1(encoder.encode('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11'))
    expect(Buffer.from(digest).toString('base64')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  describe.each(HOLDERS)('in %s', (_, hold) => {
    test.each(TEXTS)('writes and decodes %j', (text) => {
      const expected = encoder.encode(text)
      expect(platform.utf8Length(text)).toBe(expected.length)
      const target = hold(expected.length + 8).fill(0xee)
      expect(platform.utf8Write(target, 5, text)).toBe(expected.length)
      expect([...target]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee, ...expected, 0xee, 0xee, 0xee])
      expect(platform.utf8Decode(target, 5, 5 + expected.length)).toBe(Buffer.from(text).toString())
      expect(platform.isUtf8(target, 5, 5 + expected.length)).toBe(true)
      expect(platform.isUtf8(target, 4, 5 + expected.length)).toBe(false)
      expect(platform.isUtf8(target, 5, 6 + expected.length)).toBe(false)
    })

    test('writes, recognises and decodes ASCII of any length', () => {
      const all = Array.from({ length: 300 }, (_, i) => String.fromCharCode((i * 5) & 0x7f)).join('')
      for (let length = 0; length <= 300; length += length < 70 ? 1 : 23) {
        const text = all.slice(0, length)
        const target = hold(length + 4).fill(0xee)
        platform.asciiWrite(target, 3, text)
        expect(Buffer.from(target).toString('latin1')).toBe(`\xee\xee\xee${text}\xee`)
        expect(platform.asciiDecode(target, 3, 3 + length)).toBe(text)
        expect(platform.isAscii(target, 3, 3 + length)).toBe(true)
        expect(platform.isAscii(target, 2, 3 + length)).toBe(false)
        expect(platform.isAscii(target, 3, 4 + length)).toBe(false)
      }
    })
  })

  test('agrees with TextEncoder on any text', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), fc.nat(40), (units, offset) => {
        const text = String.fromCharCode(...units)
        const expected = encoder.encode(text)
        expect(platform.utf8Length(text)).toBe(expected.length)
        const target = platform.allocate(offset + expected.length)
        expect(platform.utf8Write(target, offset, text)).toBe(expected.length)
        expect(Buffer.compare(target.subarray(offset), expected)).toBe(0)
        expect(platform.utf8Decode(target, offset, target.length)).toBe(Buffer.from(text).toString())
      }),
    )
  })

  test('isUtf8 agrees with TextDecoder', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 60 })),
        fc.uint8Array({ maxLength: 2 }),
        (texts, tail) => {
          const bytes = Buffer.concat([encoder.encode(texts.join('')), tail])
          let valid = true
          try {
            decoder.decode(bytes)
          } catch {
            valid = false
          }
          expect(platform.isUtf8(bytes, 0, bytes.length)).toBe(valid)
        },
      ),
    )
  })
}
