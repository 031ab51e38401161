import { describe, expect, test } from 'vitest'
import { RULES, type RuleCode } from '../../src/protocol/error.ts'
import { likelyCause } from '../../src/protocol/likely-cause.ts'
import { bytes } from './frames.ts'

const frame = Uint8Array.of(0xc1, 0x85, 1, 2, 3, 4)

test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT'])('a request: %s', (method) => {
  expect(likelyCause('RESERVED_BITS', bytes(`${method} /chat HTTP/1.1`.slice(0, 14)))).toBe(
    `The bytes are HTTP ("${method}"): the peer, or a proxy between, does not know that the connection was upgraded.`,
  )
})

test('a response', () => {
  expect(likelyCause('RESERVED_BITS', bytes('HTTP/1.1 400 B'))).toMatch(/^The bytes are HTTP \("HTTP\/"\)/)
})

test('a TLS handshake', () => {
  expect(likelyCause('RESERVED_OPCODE', Uint8Array.of(0x16, 0x03, 0x01, 0x02))).toMatch(
    /^The bytes are a TLS handshake: the peer speaks TLS/,
  )
  expect(likelyCause('RESERVED_OPCODE', Uint8Array.of(0x16, 0x04))).toMatch(/^An earlier payload/)
  expect(likelyCause('RESERVED_OPCODE', Uint8Array.of(0x15, 0x03))).toMatch(/^An earlier payload/)
})

test('plain text', () => {
  expect(likelyCause('UNMASKED_FRAME', bytes('{"a":"b"}\r\n\t~'))).toBe(
    'The bytes are plain text ("{\\"a\\":\\"b\\"}\\r\\n\\t~"): something writes to the socket without framing it.',
  )
  // Too few to tell, or not all of them printable.
  for (const other of ['abc', 'abc\u007f', 'abc\u0000', 'abcä', 'abc\u001f']) {
    expect(likelyCause('UNMASKED_FRAME', bytes(other))).toMatch(/^The peer is no client by its framing/)
  }
})

describe('by the rule that was broken', () => {
  const hints: Partial<Record<RuleCode, RegExp>> = {
    RESERVED_BITS: /^RSV1 marks a compressed message \(RFC 7692\), but permessage-deflate was not negotiated/,
    RESERVED_OPCODE: /^An earlier payload may have been longer than its header said/,
    UNMASKED_FRAME: /^The peer is no client by its framing/,
    MASKED_FRAME: /^The peer frames like a client/,
    UNEXPECTED_CONTINUATION: /^Two writers may be sending/,
    EXPECTED_CONTINUATION: /^Two writers may be sending/,
  }

  test.each(Object.keys(RULES) as RuleCode[])('%s', (code) => {
    const expected = hints[code]
    const hint = likelyCause(code, frame)
    if (expected === undefined) expect(hint).toBeUndefined()
    else expect(hint).toMatch(expected)
  })

  test('RSV1 where it cannot be, whatever was agreed on', () => {
    for (const first of [0xc0, 0x40, 0xc8, 0xc9, 0xca]) {
      expect(likelyCause('RESERVED_BITS', Uint8Array.of(first, 0x85))).toBe(
        'RSV1 marks a compressed message (RFC 7692), on its first frame and on no other; or an earlier payload was longer than its header said.',
      )
    }
  })

  test('other reserved bits than RSV1 alone', () => {
    for (const first of [0xa1, 0x91, 0xf1, 0xe1]) {
      expect(likelyCause('RESERVED_BITS', Uint8Array.of(first, 0x85))).toMatch(
        /^An earlier payload may have been longer/,
      )
    }
  })
})
