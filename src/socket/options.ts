import {
  type CompressionMode,
  type CompressionOptions,
  type CompressionSettings,
  NO_COMPRESSION,
  resolveCompression,
} from '../compression/settings.ts'
import type { HeartbeatSettings } from '../liveness/heartbeat.ts'
import type { CloseInfo } from '../protocol/close-info.ts'
import { checkBoolean, checkTime, checkWord } from './check.ts'
import { DEFAULT_LIMITS, type Limits, type ResolvedLimits, resolveLimits } from './limits.ts'
import type { ObservedFrame } from './observed-frame.ts'
import { checkParts } from './option-names.ts'

/** What a message is on the wire: text (RFC 6455 opcode 0x1) or binary (0x2). */
export type MessageType = 'text' | 'binary'

/** Answers an application's own heartbeat without waking the application. */
export type AutoResponse =
  | { readonly request: string | Uint8Array; readonly response: string | Uint8Array }
  /** Called with every message; what it returns is sent, and the message goes no further. Undefined lets it through. */
  | ((message: string | Uint8Array) => string | Uint8Array | undefined)

/** What can be set for a server, a route and a client connection. */
export interface SocketOptions extends Limits {
  // Liveness

  /** When to ping, and when to judge dead; false for no heartbeat. Default: interval 25,000 ms, timeout 20,000 ms. */
  heartbeat?: Partial<HeartbeatSettings> | false

  // Messages

  /** `'bytes'`: text messages are given as UTF-8 bytes, checked but not decoded, for relays. Default `'string'`. */
  text?: 'string' | 'bytes'
  /** Whether pings are answered; without, the `ping` handler has to. Default true. */
  autoPong?: boolean
  autoResponse?: AutoResponse | undefined
  /**
   * Whether messages are compressed where the peer does so as well (permessage-deflate, RFC 7692), and how. Default
   * `'off'` for a server, `'takeover'` for a client.
   */
  compression?: CompressionMode | CompressionOptions
  /**
   * Whether a `message` handler that returns a promise is awaited before it gets the next message of that socket; the
   * peer is held back meanwhile. Default false: it gets messages as they come.
   */
  serial?: boolean
  /**
   * The AsyncLocalStorage context in which handlers run: `'server'`, that in which `createServer` or `connect` was called;
   * `'upgrade'`, that of the connection's handshake, as its `upgrade` hook left it at its first `await`. Default `'server'`.
   */
  asyncContext?: 'server' | 'upgrade'
}

/** A message that was dropped, for a limit that its receiver or its sender has set. */
export interface DroppedMessage {
  /** Whether it came from the peer or was sent to it. */
  readonly direction: 'in' | 'out'
  /** The limit: a full queue, a message that waited for too long, or a peer that sends too much. */
  readonly why: DropReason
  readonly data: string | Uint8Array
  readonly type: MessageType
}

export type DropReason = 'max-buffered' | 'max-queue-age' | 'message-rate' | 'byte-rate'

/**
 * What an application is told. A handler that throws, or whose promise rejects, has its socket closed with 1011, and
 * `error` is called. Whatever else a handler returns does not matter.
 */
export interface Handlers<S> {
  /** The connection is open. The `message` handler waits until what this returns has settled. */
  open?(socket: S): unknown
  /** A message has arrived. Without this handler messages are to be read by `receive` or `for await`. */
  message?(socket: S, message: string | Uint8Array, type: MessageType): unknown
  /** A ping has arrived; it is answered by heartwire unless `autoPong` is false. */
  ping?(socket: S, payload: Uint8Array): unknown
  pong?(socket: S, payload: Uint8Array): unknown
  /** All that was queued has been written, after `send` had answered `'slow'`. */
  drain?(socket: S): unknown
  /** A message was dropped: by `overflow`, `maxQueueAge`, `messageRate` or `byteRate`. */
  dropped?(socket: S, message: DroppedMessage): unknown
  /** The connection has ended. Called exactly once for each socket that was opened. */
  close?(socket: S, info: CloseInfo): unknown
  /** Sees every frame of every connection, in both directions; that it fails is reported, and changes nothing else. */
  observeFrames?(socket: S, frame: ObservedFrame): unknown
  /** A handler has failed. Without this handler `console.error` prints it, at most 5 in 10 s; it never ends the process. */
  error?(error: unknown, socket: S | undefined): unknown
}

/** Socket options with every default filled in. */
export interface Behaviour extends ResolvedLimits {
  readonly heartbeat: HeartbeatSettings | false
  readonly text: 'string' | 'bytes'
  readonly autoPong: boolean
  readonly autoResponse: AutoResponse | undefined
  readonly compression: CompressionSettings
  readonly serial: boolean
  readonly asyncContext: 'server' | 'upgrade'
}

const DEFAULT_HEARTBEAT: HeartbeatSettings = { interval: 25_000, timeout: 20_000 }

export const SERVER_DEFAULTS: Behaviour = {
  ...DEFAULT_LIMITS,
  heartbeat: DEFAULT_HEARTBEAT,
  text: 'string',
  autoPong: true,
  autoResponse: undefined,
  compression: NO_COMPRESSION,
  serial: false,
  asyncContext: 'server',
}

export const SOCKET_OPTIONS: readonly string[] = Object.keys(SERVER_DEFAULTS)

export const HANDLERS: readonly string[] = Object.keys({
  open: 0,
  message: 0,
  ping: 0,
  pong: 0,
  drain: 0,
  dropped: 0,
  close: 0,
  observeFrames: 0,
  error: 0,
} satisfies Record<keyof Handlers<never>, 0>)

/** A client has chosen its server, and trusts it with more; whether messages are compressed is for the server to say. */
export const CLIENT_DEFAULTS: Behaviour = {
  ...SERVER_DEFAULTS,
  maxPayload: 16 * 1024 * 1024,
  compression: resolveCompression('takeover', NO_COMPRESSION),
}

/**
 * Checks socket options, and fills in those of `base` where none are given.
 * @throws ArgumentError that names the option and its value
 */
export function resolveBehaviour(options: SocketOptions, base: Behaviour): Behaviour {
  return {
    ...resolveLimits(options, base),
    heartbeat: resolveHeartbeat(options.heartbeat, base.heartbeat),
    text: checkWord('text', options.text ?? base.text, ['string', 'bytes']),
    autoPong: checkBoolean('autoPong', options.autoPong ?? base.autoPong),
    autoResponse: options.autoResponse ?? base.autoResponse,
    compression: resolveCompression(options.compression, base.compression),
    serial: checkBoolean('serial', options.serial ?? base.serial),
    asyncContext: checkWord('asyncContext', options.asyncContext ?? base.asyncContext, ['server', 'upgrade']),
  }
}

/**
 * @param base what is not given; the defaults where that is no heartbeat
 * @throws ArgumentError that names the option, and its value or the one that was meant
 */
export function resolveHeartbeat(
  heartbeat: Partial<HeartbeatSettings> | false | undefined,
  base: HeartbeatSettings | false = DEFAULT_HEARTBEAT,
): HeartbeatSettings | false {
  if (heartbeat === false || (heartbeat === undefined && base === false)) return false
  if (heartbeat !== undefined) checkParts('heartbeat', heartbeat, Object.keys(DEFAULT_HEARTBEAT))
  const defaults = base || DEFAULT_HEARTBEAT
  const { interval = defaults.interval, timeout = defaults.timeout } = heartbeat ?? {}
  return { interval: checkTime('heartbeat.interval', interval), timeout: checkTime('heartbeat.timeout', timeout) }
}
