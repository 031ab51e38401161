import { describe, expect, test } from 'vitest'
import { type CloseInfo, ConnectionClosedError, describeClose } from '../../src/protocol/close-info.ts'

const CLEAN: CloseInfo = {
  code: 1000,
  reason: '',
  wasClean: true,
  initiator: 'local',
  cause: 'local-close',
  sent: 1000,
  received: 1000,
  error: undefined,
}

describe('describeClose', () => {
  test.each<[string, Partial<CloseInfo>]>([
    ['sent 1000 (normal closure), then received 1000 (normal closure)', {}],
    [
      'received 1001 (going away) "bye", then sent 1001 (going away)',
      { initiator: 'peer', cause: 'peer-close', code: 1001, sent: 1001, received: 1001, reason: 'bye' },
    ],
    [
      'received 1005 (no status received), then sent 1005 (no status received)',
      { initiator: 'peer', cause: 'peer-close', code: 1005, sent: 1005, received: 1005 },
    ],
    [
      'sent 4000 (application code), then received 3001 (registered code) "a \\"quoted\\" reason"',
      { sent: 4000, received: 3001, reason: 'a "quoted" reason' },
    ],
    [
      'protocol-error: sent 1002 (protocol error), then no Close frame received',
      { wasClean: false, cause: 'protocol-error', sent: 1002, received: undefined },
    ],
    [
      'eof: no Close frame received',
      { wasClean: false, initiator: 'peer', cause: 'eof', sent: undefined, received: undefined },
    ],
    [
      'peer-close: received 1000 (normal closure), then no Close frame sent',
      { wasClean: false, initiator: 'peer', cause: 'peer-close', sent: undefined },
    ],
    [
      'terminated: no Close frame received',
      { wasClean: false, cause: 'terminated', sent: undefined, received: undefined },
    ],
  ])('%s', (words, info) => {
    expect(describeClose({ ...CLEAN, ...info })).toBe(words)
  })
})

describe('ConnectionClosedError', () => {
  test('says how the connection ended', () => {
    const error = new ConnectionClosedError(CLEAN)
    expect(error).toMatchObject({ name: 'ConnectionClosedError', code: 'CONNECTION_CLOSED', info: CLEAN })
    expect(error.message).toBe(
      'The connection is closed: sent 1000 (normal closure), then received 1000 (normal closure).',
    )
    expect('cause' in error).toBe(false)
  })

  test('has what went wrong as its cause', () => {
    const cause = new Error('reset')
    const error = new ConnectionClosedError({ ...CLEAN, wasClean: false, cause: 'reset', error: cause })
    expect(error.cause).toBe(cause)
  })

  test('of a connection that is still closing', () => {
    const error = new ConnectionClosedError(undefined)
    expect(error.message).toBe('The connection is closing.')
    expect(error.info).toBeUndefined()
    expect('cause' in error).toBe(false)
  })
})
