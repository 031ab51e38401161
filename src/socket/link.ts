import { CloseCode } from '../protocol/close-code.ts'
import { type CloseCause, type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import { Connection, type ConnectionSink } from '../protocol/connection.ts'
import { encodeControlPayload } from '../protocol/control-payload.ts'
import { ArgumentError, type Side, SlowConsumerError, TimeoutError } from '../protocol/error.ts'
import { Opcode } from '../protocol/opcode.ts'
import { bytesOf, type MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { Transport, TransportSink } from '../transport/transport.ts'
import { autoResponseTo } from './auto-response.ts'
import { guarded, isAwaitable } from './awaitable.ts'
import { MessageQueue, type MessageSource } from './message-queue.ts'
import { type ObservedFrame, observedFrame } from './observed-frame.ts'
import type { Behaviour, Handlers, MessageType } from './options.ts'
import { Pulse, type PulseHost } from './pulse.ts'
import { reportError } from './report-error.ts'
import { flushSoon, shared, wheel } from './runtime.ts'
import type { Socket } from './socket.ts'

/** What `send` has done with a message. */
export type SendResult = 'ok' | 'slow' | 'dropped' | 'closed'

/** Why nothing is read for now; reading goes on when no reason is left. */
const Hold = { Application: 1, Opening: 2, Queue: 4 } as const

/** What a kind of socket is made from: a server's route, or one client connection. */
export interface LinkSetup {
  side: Side
  behaviour: Behaviour
  handlers: Handlers<Socket>
  /** Called before the application hears of the end. */
  onClosed?(socket: Socket): void
}

/**
 * What is behind a socket: ties the connection, its transport, its pulse and the application's handlers together.
 */
export class Link implements ConnectionSink, TransportSink, MessageSource, PulseHost {
  readonly connection: Connection
  readonly transport: Transport
  readonly behaviour: Behaviour
  readonly pulse: Pulse
  /** The application's face of this; there from `start` on. */
  socket!: Socket
  highWaterMark: number
  info: CloseInfo | undefined
  /** Called once, when the connection has ended. */
  readonly whenClosed = new Set<(info: CloseInfo) => void>()

  private readonly setup: LinkSetup
  private queue: MessageQueue | undefined
  private holds = 0
  /** The connection closed while its messages were held: they are not waited for. */
  private discardMessages = false
  /** The end of the transport, while what came before it is held back. */
  private pendingEnd: (() => void) | undefined
  private flushing = false
  private slowTold = false
  private readonly whenDrained: (() => void)[] = []
  private whenWritable: (() => void) | undefined

  constructor(setup: LinkSetup, transport: Transport) {
    this.setup = setup
    this.behaviour = setup.behaviour
    this.transport = transport
    this.highWaterMark = setup.behaviour.highWaterMark
    const { side, behaviour } = setup
    this.connection = new Connection(
      {
        side,
        shared,
        now,
        maxPayload: behaviour.maxPayload,
        maxFragments: behaviour.maxFragments,
        text: behaviour.text,
        closeTimeout: behaviour.closeTimeout,
      },
      this,
      transport,
    )
    this.pulse = new Pulse(this.connection, this)
  }

  /** The handshake is done: tells the application, and starts to read. */
  start(socket: Socket): void {
    this.socket = socket
    const { connection } = this
    connection.open()
    this.pulse.settings = this.behaviour.heartbeat
    const { handlers } = this.setup
    if (handlers.observeFrames !== undefined)
      this.observeFrames((frame) => handlers.observeFrames?.(this.socket, frame))
    const opened = this.call(() => handlers.open?.(this.socket))
    // Those who pull messages may do so within the open handler; only handlers have to wait for it.
    if (opened !== undefined && handlers.message !== undefined) {
      this.hold(Hold.Opening)
      opened.finally(() => this.release(Hold.Opening))
    }
    this.transport.start(this)
    if (this.holds !== 0) this.transport.pause()
  }

  observeFrames(observe: (frame: ObservedFrame) => void): void {
    const { receiver, sender } = this.connection
    const before = { in: receiver.frameListener, out: sender.frameListener }
    const listen = (direction: 'in' | 'out') => (header: Uint8Array, payload: Uint8Array) => {
      before[direction]?.(header, payload)
      guarded(
        () => observe(observedFrame(direction, header, payload)),
        (error) => this.reportError(error),
      )
    }
    receiver.frameListener = listen('in')
    sender.frameListener = listen('out')
  }

  // From the application

  send(message: MessageData | PreparedMessage, type: MessageType | undefined): SendResult {
    const { connection } = this
    let data: string | Uint8Array | PreparedMessage
    let opcode: number
    if (typeof message === 'string') {
      data = message
      opcode = type === 'binary' ? Opcode.Binary : Opcode.Text
    } else if (message instanceof PreparedMessage) {
      data = message
      opcode = message.opcode
    } else {
      data = bytesOf(message)
      opcode = type === 'text' ? Opcode.Text : Opcode.Binary
    }
    if (connection.state !== 'open') return 'closed'
    const { sender } = connection
    const wasEmpty = sender.bufferedAmount === 0
    sender.message(opcode, data)
    return this.sent(wasEmpty)
  }

  /** After something was sent: says what became of it, and closes when too much is queued. */
  private sent(wasEmpty: boolean): SendResult {
    this.onOutput()
    const { connection, behaviour } = this
    const { sender } = connection
    if (sender.load <= this.highWaterMark) return 'ok'
    if (!sender.blocked) connection.flush()
    const { load } = sender
    if (load > behaviour.maxBuffered && !wasEmpty) {
      const error = new SlowConsumerError(
        `The peer reads too slowly: ${load} bytes are queued for it, more than maxBuffered, ${behaviour.maxBuffered}.`,
      )
      connection.fail(CloseCode.TryAgainLater, 'reads too slowly', 'slow-consumer', error)
      return 'dropped'
    }
    if (load <= this.highWaterMark) return 'ok'
    this.slowTold = true
    return 'slow'
  }

  ping(payload: string | Uint8Array | undefined): Promise<number> {
    const bytes = payload === undefined ? undefined : encodeControlPayload(shared.platform, 'ping', payload)
    if (this.connection.state !== 'open') return Promise.reject(new ConnectionClosedError(this.info))
    return new Promise((resolve, reject) => {
      this.pulse.ping(bytes, (roundTrip) => {
        if (roundTrip !== undefined) resolve(roundTrip)
        else if (this.info !== undefined) reject(new ConnectionClosedError(this.info))
        else reject(new TimeoutError('TIMEOUT', 'The ping was given up: too many newer ones are unanswered.'))
      })
    })
  }

  pong(payload: string | Uint8Array): void {
    const bytes = encodeControlPayload(shared.platform, 'pong', payload)
    if (this.connection.state !== 'open') return
    this.connection.sender.pong(bytes)
    this.sent(false)
  }

  close(code: number, reason: string, cause?: CloseCause, error?: Error): void {
    this.connection.close(code, reason, cause, error)
  }

  /** Resolves when nothing is queued. */
  drained(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.info !== undefined) return Promise.reject(new ConnectionClosedError(this.info))
    if (!this.connection.sender.blocked) this.connection.flush()
    if (this.connection.sender.bufferedAmount === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = () => {
        signal?.removeEventListener('abort', onAbort)
        this.whenClosed.delete(onClosed)
        const index = this.whenDrained.indexOf(onDrained)
        if (index >= 0) this.whenDrained.splice(index, 1)
      }
      const onDrained = () => {
        done()
        resolve()
      }
      const onAbort = () => {
        done()
        reject(signal?.reason)
      }
      const onClosed = (info: CloseInfo) => {
        done()
        reject(new ConnectionClosedError(info))
      }
      signal?.addEventListener('abort', onAbort)
      this.whenClosed.add(onClosed)
      this.whenDrained.push(onDrained)
    })
  }

  /** Resolves when the wire takes more, though messages may wait, or when the connection has ended. For fragments. */
  writable(): Promise<void> {
    const { sender } = this.connection
    if (!sender.blocked) this.flush()
    if (!sender.blocked) return Promise.resolve()
    return new Promise((resolve) => {
      this.whenWritable = resolve
    })
  }

  private wakeWriter(): void {
    const wake = this.whenWritable
    this.whenWritable = undefined
    wake?.()
  }

  /** The queue for messages that are pulled. There is none beside a `message` handler. */
  pullQueue(): MessageQueue {
    if (this.setup.handlers.message !== undefined) {
      throw new ArgumentError(
        'This socket has a message handler: its messages cannot be read by receive or iteration as well.',
      )
    }
    return this.messageQueue()
  }

  pause(): void {
    this.hold(Hold.Application)
  }

  resume(): void {
    this.release(Hold.Application)
  }

  // From the transport

  onData(chunk: Uint8Array): void {
    this.pulse.heard()
    this.connection.receive(chunk)
  }

  onProgress(): void {
    this.pulse.wireMoved()
  }

  onWritten(): void {
    this.pulse.wireMoved()
    this.connection.wireWritten()
    this.pulse.wireAsked()
    if (this.whenWritable !== undefined && !this.connection.sender.blocked) this.wakeWriter()
  }

  onEnd(): void {
    this.deliverHeld()
    this.afterHeld(() => this.connection.receiveEnd())
  }

  onClose(reset: boolean, error: Error | undefined): void {
    this.deliverHeld()
    const closed = () => this.connection.transportClosed(reset, error)
    if (reset) closed()
    else this.afterHeld(closed)
  }

  // From the connection

  onText(text: string | Uint8Array): void {
    this.deliver(text, 'text')
  }

  onBinary(bytes: Uint8Array): void {
    this.deliver(bytes, 'binary')
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    if (this.discardMessages) return
    const queue = this.messageQueue()
    if (this.overflows()) queue.breakOff(new ConnectionClosedError(undefined))
    else queue.pushPiece(opcode === Opcode.Text ? 'text' : 'binary', piece, last)
  }

  onPing(payload: Uint8Array): void {
    if (this.behaviour.autoPong) {
      this.connection.sender.answerPing(payload)
      this.onOutput()
    }
    if (this.setup.handlers.ping !== undefined) this.call(() => this.setup.handlers.ping?.(this.socket, payload))
  }

  onPong(payload: Uint8Array): void {
    this.pulse.answered(payload)
    if (this.setup.handlers.pong !== undefined) this.call(() => this.setup.handlers.pong?.(this.socket, payload))
  }

  onOutput(): void {
    if (this.flushing) return
    this.flushing = true
    flushSoon(this)
  }

  flush(): void {
    this.flushing = false
    if (this.connection.state === 'closed') return
    this.connection.flush()
    this.pulse.wireAsked()
  }

  onPingTaken(): void {
    this.pulse.pingTaken()
  }

  onDrained(): void {
    for (const wake of [...this.whenDrained]) wake()
    if (!this.slowTold) return
    this.slowTold = false
    if (this.setup.handlers.drain !== undefined) this.call(() => this.setup.handlers.drain?.(this.socket))
  }

  onClosing(): void {
    // The peer's Close frame has to be read; what is held up before it is no longer waited for.
    if (this.holds === 0) return
    this.holds = 0
    this.discardMessages = true
    this.connection.receiver.resume()
    this.transport.resume()
    process.nextTick(() => this.tellEnd())
  }

  onDeadline(): void {
    this.pulse.reschedule()
  }

  onClosed(info: CloseInfo): void {
    this.info = info
    this.setup.onClosed?.(this.socket)
    this.pulse.stop()
    this.queue?.end(info)
    this.wakeWriter()
    const waiting = [...this.whenClosed]
    this.whenClosed.clear()
    for (const tell of waiting) tell(info)
    this.call(() => this.setup.handlers.close?.(this.socket, info))
  }

  // From the message queue

  holdMessages(hold: boolean): void {
    if (hold) this.hold(Hold.Queue)
    else this.release(Hold.Queue)
  }

  readInPieces(inPieces: boolean): void {
    this.connection.receiver.inPieces = inPieces
  }

  // From the pulse

  pausedTooLong(): void {
    const why =
      (this.holds & Hold.Opening) !== 0
        ? 'the open handler has not settled'
        : (this.holds & Hold.Application) !== 0
          ? 'the socket was paused'
          : 'nobody consumed its messages (add a message handler, or read them)'
    const message = `Nothing was read for ${this.behaviour.maxPause} ms (maxPause): ${why}.`
    this.connection.fail(
      CloseCode.InternalError,
      'paused for too long',
      'pause-timeout',
      new TimeoutError('PAUSE_TIMEOUT', message),
    )
  }

  sendPing(payload: Uint8Array): void {
    this.connection.sender.ping(payload)
    this.sent(false)
  }

  // Messages

  private deliver(message: string | Uint8Array, type: MessageType): void {
    if (this.discardMessages || this.answered(message, type)) return
    const { handlers } = this.setup
    if (handlers.message === undefined) {
      if (!this.overflows()) this.messageQueue().push({ data: message, type })
      return
    }
    try {
      const result = handlers.message(this.socket, message, type)
      if (isAwaitable(result)) Promise.resolve(result).catch((error) => this.handlerFailed(error))
    } catch (error) {
      this.handlerFailed(error)
    }
  }

  /** Whether heartwire has answered a message in the application's stead. */
  private answered(message: string | Uint8Array, type: MessageType): boolean {
    const { autoResponse } = this.behaviour
    if (autoResponse === undefined) return false
    try {
      const response = autoResponseTo(autoResponse, message, type)
      if (response === undefined) return false
      this.send(response, undefined)
    } catch (error) {
      this.handlerFailed(error)
    }
    return true
  }

  /** Whether nobody takes what still comes while the connection closes: it cannot be held back, and is not kept. */
  private overflows(): boolean {
    return this.connection.state !== 'open' && this.messageQueue().full
  }

  private messageQueue(): MessageQueue {
    this.queue ??= new MessageQueue(this)
    if (this.info !== undefined) this.queue.end(this.info)
    return this.queue
  }

  /** What was held back for a consumer is not lost when the transport ends. */
  private deliverHeld(): void {
    if (this.holds === Hold.Queue) this.connection.receiver.resume()
  }

  /** The end of the transport comes behind all that was read before it, even if that waits for `resume` or `open`. */
  private afterHeld(end: () => void): void {
    this.pendingEnd = end
    if (!this.connection.receiver.holds) this.tellEnd()
  }

  private tellEnd(): void {
    const end = this.pendingEnd
    this.pendingEnd = undefined
    end?.()
  }

  private hold(reason: number): void {
    if (this.connection.state === 'closed' || this.connection.state === 'closing') return
    const before = this.holds
    this.holds |= reason
    if (before !== 0) return
    this.connection.receiver.pause()
    this.transport.pause()
    this.pulse.pause(this.behaviour.maxPause)
  }

  private release(reason: number): void {
    if ((this.holds & reason) === 0) return
    this.holds &= ~reason
    if (this.holds !== 0) return
    this.pulse.resume()
    this.connection.receiver.resume()
    // What had been held back may have filled the queue again.
    if (this.holds !== 0) return
    this.transport.resume()
    this.tellEnd()
  }

  // Handlers

  /** Runs a handler. Its failure closes this socket and nothing else. Returns what there is to wait for. */
  private call(handler: () => unknown): Promise<void> | undefined {
    return guarded(handler, (error) => this.handlerFailed(error))
  }

  private handlerFailed(error: unknown): void {
    // A handler that waited for this connection is told of its end in this way; the application has had its report.
    if (error instanceof ConnectionClosedError && error.info !== undefined && error.info === this.info) return
    this.reportError(error)
    const cause = error instanceof Error ? error : new Error(String(error))
    this.connection.fail(CloseCode.InternalError, 'internal error', 'handler-error', cause)
  }

  private reportError(error: unknown): void {
    reportError(this.setup.handlers.error, error, this.socket)
  }
}

function now(): number {
  return wheel.now()
}
