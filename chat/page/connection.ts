import { ReconnectingWebSocket, type StateEvent } from 'heartwire/reconnect'
import type { Notice, Request } from '../wire.ts'

export type Phase = 'connecting' | 'open' | 'closing' | 'closed'

/** The server says something every two seconds. When nothing came for so many milliseconds, and then again, the connection is dead. */
const SILENCE = 8_000

export interface ConnectionEvents {
  /** The phase has changed, or the time of the next attempt. */
  change(): void
  /** What to say first. */
  greeting(): Request
  notice(notice: Notice): void
}

/** The page's membership in the chat. */
export class Connection {
  /** Why the last connection ended. */
  lost: { code: number; reason: string } | undefined
  /** When the next attempt is due, and how long the wait is, in the time of `performance.now()`. */
  retry: { at: number; delay: number } | undefined
  readonly #url: string
  readonly #events: ConnectionEvents
  #socket: ReconnectingWebSocket | undefined

  constructor(url: string, events: ConnectionEvents) {
    this.#url = url
    this.#events = events
  }

  get phase(): Phase {
    const state = this.#socket?.state
    return state === 'connecting' || state === 'open' || state === 'closing' ? state : 'closed'
  }

  /** Whether the person said goodbye, so that nothing is tried until they come back. */
  get left(): boolean {
    return this.#socket !== undefined && this.#socket.readyState >= WebSocket.CLOSING
  }

  /** Connects, now, unless it is connected or about to be. */
  connect(): void {
    if (this.phase === 'connecting' || this.phase === 'open') return
    if (this.#socket) this.#socket.reconnect()
    else this.#open()
  }

  /** False when there is no open connection to send on. */
  send(request: Request): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(request))
    return true
  }

  /** Ends the connection politely, with a Close frame of code 1000. */
  leave(): void {
    this.#socket?.close(1000, 'goodbye')
  }

  #open(): void {
    const socket = new ReconnectingWebSocket(this.#url, {
      initialDelay: 2_000,
      heartbeat: { interval: SILENCE, timeout: SILENCE },
      // The title counts what has come while nobody looked.
      whileHidden: 'retry',
      // A chat may be on this machine.
      whileOffline: 'retry',
      isFinal: () => false,
    })
    this.#socket = socket
    socket.addEventListener('state', (event) => this.#changed(event))
    socket.onopen = () => socket.send(JSON.stringify(this.#events.greeting()))
    socket.onmessage = ({ data }) => {
      const notice: Notice = JSON.parse(String(data))
      this.#events.notice(notice)
    }
    socket.onclose = ({ code, reason }) => {
      this.lost = { code, reason }
      this.#events.change()
    }
    this.#events.change()
  }

  #changed({ state, delay, end }: StateEvent): void {
    this.retry = state === 'waiting' ? { at: performance.now() + delay, delay } : undefined
    if (end) {
      const silence = `nothing heard for ${(2 * SILENCE) / 1000} s`
      this.lost = { code: end.code, reason: end.cause === 'heartbeat' ? silence : end.reason }
    }
    this.#events.change()
  }
}
