import { expect, test } from 'vitest'
import { encodeMaskedFrame, makePayload, repeat } from '../../../bench/load/messages.ts'

test.each([1, 64, 65_536])('payloads of %i bytes are that long and the same in every run', (length) => {
  for (const type of ['text', 'binary'] as const) {
    expect(makePayload(type, length)).toHaveLength(length)
    expect(makePayload(type, length).equals(makePayload(type, length))).toBe(true)
  }
})

test('text is ASCII, binary is not UTF-8', () => {
  expect(makePayload('text', 4096).every((byte) => byte >= 0x20 && byte < 0x7f)).toBe(true)
  expect(makePayload('binary', 4096).some((byte) => byte >= 0x80)).toBe(true)
})

test('a masked frame, byte for byte', () => {
  expect(encodeMaskedFrame(1, Buffer.from('Hello')).toString('hex')).toBe('818537fa213d7f9f4d5158')
})

test.each([
  [125, 'fd'],
  [126, 'fe007e'],
  [65_535, 'feffff'],
  [65_536, 'ff0000000000010000'],
])('a payload of %i bytes has the length field %s', (length, field) => {
  const frame = encodeMaskedFrame(2, new Uint8Array(length))
  expect(frame.subarray(0, 1 + field.length / 2).toString('hex')).toBe(`82${field}`)
  expect(frame).toHaveLength(1 + field.length / 2 + 4 + length)
})

test('repeat', () => {
  expect(repeat(Buffer.from('ab'), 3).toString()).toBe('ababab')
})
