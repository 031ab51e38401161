import { describe, expect, it } from 'vitest'
import { BadMessage, parseLabRequest, parseRequest } from '../../chat/messages.ts'
import { LIMITS } from '../../chat/wire.ts'

const join = (room: unknown, name: unknown) => JSON.stringify({ type: 'join', room, name })
const say = (text: unknown) => JSON.stringify({ type: 'say', text })

function refusal(parse: (message: string | Uint8Array) => unknown, message: string | Uint8Array): string {
  try {
    parse(message)
  } catch (error) {
    if (error instanceof BadMessage) return error.message
    throw error
  }
  throw new Error('was accepted')
}

describe('parseRequest', () => {
  it('reads what a page says', () => {
    expect(parseRequest(join('Lobby', '  Ada \t Lovelace '))).toEqual({
      type: 'join',
      room: 'lobby',
      name: 'Ada Lovelace',
    })
    expect(parseRequest(say(' two\r\nlines '))).toEqual({ type: 'say', text: 'two\nlines' })
  })

  it('takes out what cannot be seen', () => {
    expect(parseRequest(join('lobby', 'A\u202eda\u200b\u0000'))).toMatchObject({ name: 'Ada' })
    expect(parseRequest(say('a\u202eb\u0007c\n👩‍💻'))).toEqual({ type: 'say', text: 'abc\n👩‍💻' })
    expect(parseRequest(say('\ud800x'))).toEqual({ type: 'say', text: '\ufffdx' })
  })

  it.each([
    ['nonsense', /^The message is no JSON: /],
    ['[]', 'The message must be a JSON object, not [].'],
    ['null', 'The message must be a JSON object, not null.'],
    ['"join"', 'The message must be a JSON object, not "join".'],
    ['{}', '"type" must be "join" or "say", not missing.'],
    ['{"type":"__proto__"}', '"type" must be "join" or "say", not "__proto__".'],
    [join(undefined, 'Ada'), '"room" must be a string, not missing.'],
    [join('lobby', 7), '"name" must be a string, not 7.'],
    [join('lobby', '\u200b '), '"name" must not be empty.'],
    [join('lobby', 'x'.repeat(LIMITS.name + 1)), '"name" may have 24 characters; this has 25.'],
    [join('x'.repeat(LIMITS.room + 1), 'Ada'), '"room" may have 24 characters; this has 25.'],
    [join('../etc', 'Ada'), '"room" must be letters and digits, with "-" and "_" between them.'],
    [join('a b', 'Ada'), '"room" must be letters and digits, with "-" and "_" between them.'],
    [say({ text: 'x'.repeat(100) }), `"text" must be a string, not {"text":"${'x'.repeat(31)}….`],
    [say('  \n'), '"text" must not be empty.'],
    [say('x'.repeat(LIMITS.text + 1)), '"text" may have 1000 characters; this has 1001.'],
  ])('refuses %s', (message, expected) => {
    const actual = refusal(parseRequest, message)
    if (typeof expected === 'string') expect(actual).toBe(expected)
    else expect(actual).toMatch(expected)
  })

  it('refuses binary messages', () => {
    expect(refusal(parseRequest, new Uint8Array(2))).toBe('The chat speaks JSON in text messages; this one was binary.')
  })
})

describe('parseLabRequest', () => {
  it('reads a fault, or none', () => {
    expect(parseLabRequest('{"type":"fault","fault":"cut"}')).toEqual({ type: 'fault', fault: 'cut' })
    expect(parseLabRequest('{"type":"fault","fault":null}')).toEqual({ type: 'fault', fault: null })
  })

  it('refuses anything else', () => {
    expect(refusal(parseLabRequest, '{"type":"fault","fault":"fire"}')).toBe(
      '"fault" must be null or one of silent, stalled, cut, not "fire".',
    )
    expect(refusal(parseLabRequest, '{"type":"say"}')).toBe('"type" must be "fault", not "say".')
  })
})
