import { type ConnectionEnd, isFinalCode } from './final.ts'

/** What can be sent. */
export type SendData = string | ArrayBufferLike | ArrayBufferView | Blob

/** Where to connect to. `http:` and `https:` stand for `ws:` and `wss:`; in a page the URL may be relative. */
export type Target = string | URL | { url: string | URL; protocols?: string | string[] }

/** What a function that says where to connect to is told. */
export interface Attempt {
  /** 0 for the first attempt, n for the nth retry since there was a healthy connection. */
  retry: number
  /** Aborted when nobody waits for the answer any more: after `connectTimeout`, or when the socket was closed. */
  signal: AbortSignal
}

/** Time as the socket sees it. */
export interface Clock {
  /** Milliseconds since some moment; never goes backwards. */
  now(): number
  setTimeout(callback: () => void, delay: number): unknown
  clearTimeout(timer: unknown): void
}

/** What is used of the events of a platform's WebSocket. */
export interface PlainEvent {
  readonly type: string
  readonly data?: unknown
  readonly origin?: string
  readonly code?: number
  readonly reason?: string
  readonly wasClean?: boolean
  readonly error?: unknown
  readonly message?: string
}

/** What is used of a platform's WebSocket. */
export interface PlainWebSocket {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  readonly extensions: string
  readonly protocol: string
  send(data: SendData): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: PlainEvent) => void): void
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => PlainWebSocket

export interface QueueOptions {
  /** Most messages that wait. Default 1,000. */
  maxMessages?: number
  /** Most bytes that wait; text counts as UTF-8. Default 1 MiB. */
  maxBytes?: number
  /**
   * What is done with one too many. `'reject'`, the default: `send` throws. `'drop-oldest'` and `'drop-newest'`: there is a
   * `dropped` event.
   */
  overflow?: 'reject' | 'drop-oldest' | 'drop-newest'
}

export interface HeartbeatOptions {
  /** The text that is sent. Default `'ping'`. */
  message?: string
  /** The text of the answer, or a function that knows it. Answers are not delivered as messages. Default `'pong'`. */
  answer?: string | ((data: unknown) => boolean)
  /** It is sent when nothing has arrived for so many milliseconds. Default 25,000. */
  interval?: number
  /** Without an answer, or any other message, for so many milliseconds, the connection is dead. Default 10,000. */
  timeout?: number
}

export interface ReconnectOptions {
  /** Subprotocols to offer. Default none. */
  protocols?: string | string[]
  /** Longest wait before the first retry, in milliseconds. Each wait is by chance between nothing and its longest. Default 1,000. */
  initialDelay?: number
  /** What the longest wait is multiplied by with each further retry. Default 2. */
  factor?: number
  /** The longest that any wait may be, in milliseconds. Default 30,000. */
  maxDelay?: number
  /** A connection that was open for so many milliseconds was a good one: retries are counted from 0 again. Default 5,000. */
  healthyAfter?: number
  /** Retries since the last healthy connection, after which it gives up. Default none: it never does. */
  maxRetries?: number
  /** For one attempt, the function that says the URL included, in milliseconds. Default 10,000. */
  connectTimeout?: number
  /** What waits while there is no connection. */
  queue?: QueueOptions
  /** A heartbeat made of messages, which the server answers. True for one with all its defaults. Default false. */
  heartbeat?: boolean | HeartbeatOptions
  /** Whether the end of a connection is the end of all. Default: `isFinalCode(end.code)`. */
  isFinal?: (end: ConnectionEnd) => boolean
  /** What is done while the browser says that there is no network: wait for it, or retry as ever. Default `'wait'`. */
  whileOffline?: 'wait' | 'retry'
  /** What is done while nobody sees the page: wait, without a heartbeat, or go on as ever. Default `'wait'`. */
  whileHidden?: 'wait' | 'retry'
  /** Closes it when it is aborted. */
  signal?: AbortSignal
  /** The WebSocket to use. Default: the global one. */
  WebSocket?: WebSocketConstructor
  /** Numbers from 0 to 1, for the waits. Default `Math.random`. */
  random?: () => number
  /** For tests. Default: the clock and timers of the platform. */
  clock?: Clock
}

/** What a timer can be set to: with more it goes off at once. */
const LONGEST = 2 ** 31 - 1

const platformClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, Math.min(delay, LONGEST)),
  clearTimeout: (timer) => clearTimeout(timer as number),
}

/** Every default, but for what depends on the platform or is not there. */
export const DEFAULTS = {
  initialDelay: 1_000,
  factor: 2,
  maxDelay: 30_000,
  healthyAfter: 5_000,
  maxRetries: Number.POSITIVE_INFINITY,
  connectTimeout: 10_000,
  whileOffline: 'wait',
  whileHidden: 'wait',
  isFinal: ({ code }) => isFinalCode(code),
  random: Math.random,
  clock: platformClock,
} satisfies ReconnectOptions

export const QUEUE = { maxMessages: 1_000, maxBytes: 2 ** 20, overflow: 'reject' } satisfies QueueOptions

export const HEARTBEAT = {
  message: 'ping',
  answer: 'pong',
  interval: 25_000,
  timeout: 10_000,
} satisfies HeartbeatOptions

/** Options that have no default. */
const OTHERS = ['protocols', 'queue', 'heartbeat', 'signal', 'WebSocket']

/** What an option that is a string may be, but for texts of the application's own. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  overflow: ['reject', 'drop-oldest', 'drop-newest'],
  whileOffline: ['wait', 'retry'],
  whileHidden: ['wait', 'retry'],
}

/** The options as they are used. */
export type Settings = Required<
  Omit<ReconnectOptions, 'protocols' | 'queue' | 'heartbeat' | 'signal' | 'WebSocket'>
> & {
  protocols: string | string[]
  queue: Required<QueueOptions>
  heartbeat: Required<HeartbeatOptions> | undefined
  signal: AbortSignal | undefined
  WebSocket: WebSocketConstructor
}

/** @throws TypeError that names an option that there is not, or that cannot be; and when there is no WebSocket */
export function resolveOptions(given: ReconnectOptions): Settings {
  const { protocols = [], queue = {}, heartbeat = false, signal } = given
  const { WebSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket } = given
  if (typeof WebSocket !== 'function') {
    throw new TypeError(
      "There is no WebSocket here: give one as the option WebSocket, that of 'heartwire/websocket' in Node.js.",
    )
  }
  return {
    ...settle<Omit<Settings, 'protocols' | 'queue' | 'heartbeat' | 'signal' | 'WebSocket'>>(
      '',
      given,
      DEFAULTS,
      OTHERS,
    ),
    protocols,
    queue: settle<Required<QueueOptions>>('queue.', queue, QUEUE),
    heartbeat:
      heartbeat === false
        ? undefined
        : settle<Required<HeartbeatOptions>>('heartbeat.', heartbeat === true ? {} : heartbeat, HEARTBEAT),
    signal,
    WebSocket,
  }
}

/** What is given, over the defaults. Undefined stands for a default. */
function settle<T extends object>(prefix: string, given: object, defaults: T, others: string[] = []): T {
  const settled = { ...defaults }
  for (const [name, value] of Object.entries(given)) {
    if (others.includes(name) || value === undefined) continue
    if (!isKey(settled, name)) throw new TypeError(`There is no option ${prefix}${name}.`)
    const isKind = typeof value === typeof settled[name] || (name === 'answer' && typeof value === 'function')
    const isValue = typeof value === 'number' ? value >= 0 : value !== null && (CHOICES[name]?.includes(value) ?? true)
    if (!isKind || !isValue) throw new TypeError(`The option ${prefix}${name} cannot be ${String(value)}.`)
    settled[name] = value
  }
  return settled
}

function isKey<T extends object>(object: T, name: PropertyKey): name is keyof T {
  return Object.hasOwn(object, name)
}
