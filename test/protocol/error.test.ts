import { describe, expect, test } from 'vitest'
import {
  ArgumentError,
  HandshakeError,
  HeartbeatError,
  HeartwireError,
  ProtocolError,
  RULES,
  type RuleCode,
  SlowConsumerError,
  TimeoutError,
} from '../../src/protocol/error.ts'
import { hex } from './frames.ts'

test.each([
  [new ArgumentError('text'), 'ArgumentError', 'INVALID_ARGUMENT'],
  [new HeartbeatError('text'), 'HeartbeatError', 'HEARTBEAT_TIMEOUT'],
  [new SlowConsumerError('text'), 'SlowConsumerError', 'SLOW_CONSUMER'],
  [new TimeoutError('PAUSE_TIMEOUT', 'text'), 'TimeoutError', 'PAUSE_TIMEOUT'],
  [new HandshakeError('ORIGIN_REFUSED', 'text'), 'HandshakeError', 'ORIGIN_REFUSED'],
])('%s', (error, name, code) => {
  expect(error).toBeInstanceOf(HeartwireError)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name, code, message: 'text' })
  expect(String(error)).toBe(`${name}: text`)
  expect(error.stack).toContain(name)
  expect('cause' in error).toBe(false)
})

describe('ProtocolError', () => {
  const evidence = { offset: 17, frameNumber: 3, header: hex('c185 37fa213d') }

  test('is a sentence that says who did what, where, and against which rule', () => {
    const error = new ProtocolError('RESERVED_BITS', 'client', 'sent a frame with RSV1 set', evidence)
    expect(error.message).toBe('The client sent a frame with RSV1 set (frame 3, byte 17; RFC 6455 section 5.2).')
    expect(error).toMatchObject({
      name: 'ProtocolError',
      code: 'RESERVED_BITS',
      closeCode: 1002,
      section: '5.2',
      side: 'client',
      offset: 17,
      frameNumber: 3,
      header: evidence.header,
      hint: undefined,
    })
  })

  test('ends with the hint', () => {
    const error = new ProtocolError('RESERVED_BITS', 'server', 'erred', { ...evidence, hint: 'This may be why.' })
    expect(error.hint).toBe('This may be why.')
    expect(error.message).toBe('The server erred (frame 3, byte 17; RFC 6455 section 5.2). This may be why.')
  })

  test('explains the header', () => {
    const error = new ProtocolError('RESERVED_BITS', 'client', 'erred', evidence)
    const [sentence, blank, ...diagram] = error.explain().split('\n')
    expect([sentence, blank]).toEqual([error.message, ''])
    expect(diagram.join('\n')).toContain('RSV')
  })

  test('explains in a sentence alone where no byte of the header is there', () => {
    const error = new ProtocolError('RESERVED_BITS', 'client', 'erred', { ...evidence, header: new Uint8Array(0) })
    expect(error.explain()).toBe(error.message)
  })

  test.each(Object.keys(RULES) as RuleCode[])('%s has a close code that may be sent, and a section', (code) => {
    const error = new ProtocolError(code, 'server', 'erred', evidence)
    expect([1002, 1007, 1008, 1009]).toContain(error.closeCode)
    expect(error.section).toMatch(/^\d+(\.\d+)*$/)
  })
})

describe('HandshakeError', () => {
  test('carries the answer', () => {
    const cause = new Error('why')
    const body = Uint8Array.of(1)
    const error = new HandshakeError('UNEXPECTED_STATUS', 'text', { status: 404, headers: { a: 'b' }, body, cause })
    expect(error).toMatchObject({ status: 404, headers: { a: 'b' }, body, cause })
  })

  test('or none', () => {
    const error = new HandshakeError('CONNECT_FAILED', 'text')
    expect(error).toMatchObject({ status: undefined, headers: {} })
    expect(error.body.length).toBe(0)
  })
})
