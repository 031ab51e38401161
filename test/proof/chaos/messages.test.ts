import { describe, expect, test } from 'vitest'
import { MessageChecker, type MessageSpec, makeMessage, split } from '../../../proof/chaos/messages.ts'

const spec = (type: 'text' | 'binary', body: number | undefined): MessageSpec => ({ type, body, parts: 1, pause: 0 })
const SPECS = [spec('text', 20), spec('binary', 300), spec('text', undefined), spec('binary', 70_000), spec('text', 1)]
const messages = SPECS.map((one, number) => makeMessage(7, 'up', number, one))
const message = (number: number) => messages[number] as string | Uint8Array

/** What the checker says of messages that come one after the other. */
function complaints(...came: (string | Uint8Array)[]): string[] {
  const checker = new MessageChecker(7, 'up', SPECS)
  return came.map((one) => checker.check(one)).filter((wrong) => wrong !== undefined)
}

/** A message of which one bit has changed. */
function flipped(bytes: string | Uint8Array, at: number): Buffer {
  const changed = Buffer.from(bytes as Uint8Array)
  changed[at] = (changed[at] as number) ^ 1
  return changed
}

describe('the checker of messages', () => {
  test('finds nothing wrong with what was planned', () => {
    const checker = new MessageChecker(7, 'up', SPECS)
    for (const one of messages) expect(checker.check(one)).toBeUndefined()
    expect([checker.received, checker.complete]).toEqual([5, true])
  })

  test.each([
    ['twice', [0, 0], 'message 1 up: number 0 was delivered twice'],
    ['twice, later', [0, 1, 0], 'message 2 up: number 0 was delivered twice'],
    ['before its time', [1], 'message 0 up: number 1 came out of order, or what is between was lost'],
    ['empty, twice', [0, 1, 2, 2], 'message 3 up: an empty message that was not due: delivered twice, or out of order'],
    ['again behind the last', [0, 1, 2, 3, 4, 4], 'message 5 up: number 4 was delivered twice'],
  ])('finds one that is delivered %s', (_how, came, sentence) => {
    expect(complaints(...came.map(message))).toEqual([sentence])
  })

  test('finds one that is corrupted, wherever', () => {
    for (const at of [0, 5, 15, 16, 300]) {
      expect(complaints(message(0), flipped(message(1), at))).toEqual([
        'message 1 up: corrupted: its checksum is wrong',
      ])
    }
    expect(complaints(message(0).slice(0, -1))).toEqual(['message 0 up: corrupted: its checksum is wrong'])
    expect(complaints(message(0).slice(0, 9))).toEqual(['message 0 up: corrupted: it has 9 only'])
    expect(complaints(Buffer.from(message(0) as string))).toHaveLength(1)
  })

  test('finds one of another connection, or of the other direction', () => {
    expect(complaints(makeMessage(8, 'up', 0, SPECS[0]!))).toEqual(['message 0 up: that of connection 8'])
    expect(complaints(makeMessage(7, 'down', 0, SPECS[0]!))).toEqual(['message 0 up: one of the other direction'])
  })
})

test('a message in parts is the same message', () => {
  for (const parts of [2, 3, 8]) {
    expect(split(message(0), parts).join('')).toBe(message(0))
    expect(Buffer.concat(split(message(1), parts) as Uint8Array[])).toEqual(message(1))
  }
})
