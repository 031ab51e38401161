import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { ArgumentError } from '../../src/protocol/error.ts'
import { decodeFrame } from '../../src/protocol/frame.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { bytesOf, prepareMessage } from '../../src/protocol/prepared.ts'

describe.each([
  ['Node', nodePlatform],
  ['the portable platform', portablePlatform],
])('prepareMessage, on %s', (_, platform) => {
  test.each(['', 'Hello', 'ä€😀', 'x'.repeat(126), '€'.repeat(30_000), '\ud800'])('of a text', (text) => {
    const message = prepareMessage(platform, text)
    const payload = new TextEncoder().encode(text)
    expect(message.opcode).toBe(1)
    expect(Buffer.compare(message.payload, payload)).toBe(0)
    const frame = decodeFrame(message.frame)
    expect(frame).toMatchObject({ fin: true, opcode: 1, masked: false, rsv1: false })
    expect(frame?.length).toBe(message.frame.length)
    expect(Buffer.compare(frame!.payload, payload)).toBe(0)
  })

  test('of bytes is binary, and copies them', () => {
    for (const given of [Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3]), Buffer.from([0, 1, 2, 3]).subarray(1)]) {
      const message = prepareMessage(platform, given)
      given.fill(9)
      expect(message.opcode).toBe(2)
      expect([...message.payload]).toEqual([1, 2, 3])
      expect([...message.frame]).toEqual([0x82, 3, 1, 2, 3])
    }
  })

  test('can be told the type', () => {
    expect(prepareMessage(platform, 'a', 'binary')).toMatchObject({ opcode: 2 })
    expect(prepareMessage(platform, 'a', 'text')).toMatchObject({ opcode: 1 })
    expect(prepareMessage(platform, Uint8Array.of(0x61), 'text')).toMatchObject({ opcode: 1 })
    expect(prepareMessage(platform, Uint8Array.of(0x61), 'binary')).toMatchObject({ opcode: 2 })
  })
})

describe('bytesOf', () => {
  test('a Uint8Array, a Buffer among them, is itself', () => {
    const bytes = Uint8Array.of(1)
    const buffer = Buffer.from([1])
    expect(bytesOf(bytes)).toBe(bytes)
    expect(bytesOf(buffer)).toBe(buffer)
  })

  test('an ArrayBuffer, or a part of one through a view, is the same memory', () => {
    const memory = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    expect(bytesOf(memory.buffer)).toEqual(memory)
    expect([...bytesOf(new DataView(memory.buffer, 1, 2))]).toEqual([2, 3])
    expect([...bytesOf(new Uint16Array(memory.buffer, 2, 1))]).toEqual([3, 4])
    bytesOf(new DataView(memory.buffer, 1, 2))[0] = 9
    expect(memory[1]).toBe(9)
  })

  test('views of another realm are bytes too', () => {
    expect([...bytesOf(runInNewContext('Uint8Array.of(1, 2)'))]).toEqual([1, 2])
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'number'],
    [{}, '[object Object]'],
    [[1, 2], '[object Array]'],
    [new Date(0), '[object Date]'],
    [() => {}, 'function'],
  ])('%s is refused, and named', (value, name) => {
    expect(() => bytesOf(value)).toThrow(ArgumentError)
    expect(() => bytesOf(value)).toThrow(
      `A message is a string, a Uint8Array, an ArrayBuffer or a view of one, not ${name}.`,
    )
  })
})
