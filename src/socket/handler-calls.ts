import { CloseCode } from '../protocol/close-code.ts'
import { type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import type { Connection } from '../protocol/connection.ts'
import { asError, guarded, isAwaitable } from './awaitable.ts'
import { branch, type Context } from './context.ts'
import type { Inbound } from './inbound.ts'
import type { Handlers, MessageType } from './options.ts'
import { reportError } from './report-error.ts'
import type { Socket } from './socket.ts'

/** What the calls of handlers ask of their link. */
export interface HandlerHost {
  readonly connection: Connection
  readonly inbound: Inbound
  readonly socket: Socket
  readonly info: CloseInfo | undefined
}

/** Calls the handlers of one connection, in their context. One that fails closes this connection, and nothing else. */
export class HandlerCalls {
  readonly handlers: Handlers<Socket>
  private readonly host: HandlerHost
  /** That of the handlers, but for what handlers of this connection enter. */
  private readonly context: Context
  /** Whether the code that runs is in that context already. */
  private within = false

  constructor(host: HandlerHost, handlers: Handlers<Socket>, context: Context) {
    this.host = host
    this.handlers = handlers
    this.context = branch(context)
  }

  /** Reads a chunk: the context is entered once for it, and not for each message in it. */
  receive(chunk: Uint8Array): void {
    this.context.runInAsyncScope(this.receiveWithin, this, chunk)
  }

  /** Gives a message to its handler. Returns what there is to wait for. */
  message(message: string | Uint8Array, type: MessageType): Promise<void> | undefined {
    if (this.within) return this.messageWithin(message, type)
    return this.context.runInAsyncScope(this.messageWithin, this, message, type)
  }

  /** Calls another handler. Returns what there is to wait for. */
  call(handler: () => unknown): Promise<void> | undefined {
    return this.context.runInAsyncScope(guarded, undefined, handler, (error: unknown) => this.failed(error))
  }

  /** Calls one whose failures are seen to elsewhere. */
  enter(handler: () => unknown): unknown {
    return this.context.runInAsyncScope(handler)
  }

  /** A handler has failed. */
  failed(error: unknown): void {
    const { connection, info } = this.host
    // One that waited for this connection is told of its end in this way; the application has had its report.
    if (error instanceof ConnectionClosedError && error.info !== undefined && error.info === info) return
    this.report(error)
    connection.fail(CloseCode.InternalError, 'internal error', 'handler-error', asError(error))
  }

  /** Tells the application, and changes nothing else. */
  report(error: unknown): void {
    reportError(this.handlers.error, error, this.host.socket)
  }

  private receiveWithin(chunk: Uint8Array): void {
    this.within = true
    this.host.inbound.receive(chunk)
    this.within = false
  }

  private messageWithin(message: string | Uint8Array, type: MessageType): Promise<void> | undefined {
    try {
      const result = this.handlers.message?.(this.host.socket, message, type)
      if (!isAwaitable(result)) return undefined
      return Promise.resolve(result).then(
        () => {},
        (error) => this.failed(error),
      )
    } catch (error) {
      this.failed(error)
      return undefined
    }
  }
}
