import { type CloseInfo, closeCodeName } from 'heartwire'
import type { Heartbeat } from './wire.ts'

export interface Departure {
  /** `death` when the connection ended without a goodbye. */
  kind: 'leave' | 'death'
  /** The sentence for those who stay. */
  text(name: string): string
}

/** Says in people's words how a member's connection ended. */
export function departure(info: CloseInfo, heartbeat: Heartbeat): Departure {
  const leave = (what: string): Departure => ({ kind: 'leave', text: (name) => `${name} ${what}` })
  const death = (what: string): Departure => ({ kind: 'death', text: (name) => `${name}${what}` })
  const number = (info.initiator === 'local' ? info.sent : info.received) ?? info.code
  const code = `${number}, ${closeCodeName(number)}`
  switch (info.cause) {
    case 'peer-close':
      if (info.code === 1001) return leave('closed the tab (1001)')
      if (info.code === 1000 || info.code === 1005) return leave(`left (${info.code})`)
      return leave(`left (${code})`)
    case 'local-close':
    case 'rejected':
      return leave(`was asked to leave (${code})`)
    case 'shutdown':
      return leave(`left, for the server is going away (${number})`)
    case 'heartbeat':
      return death(`’s network went silent (no pong for ${seconds(heartbeat.interval + heartbeat.timeout)})`)
    case 'eof':
      return death(`’s connection ended without a goodbye (${number})`)
    case 'reset':
      return death(`’s connection was reset (${number})`)
    case 'slow-consumer':
      return death(` stopped reading: too many bytes were waiting (${code})`)
    case 'rate-limit':
      return death(` sent too much at once (${code})`)
    case 'no-message':
      return leave(`never said anything (${code})`)
    case 'max-lifetime':
      return leave(`had been connected for as long as may be (${code})`)
    case 'pause-timeout':
      return death(`’s connection was held up for too long (${number})`)
    case 'protocol-error':
      return death(` broke the WebSocket protocol (${code})`)
    case 'message-too-large':
      return death(` sent a message that was too large (${code})`)
    case 'terminated':
      return death(`’s connection was cut off by the server (${number})`)
    case 'handler-error':
    case 'transport-error':
      return death(`’s connection failed (${code}${info.error ? `: ${info.error.message}` : ''})`)
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
