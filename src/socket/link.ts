import { CloseCode } from '../protocol/close-code.ts'
import { type CloseCause, type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import { Connection, type ConnectionOptions, type ConnectionSink } from '../protocol/connection.ts'
import { encodeControlPayload } from '../protocol/control-payload.ts'
import { ArgumentError, type Side, TimeoutError } from '../protocol/error.ts'
import type { MessageCodec } from '../protocol/message-codec.ts'
import { Opcode } from '../protocol/opcode.ts'
import type { MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { Transport, TransportSink } from '../transport/transport.ts'
import { autoResponseTo } from './auto-response.ts'
import { asError } from './awaitable.ts'
import type { Context } from './context.ts'
import { closeChannel, messageChannel, openChannel, publishSent } from './diagnostics.ts'
import { type FrameObserver, FrameObservers } from './frame-observers.ts'
import { HandlerCalls, type HandlerHost } from './handler-calls.ts'
import { Hold, Inbound, type InboundHost } from './inbound.ts'
import { LIMITS, type Limits, resolveLimits } from './limits.ts'
import { MessageQueue, type MessageSource } from './message-queue.ts'
import { checkNames } from './option-names.ts'
import type { Behaviour, DroppedMessage, DropReason, Handlers, MessageType } from './options.ts'
import { Outbound, type OutboundHost, type SendResult } from './outbound.ts'
import { Pulse, type PulseHost } from './pulse.ts'
import { flushSoon, shared, wheel } from './runtime.ts'
import type { Socket } from './socket.ts'

/** What a kind of socket is made from: a server's route, or one client connection. */
export interface LinkSetup {
  /** What `connectionOptions` makes of the behaviour. */
  connection: ConnectionOptions
  behaviour: Behaviour
  handlers: Handlers<Socket>
  /** The AsyncLocalStorage context in which the handlers run. */
  context: Context
  /** Called when the connection is no longer open: what came before has been delivered. */
  onClosing?(): void
  /** Called before the application hears of the end. */
  onClosed?(socket: Socket, info: CloseInfo): void
  /** Called with each round-trip time that was measured, in milliseconds. */
  onRoundTrip?(milliseconds: number): void
}

export function connectionOptions(side: Side, behaviour: Behaviour): ConnectionOptions {
  const { maxPayload, maxFragments, text, closeTimeout } = behaviour
  return { side, platform: shared.platform, shared, now, maxPayload, maxFragments, text, closeTimeout }
}

/** How many messages were dropped, by the limit that dropped them. */
export type DropCounts = Record<DropReason, number>

/**
 * What is behind a socket: ties the connection, its transport, its pulse and the application's handlers together.
 */
export class Link
  implements ConnectionSink, TransportSink, MessageSource, PulseHost, InboundHost, OutboundHost, HandlerHost
{
  readonly connection: Connection
  readonly transport: Transport
  /** What was agreed on of extensions, as in a Sec-WebSocket-Extensions header. */
  readonly codec: MessageCodec | undefined
  behaviour: Behaviour
  readonly pulse: Pulse
  readonly inbound: Inbound
  readonly outbound: Outbound
  /** The application's face of this; there from `start` on. */
  socket!: Socket
  info: CloseInfo | undefined

  private readonly setup: LinkSetup
  private readonly calls: HandlerCalls
  private queue: MessageQueue | undefined
  private waiting: Set<(info: CloseInfo) => void> | undefined
  private observers: FrameObservers | undefined
  private drops: DropCounts | undefined
  private flushing = false

  /** @param codec what an extension that was agreed on does to messages */
  constructor(setup: LinkSetup, transport: Transport, codec?: MessageCodec) {
    this.setup = setup
    this.calls = new HandlerCalls(this, setup.handlers, setup.context)
    this.behaviour = setup.behaviour
    this.transport = transport
    this.codec = codec
    const { connection } = setup
    this.connection = new Connection(codec === undefined ? connection : { ...connection, codec }, this, transport)
    this.pulse = new Pulse(this)
    this.inbound = new Inbound(this)
    this.outbound = new Outbound(this)
  }

  /** The handshake is done: tells the application, and starts to read. */
  start(socket: Socket): void {
    this.socket = socket
    const { behaviour, calls, inbound, pulse } = this
    this.connection.open()
    pulse.settings = behaviour.heartbeat
    this.limitTime(behaviour)
    const { handlers } = calls
    if (handlers.observeFrames !== undefined) {
      this.observeFrames((frame) => calls.enter(() => handlers.observeFrames?.(this.socket, frame)))
    }
    if (openChannel.hasSubscribers) openChannel.publish({ socket })
    const opened = calls.call(() => handlers.open?.(this.socket))
    // Those who pull messages may do so within the open handler; only handlers have to wait for it.
    if (opened !== undefined && handlers.message !== undefined) {
      inbound.hold(Hold.Opening)
      opened.finally(() => inbound.release(Hold.Opening))
    }
    this.transport.start(this)
    if (inbound.held) this.transport.pause()
  }

  /** Called once, when the connection has ended. Most connections have none. */
  get whenClosed(): Set<(info: CloseInfo) => void> {
    this.waiting ??= new Set()
    return this.waiting
  }

  /** Sees every frame from here on, until what this returns is called. */
  observeFrames(observer: FrameObserver): () => void {
    this.observers ??= new FrameObservers(this.connection, (error) => this.calls.report(error))
    return this.observers.add(observer)
  }

  /** @throws ArgumentError that names the limit and its value; then nothing is changed */
  setLimits(limits: Limits): void {
    checkNames(limits, LIMITS, 'setLimits')
    this.behaviour = { ...this.behaviour, ...resolveLimits(limits, this.behaviour) }
    const { connection, behaviour } = this
    connection.receiver.maxPayload = behaviour.maxPayload
    connection.receiver.maxFragments = behaviour.maxFragments
    connection.closeTimeout = behaviour.closeTimeout
    this.outbound.limitAge(behaviour.maxQueueAge)
    this.limitTime(limits)
    this.inbound.ratesChanged()
  }

  private limitTime({ maxLifetime, idleBeforeFirstMessage }: Limits): void {
    const { behaviour, inbound, pulse } = this
    // Connections that began together do not end together.
    if (maxLifetime !== undefined) pulse.limitLife(behaviour.maxLifetime * (1 - 0.1 * Math.random()))
    if (idleBeforeFirstMessage !== undefined && inbound.messages === 0) {
      pulse.expectMessage(behaviour.idleBeforeFirstMessage)
    }
  }

  // From the application

  send(
    message: MessageData | PreparedMessage,
    type: MessageType | undefined,
    key?: string,
    asIs?: boolean,
  ): SendResult {
    const result = this.outbound.send(message, type, key, asIs)
    if (messageChannel.hasSubscribers && (result === 'ok' || result === 'slow')) {
      publishSent(this.socket, message, type)
    }
    return result
  }

  get dropCounts(): DropCounts {
    return this.drops ?? NO_DROPS
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
    this.outbound.sent()
  }

  close(code: number, reason: string, cause?: CloseCause, error?: Error): void {
    this.connection.close(code, reason, cause, error)
  }

  /** The queue for messages that are pulled. There is none beside a `message` handler. */
  pullQueue(): MessageQueue {
    if (this.calls.handlers.message !== undefined) {
      throw new ArgumentError(
        'This socket has a message handler: its messages cannot be read by receive or iteration as well.',
      )
    }
    return this.messageQueue()
  }

  pause(): void {
    this.inbound.hold(Hold.Application)
  }

  resume(): void {
    this.inbound.release(Hold.Application)
  }

  // From the transport

  onData(chunk: Uint8Array): void {
    this.pulse.heard()
    this.calls.receive(chunk)
  }

  onProgress(): void {
    this.pulse.wireMoved()
  }

  onWritten(): void {
    this.pulse.wireMoved()
    this.connection.wireWritten()
    this.pulse.wireAsked()
    this.outbound.onWritten()
  }

  onHeld(length: number): void {
    this.connection.wireHeld(length)
    this.outbound.charge()
    this.pulse.wireAsked()
  }

  onEnd(): void {
    this.inbound.deliverHeld()
    this.inbound.afterHeld(() => this.connection.receiveEnd())
  }

  onClose(reset: boolean, error: Error | undefined): void {
    this.inbound.deliverHeld()
    const closed = () => this.connection.transportClosed(reset, error)
    if (reset) closed()
    else this.inbound.afterHeld(closed)
  }

  // From the connection

  onText(text: string | Uint8Array): void {
    this.deliver(text, 'text')
  }

  onBinary(bytes: Uint8Array): void {
    this.deliver(bytes, 'binary')
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    if (this.inbound.discards) return
    if (!this.inbound.admitPiece(piece, last)) return
    const queue = this.messageQueue()
    if (this.overflows()) queue.breakOff(new ConnectionClosedError(undefined))
    else queue.pushPiece(opcode === Opcode.Text ? 'text' : 'binary', piece, last)
  }

  onPing(payload: Uint8Array): void {
    if (!this.inbound.admitControl()) return
    if (this.behaviour.autoPong) {
      this.connection.sender.answerPing(payload)
      this.onOutput()
    }
    const { calls } = this
    if (calls.handlers.ping !== undefined) calls.call(() => calls.handlers.ping?.(this.socket, payload))
  }

  onPong(payload: Uint8Array): void {
    if (!this.inbound.admitControl()) return
    const roundTrip = this.pulse.answered(payload)
    if (roundTrip !== undefined) this.setup.onRoundTrip?.(roundTrip)
    const { calls } = this
    if (calls.handlers.pong !== undefined) calls.call(() => calls.handlers.pong?.(this.socket, payload))
  }

  onOutput(): void {
    if (this.flushing) return
    this.flushing = true
    flushSoon(this)
  }

  flush(): void {
    this.flushing = false
    if (this.connection.state === 'closed') return
    try {
      this.connection.flush()
    } catch (error) {
      // A transport of an application's own: the others that are flushed in this turn are not to suffer for it.
      this.connection.terminate('transport-error', asError(error))
    }
    this.outbound.charge()
    this.pulse.wireAsked()
  }

  onDecoded(): void {
    this.inbound.onDecoded()
  }

  onPingTaken(): void {
    this.pulse.pingTaken()
  }

  onDrained(): void {
    this.outbound.onDrained()
  }

  onClosing(): void {
    // The peer's Close frame has to be read.
    this.inbound.letGo()
    this.setup.onClosing?.()
  }

  onDeadline(): void {
    this.pulse.reschedule()
  }

  onClosed(info: CloseInfo): void {
    this.info = info
    this.setup.onClosed?.(this.socket, info)
    if (closeChannel.hasSubscribers) closeChannel.publish({ socket: this.socket, info })
    this.pulse.stop()
    this.queue?.end(info)
    this.outbound.end()
    const { waiting } = this
    this.waiting = undefined
    if (waiting !== undefined) for (const tell of [...waiting]) tell(info)
    this.calls.call(() => this.calls.handlers.close?.(this.socket, info))
  }

  // From the outbound half

  droppedOutbound(why: DropReason, data: string | Uint8Array, type: MessageType): void {
    this.dropped({ direction: 'out', why, data, type })
  }

  drainedAfterSlow(): void {
    const { calls } = this
    if (calls.handlers.drain !== undefined) calls.call(() => calls.handlers.drain?.(this.socket))
  }

  // From the message queue

  holdMessages(hold: boolean): void {
    if (hold) this.inbound.hold(Hold.Queue)
    else this.inbound.release(Hold.Queue)
  }

  readInPieces(inPieces: boolean): void {
    this.connection.receiver.inPieces = inPieces
  }

  // From the pulse

  pausedTooLong(): void {
    this.connection.fail(CloseCode.InternalError, 'paused for too long', 'pause-timeout', this.inbound.pauseError())
  }

  readAgain(): void {
    this.inbound.readAgain()
  }

  livedTooLong(): void {
    this.connection.close(CloseCode.GoingAway, 'connected for long enough', 'max-lifetime')
  }

  noMessage(): void {
    const message = `The peer sent no message within ${this.behaviour.idleBeforeFirstMessage} ms (idleBeforeFirstMessage).`
    const error = new TimeoutError('NO_MESSAGE', message)
    this.connection.close(CloseCode.PolicyViolation, 'no message came', 'no-message', error)
  }

  sendPing(payload: Uint8Array): void {
    this.connection.sender.ping(payload)
    this.outbound.sent()
  }

  // Messages

  private deliver(message: string | Uint8Array, type: MessageType): void {
    const { inbound } = this
    if (inbound.discards) return
    const verdict = inbound.admit(message)
    if (verdict === 'closed') return
    if (verdict !== 'in') return this.dropped({ direction: 'in', why: verdict, data: message, type })
    if (messageChannel.hasSubscribers) {
      messageChannel.publish({ socket: this.socket, direction: 'in', data: message, type })
    }
    if (this.answered(message, type)) return
    if (this.calls.handlers.message === undefined) {
      if (!this.overflows()) this.messageQueue().push({ data: message, type })
      return
    }
    const settled = this.calls.message(message, type)
    if (settled === undefined || !this.behaviour.serial) return
    inbound.hold(Hold.Handler)
    settled.then(() => inbound.release(Hold.Handler))
  }

  private dropped(message: DroppedMessage): void {
    this.drops ??= { ...NO_DROPS }
    this.drops[message.why]++
    const { calls } = this
    if (calls.handlers.dropped !== undefined) calls.call(() => calls.handlers.dropped?.(this.socket, message))
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
      this.calls.failed(error)
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
}

const NO_DROPS: DropCounts = { 'max-buffered': 0, 'max-queue-age': 0, 'message-rate': 0, 'byte-rate': 0 }

function now(): number {
  return wheel.now()
}
