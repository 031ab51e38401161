/// <reference lib="esnext.disposable" preserve="true" />
import { backoff } from './backoff.ts'
import { checkClose, resolveUrl } from './check.ts'
import {
  DroppedEvent,
  FailureEvent,
  FinalCloseEvent,
  READY_STATES,
  type State,
  StateEvent,
  type TypedEventTarget,
} from './events.ts'
import type { ConnectionEnd } from './final.ts'
import { type Handler, HandlerSlot } from './handler.ts'
import { Heartbeat } from './heartbeat.ts'
import {
  type Attempt,
  type PlainEvent,
  type PlainWebSocket,
  type ReconnectOptions,
  resolveOptions,
  type SendData,
  type Settings,
  type Target,
} from './options.ts'
import { Queue } from './queue.ts'
import { type Obstacle, Surroundings } from './surroundings.ts'

type Provider = (attempt: Attempt) => Target | Promise<Target>

/** What an end of which nothing is known looks like (RFC 6455 section 7.1.5). */
const UNKNOWN_END = { code: 1006, reason: '', wasClean: false } as const

/** "Timeout", of IANA's registry of close codes. */
const TIMEOUT = 3008

/**
 * A WebSocket that comes back when it is lost. It has all that the `WebSocket` of browsers has; `open` is for each connection,
 * `close` for the end of all, and `state` tells what happens between.
 *
 * Nothing is sent twice: what was given to a connection that is lost may have arrived or not.
 */
export class ReconnectingWebSocket extends (EventTarget as new () => TypedEventTarget) {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  readonly CONNECTING = 0
  readonly OPEN = 1
  readonly CLOSING = 2
  readonly CLOSED = 3

  readonly #target: Target | Provider
  readonly #settings: Settings
  readonly #queue: Queue
  readonly #surroundings: Surroundings
  readonly #onopen = new HandlerSlot(this, 'open')
  readonly #onmessage = new HandlerSlot(this, 'message')
  readonly #onclose = new HandlerSlot(this, 'close')
  readonly #onerror = new HandlerSlot(this, 'error')
  #state: State = 'closed'
  #url = ''
  #binaryType: string | undefined
  #socket: PlainWebSocket | undefined
  #heartbeat: Heartbeat | undefined
  /** What is aborted with the attempt or the connection that there is. */
  #attempt = new AbortController()
  /** For the next attempt while waiting, for giving up while connecting. */
  #timer: unknown
  #openedAt: number | undefined
  #failures = 0
  #end: ConnectionEnd | undefined

  /**
   * Connects, at once.
   * @param target where to, or a function that says so, asked anew for each attempt: a failure of it is a failed attempt
   * @param options or subprotocols, as `WebSocket` has it
   * @throws DOMException `SyntaxError` for a URL that is none
   * @throws TypeError for an option that cannot be, and when there is no WebSocket
   * @throws the reason of a signal that is aborted already
   */
  constructor(target: Target | Provider, options: string | string[] | ReconnectOptions = {}) {
    super()
    const isProtocols = typeof options === 'string' || Array.isArray(options)
    this.#settings = resolveOptions(isProtocols ? { protocols: options } : options)
    this.#target = target
    if (typeof target !== 'function') this.#url = resolveUrl(partsOf(target).url)
    this.#queue = new Queue(this.#settings.queue)
    this.#surroundings = new Surroundings(this.#settings, {
      hindered: (obstacle) => this.#hindered(obstacle),
      better: () => this.#better(),
      stored: () => this.#stored(),
    })
    this.reconnect()
  }

  /** What it is doing. Each change is told by a `state` event. */
  get state(): State {
    return this.#state
  }

  /** CONNECTING also while it waits for the next attempt. */
  get readyState(): 0 | 1 | 2 | 3 {
    return READY_STATES[this.#state]
  }

  /** Of the last attempt; empty before a function has said one. */
  get url(): string {
    return this.#url
  }

  /** The subprotocol that the server chose, empty without one or without a connection. */
  get protocol(): string {
    return this.#socket?.protocol ?? ''
  }

  get extensions(): string {
    return this.#socket?.extensions ?? ''
  }

  /** Bytes that wait: here, and in the WebSocket of the platform. */
  get bufferedAmount(): number {
    return this.#queue.bytes + (this.#socket?.bufferedAmount ?? 0)
  }

  /** As what binary messages arrive: `'blob'` by default, or `'arraybuffer'`. */
  get binaryType(): string {
    return this.#socket?.binaryType ?? this.#binaryType ?? 'blob'
  }

  set binaryType(type: string) {
    this.#binaryType = type
    if (this.#socket) this.#socket.binaryType = type
  }

  get onopen(): Handler<'open'> {
    return this.#onopen.handler
  }

  set onopen(handler: Handler<'open'>) {
    this.#onopen.handler = handler
  }

  get onmessage(): Handler<'message'> {
    return this.#onmessage.handler
  }

  set onmessage(handler: Handler<'message'>) {
    this.#onmessage.handler = handler
  }

  get onclose(): Handler<'close'> {
    return this.#onclose.handler
  }

  set onclose(handler: Handler<'close'>) {
    this.#onclose.handler = handler
  }

  get onerror(): Handler<'error'> {
    return this.#onerror.handler
  }

  set onerror(handler: Handler<'error'>) {
    this.#onerror.handler = handler
  }

  /**
   * Sends a message, or keeps it until there is a connection. Once the socket is closed it is dropped.
   * @throws DOMException `QuotaExceededError` when the queue is full, and its `overflow` is `'reject'`
   */
  send(data: SendData): void {
    if (this.readyState > 1) this.#dropped([data], 'closed')
    else if (this.#state === 'open' && this.#socket?.readyState === 1) this.#socket.send(data)
    else this.#dropped(this.#queue.add(data), 'overflow')
  }

  /**
   * Ends it, with a Close frame where there is a connection. What waits to be sent is dropped.
   * @throws DOMException `InvalidAccessError` for a code other than 1000 and 3000 to 4999, `SyntaxError` for a reason of more than 123 bytes
   */
  close(code?: number, reason = ''): void {
    checkClose(code, reason)
    if (this.readyState > 1) return
    const socket = this.#socket
    this.#rest()
    this.#become('closing')
    if (socket) {
      socket.close(code, reason)
      return
    }
    queueMicrotask(() => {
      if (this.#state === 'closing' && !this.#socket) this.#finish(UNKNOWN_END, 'local-close')
    })
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Connects anew, at once and with retries counted from 0, whatever it was doing; also when it was closed.
   * @throws the reason of the signal when that is aborted
   */
  reconnect(): void {
    const { signal } = this.#settings
    signal?.throwIfAborted()
    this.#drop(1000, 'reconnect')
    this.#failures = 0
    this.#surroundings.watch()
    signal?.addEventListener('abort', this.#aborted)
    void this.#try()
  }

  readonly #aborted = (): void => this.close()

  async #try(): Promise<void> {
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#openedAt = undefined
    this.#after(this.#settings.connectTimeout, () => this.#ended({ ...UNKNOWN_END, cause: 'connect-timeout' }))
    this.#become('connecting')
    // Who has made this socket has yet to listen.
    await undefined
    if (attempt.signal.aborted) return
    try {
      const target =
        typeof this.#target === 'function'
          ? await this.#target({ retry: this.#failures, signal: attempt.signal })
          : this.#target
      if (!attempt.signal.aborted) this.#dial(target)
    } catch (error) {
      if (!attempt.signal.aborted) this.#ended({ ...UNKNOWN_END, cause: 'target', error })
    }
  }

  #dial(target: Target): void {
    const { url, protocols = this.#settings.protocols } = partsOf(target)
    this.#url = resolveUrl(url)
    const socket = new this.#settings.WebSocket(this.#url, [protocols].flat())
    this.#socket = socket
    if (this.#binaryType) socket.binaryType = this.#binaryType
    // One that was let go of may still have something to say.
    const listen = (type: 'open' | 'message' | 'close' | 'error', listener: (event: PlainEvent) => void) =>
      socket.addEventListener(type, (event) => {
        if (socket === this.#socket) listener(event)
      })
    listen('open', () => this.#opened(socket))
    listen('message', ({ data, origin = '' }) => {
      if (this.#state !== 'open' || this.#heartbeat?.heard(data)) return
      this.dispatchEvent(new MessageEvent('message', { data, origin }))
    })
    listen('error', ({ error, message }) => {
      if (this.#state !== 'closing') this.dispatchEvent(new FailureEvent(error ?? message))
    })
    listen('close', ({ code = 1006, reason = '', wasClean = false }) =>
      this.#ended({ code, reason, wasClean, cause: 'close' }),
    )
  }

  #opened(socket: PlainWebSocket): void {
    if (this.#state !== 'connecting') return
    const { clock, heartbeat } = this.#settings
    clock.clearTimeout(this.#timer)
    this.#openedAt = clock.now()
    if (heartbeat) {
      this.#heartbeat = new Heartbeat(heartbeat, clock, {
        send: (message) => socket.readyState === 1 && socket.send(message),
        bufferedAmount: () => socket.bufferedAmount,
        dead: () => this.#ended({ ...UNKNOWN_END, cause: 'heartbeat' }),
      })
      if (this.#surroundings.obstacle === 'hidden') this.#heartbeat.stop()
    }
    this.#become('open')
    // Listeners have the first word, to say who they are; then comes what has waited.
    if (socket === this.#socket) this.dispatchEvent(new Event('open'))
    while (socket === this.#socket && socket.readyState === 1) {
      const data = this.#queue.take()
      if (data === undefined) break
      socket.send(data)
    }
  }

  /** An attempt failed, or a connection ended. */
  #ended(how: Omit<ConnectionEnd, 'failures'>): void {
    if (this.#state === 'closing') return this.#finish(how, 'local-close')
    const { clock, healthyAfter, maxRetries } = this.#settings
    const { signal } = this.#attempt
    const wasHealthy = this.#openedAt !== undefined && clock.now() - this.#openedAt >= healthyAfter
    const end = { ...how, failures: wasHealthy ? 1 : this.#failures + 1 }
    if (how.cause !== 'close') this.dispatchEvent(new FailureEvent(how.error ?? new Error(how.cause)))
    const isFinal = this.#isFinal(end)
    // Some listener has decided otherwise.
    if (signal.aborted) return
    this.#drop(TIMEOUT, how.cause)
    this.#end = end
    this.#failures = end.failures
    if (isFinal) this.#finish(end, 'final')
    else if (end.failures > maxRetries) this.#finish(end, 'max-retries')
    else this.#wait()
  }

  #isFinal(end: ConnectionEnd): boolean {
    // What was refused once will be refused again, where no function says something else.
    if (end.cause === 'target' && typeof this.#target !== 'function') return true
    try {
      return this.#settings.isFinal(end)
    } catch (error) {
      this.dispatchEvent(new FailureEvent(error))
      return false
    }
  }

  #wait(): void {
    const { obstacle } = this.#surroundings
    if (obstacle) return this.#become(obstacle)
    const delay = backoff(this.#settings, this.#failures)
    this.#after(delay, () => void this.#try())
    this.#become('waiting', delay)
  }

  #hindered(obstacle: Obstacle): void {
    if (this.#isBetween) {
      this.#settings.clock.clearTimeout(this.#timer)
      if (this.#state !== obstacle) this.#become(obstacle)
    } else if (obstacle === 'hidden') {
      this.#heartbeat?.stop()
    }
  }

  #better(): void {
    if (this.#isBetween) {
      this.#settings.clock.clearTimeout(this.#timer)
      void this.#try()
    } else {
      this.#heartbeat?.check()
    }
  }

  #stored(): void {
    if (this.#isBetween) return
    this.#drop(1000, 'page stored')
    this.#become('hidden')
  }

  get #isBetween(): boolean {
    return this.#state === 'waiting' || this.#state === 'offline' || this.#state === 'hidden'
  }

  #finish(end: Omit<ConnectionEnd, 'cause' | 'failures'>, cause: FinalCloseEvent['cause']): void {
    this.#rest()
    this.#socket = undefined
    const messages = this.#queue.takeAll()
    this.#become('closed')
    this.#dropped(messages, 'closed')
    this.dispatchEvent(new FinalCloseEvent(end, cause))
  }

  /** Lets go of the attempt or the connection that there is. */
  #drop(code: number, reason: string): void {
    const socket = this.#socket
    this.#halt()
    this.#socket = undefined
    socket?.close(code, reason)
  }

  /** Nothing happens by itself any more, but for the close event of the connection. */
  #rest(): void {
    this.#halt()
    this.#surroundings.unwatch()
    this.#settings.signal?.removeEventListener('abort', this.#aborted)
  }

  #halt(): void {
    this.#attempt.abort()
    this.#settings.clock.clearTimeout(this.#timer)
    this.#heartbeat?.stop()
    this.#heartbeat = undefined
  }

  #after(delay: number, callback: () => void): void {
    this.#timer = this.#settings.clock.setTimeout(callback, delay)
  }

  #become(state: State, delay = 0): void {
    this.#state = state
    this.dispatchEvent(new StateEvent(state, this.#failures, delay, this.#end))
  }

  #dropped(messages: SendData[], cause: DroppedEvent['cause']): void {
    if (messages.length > 0) this.dispatchEvent(new DroppedEvent(messages, cause))
  }
}

function partsOf(target: Target): { url: string | URL; protocols?: string | string[] } {
  return typeof target === 'string' || target instanceof URL ? { url: target } : target
}
