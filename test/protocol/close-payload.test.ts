import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { encodeClosePayload } from '../../src/protocol/close-payload.ts'
import { ArgumentError } from '../../src/protocol/error.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'

describe.each([
  ['Node', nodePlatform],
  ['the portable platform', portablePlatform],
])('on %s', (_, platform) => {
  test('the code is two bytes, the reason is UTF-8 behind it', () => {
    expect([...encodeClosePayload(platform, 1000, '')]).toEqual([3, 232])
    expect([...encodeClosePayload(platform, 4999, 'aä')]).toEqual([0x13, 0x87, 0x61, 0xc3, 0xa4])
  })

  test('1005 without a reason is no payload at all', () => {
    expect(encodeClosePayload(platform, 1005, '').length).toBe(0)
  })

  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    '%d may be sent',
    (code) => {
      const payload = encodeClosePayload(platform, code, 'why')
      expect(payload[0]! * 256 + payload[1]!).toBe(code)
      expect(payload.length).toBe(5)
    },
  )

  test.each(['a'.repeat(123), 'ä'.repeat(61), '€'.repeat(41), '😀'.repeat(30), '\ud800'.repeat(41)])(
    'a reason of up to 123 bytes fits',
    (reason) => {
      const payload = encodeClosePayload(platform, 1000, reason)
      expect(payload.length).toBeLessThanOrEqual(125)
      expect(Buffer.compare(payload.subarray(2), new TextEncoder().encode(reason))).toBe(0)
    },
  )

  test.each([
    ['a'.repeat(124), 124],
    ['ä'.repeat(62), 124],
    ['€'.repeat(42), 126],
    ['a'.repeat(100_000), 100_000],
  ])('a reason of more is refused, and never cut', (reason, length) => {
    expect(() => encodeClosePayload(platform, 1000, reason)).toThrow(
      new ArgumentError(`The close reason takes ${length} bytes of UTF-8, more than the 123 that fit a Close frame.`),
    )
  })
})

describe('refused', () => {
  const allowed = 'use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 section 7.4).'

  test.each([
    [0, '0 (unassigned code)'],
    [999, '999 (unassigned code)'],
    [1004, '1004 (unassigned code)'],
    [1005, '1005 (no status received)'],
    [1006, '1006 (abnormal closure)'],
    [1015, '1015 (TLS handshake)'],
    [1016, '1016 (unassigned code)'],
    [2999, '2999 (unassigned code)'],
    [5000, '5000 (unassigned code)'],
    [65536 + 1000, '66536 (unassigned code)'],
    [-1000, '-1000 (unassigned code)'],
    [1000.5, '1000.5'],
    [Number.NaN, 'NaN'],
  ])('the code %d', (code, name) => {
    expect(() => encodeClosePayload(nodePlatform, code, 'a reason')).toThrow(
      new ArgumentError(`The close code ${name} cannot be sent: ${allowed}`),
    )
  })

  test('what is no number, or no string', () => {
    // As plain JavaScript can call it.
    const encode = (...given: unknown[]) => Reflect.apply(encodeClosePayload, undefined, given)
    expect(() => encode(nodePlatform, '1000', '')).toThrow(ArgumentError)
    expect(() => encode(nodePlatform, null, '')).toThrow(ArgumentError)
    expect(() => encode(nodePlatform, 1000, 5)).toThrow(new ArgumentError('A close reason is a string, not number.'))
    expect(() => encode(nodePlatform, 1000, undefined)).toThrow(ArgumentError)
    expect(() => encode(nodePlatform, 1005, null)).toThrow(ArgumentError)
  })
})
