import type { Notice, Request } from '../wire.ts'
import { backoff } from './backoff.ts'

export type Phase = 'connecting' | 'open' | 'closing' | 'closed'

/** A connection that lived for this long was a good one: the next loss begins with a short delay again. */
const GOOD_AFTER = 5_000

/**
 * The server says something every two seconds. When nothing came for this long the connection is as good as dead,
 * though no browser will say so; it answers pings, but shows them to nobody.
 */
const DEAD_AFTER = 16_000

export interface ConnectionEvents {
  /** The phase has changed, or the time of the next attempt. */
  change(): void
  /** What to say first. */
  greeting(): Request
  notice(notice: Notice): void
}

/** The page's membership in the chat: a WebSocket that comes back when it is lost. */
export class Connection {
  /** Why the last connection ended. */
  lost: { code: number; reason: string } | undefined
  /** When the next attempt is due, and how long the wait is, in the time of `performance.now()`. */
  retry: { at: number; delay: number } | undefined
  readonly #url: string
  readonly #events: ConnectionEvents
  #socket: WebSocket | undefined
  #attempt = 0
  #openedAt: number | undefined
  #timer: number | undefined
  #watchdog: number | undefined
  /** The person said goodbye, so that nothing is tried until they come back. */
  #left = false

  constructor(url: string, events: ConnectionEvents) {
    this.#url = url
    this.#events = events
  }

  get phase(): Phase {
    const states = ['connecting', 'open', 'closing', 'closed'] as const
    return states[this.#socket?.readyState ?? WebSocket.CLOSED] ?? 'closed'
  }

  get left(): boolean {
    return this.#left
  }

  /** Connects, now, unless it is connected or about to be. */
  connect(): void {
    this.#left = false
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return
    this.#forget()
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.onopen = () => {
      this.#openedAt = performance.now()
      socket.send(JSON.stringify(this.#events.greeting()))
      this.#heard()
      this.#events.change()
    }
    socket.onmessage = ({ data }) => {
      this.#heard()
      const notice: Notice = JSON.parse(String(data))
      this.#events.notice(notice)
    }
    socket.onclose = ({ code, reason }) => this.#ended(code, reason)
    this.#events.change()
  }

  /** False when there is no open connection to send on. */
  send(request: Request): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(request))
    return true
  }

  /** Ends the connection politely, with a Close frame of code 1000. */
  leave(): void {
    this.#left = true
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(1000, 'goodbye')
    else this.#forget()
    this.#events.change()
  }

  #heard(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => {
      this.#socket?.close(4000, 'nothing heard')
      this.#ended(1006, `nothing heard for ${DEAD_AFTER / 1000} s`)
    }, DEAD_AFTER)
  }

  #ended(code: number, reason: string): void {
    const good = this.#openedAt !== undefined && performance.now() - this.#openedAt > GOOD_AFTER
    if (good) this.#attempt = 0
    this.lost = { code, reason }
    this.#forget()
    if (!this.#left) {
      const delay = backoff(this.#attempt++)
      this.retry = { at: performance.now() + delay, delay }
      this.#timer = setTimeout(() => this.connect(), delay)
    }
    this.#events.change()
  }

  /** Lets go of the socket and of every timer. */
  #forget(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#watchdog)
    this.retry = undefined
    this.#openedAt = undefined
    const socket = this.#socket
    this.#socket = undefined
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null
  }
}
