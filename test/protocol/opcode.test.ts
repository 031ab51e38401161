import { expect, test } from 'vitest'
import { isControl, Opcode, opcodeName } from '../../src/protocol/opcode.ts'

test('opcodes are those of RFC 6455 section 5.2', () => {
  expect(Opcode).toEqual({ Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 })
})

test('every opcode has a name', () => {
  expect(Array.from({ length: 16 }, (_, opcode) => opcodeName(opcode))).toEqual([
    'continuation',
    'text',
    'binary',
    'reserved 0x3',
    'reserved 0x4',
    'reserved 0x5',
    'reserved 0x6',
    'reserved 0x7',
    'close',
    'ping',
    'pong',
    'reserved 0xB',
    'reserved 0xC',
    'reserved 0xD',
    'reserved 0xE',
    'reserved 0xF',
  ])
})

test('control frames are 0x8 to 0xF', () => {
  const control = Array.from({ length: 16 }, (_, opcode) => opcode).filter(isControl)
  expect(control).toEqual([8, 9, 10, 11, 12, 13, 14, 15])
})
