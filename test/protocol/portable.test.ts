import { afterEach, expect, test, vi } from 'vitest'
import { decodeShortAscii, portablePlatform, writeShortAscii } from '../../src/protocol/portable.ts'
import { testPlatform } from './platform-contract.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

testPlatform(portablePlatform)

test('memory is new and its own', () => {
  const bytes = portablePlatform.allocate(10)
  expect(bytes.buffer.byteLength).toBe(10)
})

test('asks crypto.getRandomValues for no more than it gives at a time', () => {
  const getRandomValues = vi.spyOn(globalThis.crypto, 'getRandomValues')
  portablePlatform.randomFill(new Uint8Array(131_073))
  expect(getRandomValues.mock.calls.map(([bytes]) => bytes?.byteLength)).toEqual([65_536, 65_536, 1])
})

test('fills shared memory', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(64))
  portablePlatform.randomFill(bytes)
  expect(bytes.every((byte) => byte === 0)).toBe(false)
})

test('writeShortAscii gives up at the first character that is not ASCII', () => {
  const target = new Uint8Array(4)
  expect(writeShortAscii(target, 1, 'abc')).toBe(true)
  expect([...target]).toEqual([0, 0x61, 0x62, 0x63])
  expect(writeShortAscii(target, 0, 'xé')).toBe(false)
  expect(writeShortAscii(target, 0, '')).toBe(true)
})

test.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33])('decodeShortAscii of %d bytes', (length) => {
  const bytes = Uint8Array.from({ length: length + 2 }, (_, i) => 0x40 + i)
  expect(decodeShortAscii(bytes, 1, 1 + length)).toBe(Buffer.from(bytes).toString('latin1', 1, 1 + length))
})
