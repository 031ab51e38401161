import { explainFrame } from './explain.ts'
import { customInspect, type Inspect, type InspectOptions, inspectError } from './inspect.ts'

/** Which side of a connection: the one that connected, or the one that was connected to. */
export type Side = 'client' | 'server'

/**
 * Everything that heartwire throws or reports. `code` is stable, `message` is a sentence for people. Where it is
 * printed, as by `console.log`, secrets stand there as `***`; its fields have them.
 */
export abstract class HeartwireError extends Error {
  abstract readonly code: string;

  /** @internal */
  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    return inspectError(this, { ...options, depth }, inspect)
  }
}

/** A caller gave a value that cannot be used. The message names the value; nothing was sent or changed. */
export class ArgumentError extends HeartwireError {
  override readonly name = 'ArgumentError'
  readonly code = 'INVALID_ARGUMENT'
}

/** The rules of RFC 6455 and RFC 7692 that a peer can break on an open connection, and the close code each one is failed with. */
export const RULES = {
  RESERVED_BITS: { closeCode: 1002, section: '5.2' },
  RESERVED_OPCODE: { closeCode: 1002, section: '5.2' },
  LENGTH_NOT_MINIMAL: { closeCode: 1002, section: '5.2' },
  LENGTH_TOP_BIT: { closeCode: 1002, section: '5.2' },
  LENGTH_UNREPRESENTABLE: { closeCode: 1009, section: '5.2' },
  UNMASKED_FRAME: { closeCode: 1002, section: '5.1' },
  MASKED_FRAME: { closeCode: 1002, section: '5.1' },
  CONTROL_FRAME_TOO_LONG: { closeCode: 1002, section: '5.5' },
  CONTROL_FRAME_FRAGMENTED: { closeCode: 1002, section: '5.5' },
  UNEXPECTED_CONTINUATION: { closeCode: 1002, section: '5.4' },
  EXPECTED_CONTINUATION: { closeCode: 1002, section: '5.4' },
  INVALID_UTF8: { closeCode: 1007, section: '8.1' },
  INVALID_CLOSE_PAYLOAD: { closeCode: 1002, section: '5.5.1' },
  INVALID_CLOSE_CODE: { closeCode: 1002, section: '7.4' },
  INVALID_CLOSE_REASON: { closeCode: 1007, section: '5.5.1' },
  MESSAGE_TOO_LARGE: { closeCode: 1009, section: '7.4.1' },
  TOO_MANY_FRAGMENTS: { closeCode: 1008, section: '10.4' },
  INVALID_COMPRESSED_DATA: { closeCode: 1007, section: '7.2.2', rfc: 7692 },
  COMPRESSION_RATIO: { closeCode: 1008, section: '8', rfc: 7692 },
} as const

export type RuleCode = keyof typeof RULES

/** Where in the stream a rule was broken. */
export interface Evidence {
  /** Offset of the first offending byte, counted from the first byte after the handshake. */
  offset: number
  /** Number of the frame, the first one after the handshake being 1. */
  frameNumber: number
  /** The bytes of the offending frame's header, as far as they had arrived. */
  header: Uint8Array
  /** What likely caused it, when the bytes tell. */
  hint?: string | undefined
}

/** The peer broke a rule of the protocol, or a limit of this endpoint. The connection is failed (RFC 6455 section 7.1.7). */
export class ProtocolError extends HeartwireError {
  override readonly name = 'ProtocolError'
  /** Stable name of the rule, for programs. */
  readonly code: RuleCode
  /** The close code that the connection was failed with. */
  readonly closeCode: number
  /** The section that states the rule: of RFC 7692 for what is compressed, otherwise of RFC 6455. */
  readonly section: string
  /** The side that broke the rule. */
  readonly side: Side
  readonly offset: number
  readonly frameNumber: number
  readonly header: Uint8Array
  readonly hint: string | undefined

  constructor(code: RuleCode, side: Side, what: string, evidence: Evidence) {
    const { closeCode, section } = RULES[code]
    const rfc = 'rfc' in RULES[code] ? RULES[code].rfc : 6455
    const where = `frame ${evidence.frameNumber}, byte ${evidence.offset}; RFC ${rfc} section ${section}`
    super(`The ${side} ${what} (${where}).${evidence.hint ? ` ${evidence.hint}` : ''}`)
    this.code = code
    this.closeCode = closeCode
    this.section = section
    this.side = side
    this.offset = evidence.offset
    this.frameNumber = evidence.frameNumber
    this.header = evidence.header
    this.hint = evidence.hint
  }

  /** The sentence, followed by the offending frame's header as the bit diagram of RFC 6455 section 5.2. */
  explain(): string {
    return this.header.length === 0 ? this.message : `${this.message}\n\n${explainFrame(this.header)}`
  }
}

/** The opening handshake failed, on either side. A client's error carries what the server answered. */
export class HandshakeError extends HeartwireError {
  override readonly name = 'HandshakeError'
  readonly code: HandshakeErrorCode
  /** The HTTP status that was received (client) or answered (server). */
  readonly status: number | undefined
  /** The response's headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The first bytes of the response's body, at most 4 KiB. */
  readonly body: Uint8Array

  constructor(
    code: HandshakeErrorCode,
    message: string,
    answer: {
      status?: number | undefined
      headers?: Readonly<Record<string, string | string[] | undefined>>
      body?: Uint8Array
      cause?: unknown
    } = {},
  ) {
    super(message, answer.cause === undefined ? undefined : { cause: answer.cause })
    this.code = code
    this.status = answer.status
    this.headers = answer.headers ?? {}
    this.body = answer.body ?? new Uint8Array(0)
  }
}

export type HandshakeErrorCode =
  | 'BAD_REQUEST' // server: the request is no WebSocket handshake, or a broken one
  | 'METHOD_NOT_ALLOWED'
  | 'UNSUPPORTED_VERSION'
  | 'ORIGIN_REFUSED'
  | 'NOT_FOUND' // server: no route has this path
  | 'HEADERS_TOO_LARGE' // server: above `maxHeaders` or `maxHeaderSize`
  | 'TOO_MANY_CONNECTIONS' // server: above `maxConnections` or `maxConnectionsPerAddress`
  | 'TOO_MANY_HANDSHAKES' // server: above `maxHandshakes`
  | 'SERVER_CLOSING'
  | 'HANDSHAKE_TIMEOUT'
  | 'HANDSHAKE_ABORTED' // the AbortSignal fired, or the peer went away
  | 'UNEXPECTED_STATUS' // client: the answer was not 101
  | 'BAD_RESPONSE' // client: the answer was 101 but breaks RFC 6455 section 4.1 or RFC 7692 section 7.1, or is not HTTP
  | 'TOO_MANY_REDIRECTS'
  | 'PROXY_REFUSED'
  | 'CONNECT_FAILED' // the transport could not be opened; `cause` has the system's error

/** The other end was judged dead: neither a byte nor a pong came in time. */
export class HeartbeatError extends HeartwireError {
  override readonly name = 'HeartbeatError'
  readonly code = 'HEARTBEAT_TIMEOUT'
}

/** More was queued for a peer than `maxBuffered` allows, or for all peers than `sendBudget`. */
export class SlowConsumerError extends HeartwireError {
  override readonly name = 'SlowConsumerError'
  readonly code = 'SLOW_CONSUMER'
}

/** The peer sent more in a time than a limit with the policy `'close'` allows. */
export class RateLimitError extends HeartwireError {
  override readonly name = 'RateLimitError'
  readonly code = 'RATE_LIMIT'
}

/** Something waited for longer than it was allowed to. */
export class TimeoutError extends HeartwireError {
  override readonly name = 'TimeoutError'
  readonly code: 'TIMEOUT' | 'CLOSE_TIMEOUT' | 'PAUSE_TIMEOUT' | 'NO_MESSAGE'

  constructor(code: TimeoutError['code'], message: string) {
    super(message)
    this.code = code
  }
}
