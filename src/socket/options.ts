import type { HeartbeatSettings } from '../liveness/heartbeat.ts'
import type { CloseInfo } from '../protocol/close-info.ts'
import { ArgumentError } from '../protocol/error.ts'
import type { ObservedFrame } from './observed-frame.ts'

/** What a message is on the wire: text (RFC 6455 opcode 0x1) or binary (0x2). */
export type MessageType = 'text' | 'binary'

/** Answers an application's own heartbeat without waking the application. */
export type AutoResponse =
  | { readonly request: string | Uint8Array; readonly response: string | Uint8Array }
  /** Called with every message; what it returns is sent, and the message goes no further. Undefined lets it through. */
  | ((message: string | Uint8Array) => string | Uint8Array | undefined)

/** What can be set for a server, a route and a client connection. */
export interface SocketOptions {
  // Limits

  /** Most bytes of a message, all fragments together; above it the connection is closed with 1009. Default: server 1 MiB, client 16 MiB. */
  maxPayload?: number
  /** Most fragments of a message, empty ones counted; above it the connection is closed with 1008. Default 16,384. */
  maxFragments?: number
  /** Bytes queued for a socket above which `send` answers `'slow'`. Default 64 KiB. */
  highWaterMark?: number
  /** Bytes queued for a socket above which it is closed with 1013; an empty queue takes a message of any size. Default 16 MiB. */
  maxBuffered?: number

  // Liveness

  /** When to ping, and when to judge dead; false for no heartbeat. Default: interval 25,000 ms, timeout 20,000 ms. */
  heartbeat?: Partial<HeartbeatSettings> | false
  /** Milliseconds for which reading may be paused, by `pause` or by a consumer that is busy; false for ever. Default 60,000. */
  maxPause?: number | false
  /** Milliseconds to wait for the peer's Close frame from when the kernel has taken ours; 30,000 in all. Default 10,000. */
  closeTimeout?: number

  // Messages

  /** `'bytes'`: text messages are given as UTF-8 bytes, checked but not decoded, for relays. Default `'string'`. */
  text?: 'string' | 'bytes'
  /** Whether pings are answered; without, the `ping` handler has to. Default true. */
  autoPong?: boolean
  autoResponse?: AutoResponse | undefined
}

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
  /** The connection has ended. Called exactly once for each socket that was opened. */
  close?(socket: S, info: CloseInfo): unknown
  /** Sees every frame of every connection, in both directions. Costs nothing when it is not there. */
  observeFrames?(socket: S, frame: ObservedFrame): unknown
  /** A handler has failed. Without this handler it is printed with `console.error`; it never ends the process. */
  error?(error: unknown, socket: S | undefined): unknown
}

/** Socket options with every default filled in, and the handlers beside them. */
export interface Behaviour {
  readonly maxPayload: number
  readonly maxFragments: number
  readonly highWaterMark: number
  readonly maxBuffered: number
  readonly heartbeat: HeartbeatSettings | false
  readonly maxPause: number
  readonly closeTimeout: number
  readonly text: 'string' | 'bytes'
  readonly autoPong: boolean
  readonly autoResponse: AutoResponse | undefined
}

const DEFAULTS = {
  maxFragments: 16_384,
  highWaterMark: 64 * 1024,
  maxBuffered: 16 * 1024 * 1024,
  heartbeat: { interval: 25_000, timeout: 20_000 },
  maxPause: 60_000,
  closeTimeout: 10_000,
} as const

export const SERVER_MAX_PAYLOAD = 1024 * 1024
export const CLIENT_MAX_PAYLOAD = 16 * 1024 * 1024

/**
 * Checks socket options and fills in the defaults.
 * @throws ArgumentError that names the option and its value
 */
export function resolveBehaviour(options: SocketOptions, maxPayload: number): Behaviour {
  const text = options.text ?? 'string'
  if (text !== 'string' && text !== 'bytes') {
    throw new ArgumentError(`The option text is 'string' or 'bytes', not ${JSON.stringify(text)}.`)
  }
  return {
    maxPayload: checkCount('maxPayload', options.maxPayload ?? maxPayload),
    maxFragments: checkCount('maxFragments', options.maxFragments ?? DEFAULTS.maxFragments),
    highWaterMark: checkCount('highWaterMark', options.highWaterMark ?? DEFAULTS.highWaterMark),
    maxBuffered: checkCount('maxBuffered', options.maxBuffered ?? DEFAULTS.maxBuffered),
    heartbeat: resolveHeartbeat(options.heartbeat),
    maxPause:
      options.maxPause === false
        ? Number.POSITIVE_INFINITY
        : checkTime('maxPause', options.maxPause ?? DEFAULTS.maxPause),
    closeTimeout: checkTime('closeTimeout', options.closeTimeout ?? DEFAULTS.closeTimeout),
    text,
    autoPong: options.autoPong ?? true,
    autoResponse: options.autoResponse,
  }
}

export function resolveHeartbeat(heartbeat: Partial<HeartbeatSettings> | false | undefined): HeartbeatSettings | false {
  if (heartbeat === false) return false
  return {
    interval: checkTime('heartbeat.interval', heartbeat?.interval ?? DEFAULTS.heartbeat.interval),
    timeout: checkTime('heartbeat.timeout', heartbeat?.timeout ?? DEFAULTS.heartbeat.timeout),
  }
}

/** A number of bytes or things: zero or more, and infinity for no limit. */
export function checkCount(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY))
    return value
  throw new ArgumentError(`The option ${name} is a whole number of 0 or more, or Infinity, not ${String(value)}.`)
}

/** The longest time that a timer can wait, about 25 days. */
const LONGEST_TIME = 2 ** 31 - 1

/** A number of milliseconds above zero, as long as a timer can wait. */
export function checkTime(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value <= LONGEST_TIME) return value
  throw new ArgumentError(
    `The option ${name} is a number of milliseconds above 0 and up to ${LONGEST_TIME}, not ${String(value)}.`,
  )
}
