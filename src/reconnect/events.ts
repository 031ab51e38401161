import type { ConnectionEnd } from './final.ts'
import type { SendData } from './options.ts'

/**
 * `connecting`, `open`, `closing` and `closed` as ever. Between two attempts: `waiting` for the time of the next one,
 * `offline` for a network, `hidden` for somebody to see the page.
 */
export type State = 'connecting' | 'open' | 'waiting' | 'offline' | 'hidden' | 'closing' | 'closed'

/** What `readyState` is meanwhile. */
export const READY_STATES: Readonly<Record<State, 0 | 1 | 2 | 3>> = {
  connecting: 0,
  waiting: 0,
  offline: 0,
  hidden: 0,
  open: 1,
  closing: 2,
  closed: 3,
}

/** `state`: the state has changed. */
export class StateEvent extends Event {
  readonly state: State
  /** 0 for the first attempt, n for the nth retry since there was a healthy connection. */
  readonly retry: number
  /** Milliseconds until the next attempt, when `waiting`; else 0. */
  readonly delay: number
  /** How the last attempt or connection ended, once one has. */
  readonly end: ConnectionEnd | undefined

  constructor(state: State, retry: number, delay: number, end: ConnectionEnd | undefined) {
    super('state')
    this.state = state
    this.retry = retry
    this.delay = delay
    this.end = end
  }
}

/** `close`: the end of all, once. Has what a `CloseEvent` has, which Node 20 lacks. */
export class FinalCloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
  /** `local-close`: `close`, the signal or `using`. `final`: by `isFinal`, or the URL was refused. `max-retries`: they are used up. */
  readonly cause: 'local-close' | 'final' | 'max-retries'

  constructor({ code, reason, wasClean }: Omit<ConnectionEnd, 'cause' | 'failures'>, cause: FinalCloseEvent['cause']) {
    super('close')
    this.code = code
    this.reason = reason
    this.wasClean = wasClean
    this.cause = cause
  }
}

/** `error`: an attempt or a connection failed. What comes of it is told by `state` or `close`. */
export class FailureEvent extends Event {
  /** What the platform, or the function that says the URL, said of it. Browsers say nothing. */
  readonly error: unknown

  constructor(error: unknown) {
    super('error')
    this.error = error
  }
}

/** `dropped`: messages that were given to `send` and never will be sent. */
export class DroppedEvent extends Event {
  /** Oldest first. */
  readonly messages: readonly SendData[]
  /** The queue was full, or the socket is closed. */
  readonly cause: 'overflow' | 'closed'

  constructor(messages: readonly SendData[], cause: DroppedEvent['cause']) {
    super('dropped')
    this.messages = messages
    this.cause = cause
  }
}

export interface EventMap {
  open: Event
  message: MessageEvent
  close: FinalCloseEvent
  error: FailureEvent
  state: StateEvent
  dropped: DroppedEvent
}

/** An EventTarget whose listeners know what they get. */
export interface TypedEventTarget extends EventTarget {
  addEventListener<K extends keyof EventMap>(
    type: K,
    listener: (event: EventMap[K]) => unknown,
    options?: Parameters<EventTarget['addEventListener']>[2],
  ): void
  addEventListener(...args: Parameters<EventTarget['addEventListener']>): void
  removeEventListener<K extends keyof EventMap>(
    type: K,
    listener: (event: EventMap[K]) => unknown,
    options?: Parameters<EventTarget['removeEventListener']>[2],
  ): void
  removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void
}
