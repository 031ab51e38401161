import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha1 } from '../../src/protocol/sha1.ts'

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

test.each([
  ['abc', 1, 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 1, '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ['a', 1_000_000, '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ['0123456701234567012345670123456701234567012345670123456701234567', 10, 'dea356a2cddd90c7a7ecedc5ebb563934f460452'],
])('%s, repeated %d times (RFC 3174 section 7.3)', (text, times, digest) => {
  expect(hex(sha1(Buffer.from(text.repeat(times))))).toBe(digest)
})

test('the accept key of RFC 6455 section 1.3', () => {
  const digest = sha1(Buffer.from('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11'))
  expect(hex(digest)).toBe('b37a4f2cc0624f1690f64606cf385945b2bec4ea')
})

test('agrees with OpenSSL on every length around the borders of blocks', () => {
  const message = Uint8Array.from({ length: 300 }, (_, i) => i * 7)
  for (let length = 0; length <= 300; length++) {
    const part = message.subarray(0, length)
    expect(hex(sha1(part))).toBe(createHash('sha1').update(part).digest('hex'))
  }
})

test('leaves the message as it is', () => {
  const message = Buffer.from('abc')
  sha1(message)
  expect(message.toString()).toBe('abc')
})
