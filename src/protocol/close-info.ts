import { closeCodeName } from './close-code.ts'
import { HeartwireError } from './error.ts'
import { redact } from './redact.ts'

/**
 * What began the end of a connection:
 * - `peer-close`: the peer sent a Close frame first
 * - `local-close`: this end called `close`
 * - `eof`: the peer ended the transport without a Close frame
 * - `reset`: the peer, or something between, reset the transport
 * - `transport-error`: the transport failed in another way; `error` says how
 * - `heartbeat`: the peer did not answer in time
 * - `protocol-error`: the peer broke a rule of the protocol; `error` says which
 * - `message-too-large`: a message was over `maxPayload`, or could not be held in memory
 * - `handler-error`: a handler of the application threw; `error` is what it threw
 * - `slow-consumer`: the peer read too slowly, and `maxBuffered` or `sendBudget` was reached
 * - `rate-limit`: the peer sent more in a time than a limit with the policy `'close'` allows
 * - `no-message`: the peer sent no first message within `idleBeforeFirstMessage`
 * - `max-lifetime`: the connection had lasted for `maxLifetime`
 * - `pause-timeout`: this end did not read for `maxPause`
 * - `shutdown`: the server is closing
 * - `rejected`: the upgrade hook refused with a close code
 * - `terminated`: this end called `terminate`
 */
export type CloseCause =
  | 'peer-close'
  | 'local-close'
  | 'eof'
  | 'reset'
  | 'transport-error'
  | 'heartbeat'
  | 'protocol-error'
  | 'message-too-large'
  | 'handler-error'
  | 'slow-consumer'
  | 'rate-limit'
  | 'no-message'
  | 'max-lifetime'
  | 'pause-timeout'
  | 'shutdown'
  | 'rejected'
  | 'terminated'

/** How a connection ended. There is exactly one for each connection. */
export interface CloseInfo {
  /** The code of the Close frame received; 1005 when it had none, 1006 when there was no frame (RFC 6455 section 7.1.5). */
  readonly code: number
  /** The reason in the Close frame received, or `''` (RFC 6455 section 7.1.6). */
  readonly reason: string
  /** Whether a Close frame went each way before the transport ended. */
  readonly wasClean: boolean
  /** Which end began. */
  readonly initiator: 'local' | 'peer'
  readonly cause: CloseCause
  /** The code in the Close frame sent; 1005 when it had none, undefined when no frame was sent. */
  readonly sent: number | undefined
  /** The code in the Close frame received; 1005 when it had none, undefined when no frame was received. */
  readonly received: number | undefined
  /** What went wrong, if anything did. */
  readonly error: Error | undefined
}

/** Something was asked of a connection that has ended, or ended it while it was waited for. */
export class ConnectionClosedError extends HeartwireError {
  override readonly name = 'ConnectionClosedError'
  readonly code = 'CONNECTION_CLOSED'
  /** How it ended; undefined while it is still closing. */
  readonly info: CloseInfo | undefined

  constructor(info: CloseInfo | undefined) {
    const message =
      info === undefined ? 'The connection is closing.' : `The connection is closed: ${describeClose(info)}.`
    super(message, info?.error === undefined ? undefined : { cause: info.error })
    this.info = info
  }
}

/** The end of a connection in words, such as `sent 1000 (normal closure), then received 1000 (normal closure)`. */
export function describeClose(info: CloseInfo): string {
  const sent = info.sent === undefined ? undefined : `sent ${codeInWords(info.sent)}`
  const received = info.received === undefined ? undefined : `received ${codeInWords(info.received, info.reason)}`
  const frames = info.initiator === 'local' ? [sent, received] : [received, sent]
  const words = frames.filter((frame) => frame !== undefined).join(', then ')
  if (info.wasClean) return words
  const missing = info.received === undefined ? 'no Close frame received' : 'no Close frame sent'
  return `${info.cause}: ${words === '' ? '' : `${words}, then `}${missing}`
}

function codeInWords(code: number, reason = ''): string {
  return `${code} (${closeCodeName(code)})${reason === '' ? '' : ` ${JSON.stringify(redact(reason))}`}`
}
