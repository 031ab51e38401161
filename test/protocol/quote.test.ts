import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codePoint, oneLine, quote } from '../../src/protocol/quote.ts'
import { anyText } from './handshake-platform.ts'

describe('quote', () => {
  test.each([
    ['', '""'],
    ['chat', '"chat"'],
    ['say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'],
    ['a\r\nb\tc\0', '"a\\r\\nb\\tc\\x00"'],
    ['\x1b[31m\x7f\x9b', '"\\x1b[31m\\x7f\\x9b"'],
    ['é€\u202e\ud83d', '"\\xe9\\u20ac\\u202e\\ud83d"'],
  ])('%j', (value, expected) => {
    expect(quote(value)).toBe(expected)
  })

  test('shows 64 characters of a long value and says how long it is', () => {
    expect(quote('x'.repeat(64))).toBe(`"${'x'.repeat(64)}"`)
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(64)}…" (65 characters)`)
    expect(quote('abcdef', 3)).toBe('"abc…" (6 characters)')
  })

  test('is printable and bounded whatever the value is', () => {
    fc.assert(
      fc.property(anyText(200), (value) => {
        const text = quote(value)
        expect(text).toMatch(/^"[ -~…]*"( \(\d+ characters\))?$/)
        expect(text.length).toBeLessThan(6 * 64 + 30)
      }),
    )
  })
})

describe('oneLine', () => {
  test.each([
    ['plain text, é and €', 'plain text, é and €'],
    ['two\r\nlines\0', 'two\\r\\nlines\\x00'],
    ['\x7f \x9f \u2028 \u202e \u2066 \u2069', '\\x7f \\x9f \\u2028 \\u202e \\u2066 \\u2069'],
  ])('%j', (text, expected) => {
    expect(oneLine(text, 100)).toBe(expected)
  })

  test('is cut', () => {
    expect(oneLine('1234567890', 10)).toBe('1234567890')
    expect(oneLine('1234567890a', 10)).toBe('1234567890…')
  })
})

test('a code point has at least four digits', () => {
  expect(codePoint(10)).toBe('U+000A')
  expect(codePoint(0x20ac)).toBe('U+20AC')
})
