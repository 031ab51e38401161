import type { CloseInfo } from 'heartwire'
import { describe, expect, it } from 'vitest'
import { departure } from '../../chat/departure.ts'

const heartbeat = { interval: 5_000, timeout: 5_000 }

function told(info: Partial<CloseInfo>): string {
  const whole = { code: 1006, reason: '', wasClean: false, initiator: 'peer', cause: 'eof', ...info } as const
  const { kind, text } = departure({ sent: undefined, received: undefined, error: undefined, ...whole }, heartbeat)
  return `${kind}: ${text('Ada')}`
}

describe('departure', () => {
  it.each<[Partial<CloseInfo>, string]>([
    [{ cause: 'peer-close', code: 1001, received: 1001 }, 'leave: Ada closed the tab (1001)'],
    [{ cause: 'peer-close', code: 1000, received: 1000 }, 'leave: Ada left (1000)'],
    [{ cause: 'peer-close', code: 1005, received: 1005 }, 'leave: Ada left (1005)'],
    [{ cause: 'peer-close', code: 4000, received: 4000 }, 'leave: Ada left (4000, application code)'],
    [{ cause: 'heartbeat', initiator: 'local' }, 'death: Ada’s network went silent (no pong for 10 s)'],
    [{ cause: 'eof' }, 'death: Ada’s connection ended without a goodbye (1006)'],
    [{ cause: 'reset' }, 'death: Ada’s connection was reset (1006)'],
    [
      { cause: 'slow-consumer', initiator: 'local', sent: 1013 },
      'death: Ada stopped reading: too many bytes were waiting (1013, try again later)',
    ],
    [
      { cause: 'protocol-error', initiator: 'local', sent: 1002 },
      'death: Ada broke the WebSocket protocol (1002, protocol error)',
    ],
    [
      { cause: 'message-too-large', initiator: 'local', sent: 1009 },
      'death: Ada sent a message that was too large (1009, message too big)',
    ],
    [{ cause: 'terminated', initiator: 'local' }, 'death: Ada’s connection was cut off by the server (1006)'],
    [
      { cause: 'handler-error', initiator: 'local', sent: 1011, error: new Error('oops') },
      'death: Ada’s connection failed (1011, internal error: oops)',
    ],
    [{ cause: 'shutdown', initiator: 'local', sent: 1001 }, 'leave: Ada left, for the server is going away (1001)'],
  ])('%o', (info, expected) => {
    expect(told(info)).toBe(expected)
  })
})
