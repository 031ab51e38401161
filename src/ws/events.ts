import type { Data, WebSocket } from './web-socket.ts'

/** What of a WebSocket an event knows; those that are typed by @types/ws have as much. */
export type EventTarget = Pick<
  WebSocket,
  | 'binaryType'
  | 'bufferedAmount'
  | 'close'
  | 'extensions'
  | 'isPaused'
  | 'pause'
  | 'ping'
  | 'pong'
  | 'protocol'
  | 'readyState'
  | 'resume'
  | 'send'
  | 'terminate'
  | 'url'
>

/** What listeners that were added with `addEventListener` are given. */
export class Event {
  readonly type: string
  readonly target: EventTarget

  constructor(type: string, target: WebSocket) {
    this.type = type
    this.target = target
  }
}

export class CloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean

  constructor(target: WebSocket, code: number, reason: string, wasClean: boolean) {
    super('close', target)
    this.code = code
    this.reason = reason
    this.wasClean = wasClean
  }
}

export class ErrorEvent extends Event {
  readonly error: Error
  readonly message: string

  constructor(target: WebSocket, error: Error) {
    super('error', target)
    this.error = error
    this.message = error.message
  }
}

export class MessageEvent extends Event {
  readonly data: Data

  constructor(target: WebSocket, data: Data) {
    super('message', target)
    this.data = data
  }
}
