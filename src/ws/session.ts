import type { Duplex } from 'node:stream'
import type { HeartbeatSettings } from '../liveness/heartbeat.ts'
import { HeartbeatError, type ProtocolError, SlowConsumerError } from '../protocol/error.ts'
import type { MessageCodec } from '../protocol/message-codec.ts'
import { NodeTransport } from '../transport/node.ts'
import type { TransportSink } from '../transport/transport.ts'
import { codedError, receiverError } from './errors.ts'
import { HeartbeatEntry, type HeartbeatHost, type HeartbeatOptions } from './heartbeat.ts'
import { Incoming, type IncomingHost, type IncomingOptions } from './incoming.ts'
import { type GenerateMask, Outgoing, type OutgoingHost } from './outgoing.ts'
import type { WebSocket } from './web-socket.ts'

/** What `setSocket` takes. */
export interface SessionOptions extends IncomingOptions {
  generateMask?: GenerateMask | undefined
  heartbeat?: boolean | HeartbeatOptions | undefined
  maxBufferedAmount?: number | undefined
}

/** What is behind an open WebSocket: its stream, and the two halves. */
export class Session implements TransportSink, IncomingHost, OutgoingHost, HeartbeatHost {
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  private readonly ws: WebSocket
  private readonly socket: Duplex
  private readonly transport: NodeTransport
  /** Our direction is to end when all that was sent has been written. */
  private ending = false
  private gone = false
  private readonly heartbeat: HeartbeatEntry | undefined
  private readonly maxBufferedAmount: number

  constructor(ws: WebSocket, socket: Duplex, options: SessionOptions, codec: MessageCodec | undefined) {
    this.ws = ws
    this.socket = socket
    this.transport = new NodeTransport(socket)
    this.incoming = new Incoming(ws, this, options, codec?.decoder)
    this.outgoing = new Outgoing(this, this.transport, socket, !ws._isServer, options.generateMask, codec?.encoder)
    this.maxBufferedAmount = options.maxBufferedAmount ?? Number.POSITIVE_INFINITY
    const { heartbeat = false } = options
    if (heartbeat) this.heartbeat = new HeartbeatEntry(this, heartbeat === true ? {} : heartbeat)
  }

  start(): void {
    this.transport.start(this)
  }

  /** Ends our direction when all that was sent has been written. */
  end(): void {
    this.ending = true
    this.outgoing.write()
  }

  /** Ends the connection at once; what was sent before goes out as far as the kernel takes it. */
  destroy(): void {
    this.outgoing.write()
    this.socket.destroy()
  }

  pause(): void {
    this.heartbeat?.suspend()
    this.transport.pause()
  }

  resume(): void {
    this.heartbeat?.resume()
    if (!this.incoming.holds) this.transport.resume()
  }

  // From the transport

  onData(chunk: Uint8Array): void {
    this.heartbeat?.heard()
    this.incoming.receive(chunk)
    if (this.incoming.holds) this.transport.pause()
  }

  onProgress(): void {
    this.heartbeat?.wentOn()
  }

  onWritten(): void {
    this.heartbeat?.wentOn()
    this.outgoing.written()
  }

  onEnd(): void {
    this.ws._closing()
    this.incoming.end()
    this.end()
  }

  onClose(_reset: boolean, error: Error | undefined): void {
    const { socket, ws } = this
    ws._closing()
    ws._stopWaiting()
    this.gone = true
    this.heartbeat?.stop()
    // What had come, and was not read since the application had paused it.
    const rest = socket.readableLength > 0 ? (socket.read() as Uint8Array | null) : null
    try {
      this.outgoing.end(error ?? codedError(Error, DESTROYED, 'ERR_STREAM_DESTROYED'))
      if (rest !== null) this.incoming.receive(rest)
    } finally {
      if (this.incoming.isTold) ws.emitClose()
      else this.incoming.end()
    }
  }

  // From the sending half

  drained(): void {
    if (!this.ending) return
    this.ending = false
    this.transport.end()
  }

  held(bytes: number): void {
    this.heartbeat?.heldUp()
    if (bytes <= this.maxBufferedAmount || this.ws.readyState !== OPEN) return
    const limit = `the limit (maxBufferedAmount) is ${this.maxBufferedAmount}`
    // Not within the call of `send` that was one too many.
    this.ws._closing()
    process.nextTick(() =>
      this.giveUp(new SlowConsumerError(`The peer is too slow: ${bytes} bytes wait for it; ${limit}.`)),
    )
  }

  // From the heartbeat

  sendPing(): void {
    if (this.ws.readyState === OPEN) this.ws.ping(undefined, undefined, () => this.heartbeat?.pingTaken())
  }

  judgedDead({ interval, timeout }: HeartbeatSettings): void {
    const silence = `Nothing came for ${interval} ms, nor for ${timeout} ms after a ping (heartbeat).`
    this.giveUp(new HeartbeatError(silence))
  }

  private giveUp(error: Error): void {
    if (this.gone) return
    this.ws._closing()
    this.socket.destroy()
    this.ws._emitError(error)
  }

  // From the receiving half

  pingReceived(payload: Uint8Array): void {
    if (this.ws._autoPong && this.ws.readyState === OPEN) this.outgoing.answerPing(payload)
  }

  closeReceived(code: number, reason: string): void {
    this.readRest()
    this.ws._closeReceived(code, Buffer.from(reason))
  }

  violated(cause: ProtocolError): void {
    const { error, closeCode } = receiverError(cause)
    this.readRest()
    this.ws._violated(error, closeCode)
  }

  readOn(): void {
    if (!this.ws.isPaused) this.transport.resume()
  }

  inputTold(): void {
    if (this.gone) this.ws.emitClose()
  }

  /** What still comes is read and discarded, so that the end is seen. */
  private readRest(): void {
    if (!this.gone) process.nextTick(() => this.socket.resume())
  }
}

const OPEN = 1
const DESTROYED = 'Cannot call write after a stream was destroyed'
