import type { Duplex } from 'node:stream'
import type { ProtocolError } from '../protocol/error.ts'
import type { MessageCodec } from '../protocol/message-codec.ts'
import { NodeTransport } from '../transport/node.ts'
import type { TransportSink } from '../transport/transport.ts'
import { codedError, receiverError } from './errors.ts'
import { Incoming, type IncomingHost, type IncomingOptions } from './incoming.ts'
import { type GenerateMask, Outgoing } from './outgoing.ts'
import type { WebSocket } from './web-socket.ts'

/** What `setSocket` takes. */
export interface SessionOptions extends IncomingOptions {
  generateMask?: GenerateMask | undefined
}

/** What is behind an open WebSocket: its stream, and the two halves. */
export class Session implements TransportSink, IncomingHost {
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  private readonly ws: WebSocket
  private readonly socket: Duplex
  private readonly transport: NodeTransport
  /** Our direction is to end when all that was sent has been written. */
  private ending = false
  private gone = false

  constructor(ws: WebSocket, socket: Duplex, options: SessionOptions, codec: MessageCodec | undefined) {
    this.ws = ws
    this.socket = socket
    this.transport = new NodeTransport(socket)
    this.incoming = new Incoming(ws, this, options, codec?.decoder)
    this.outgoing = new Outgoing(this.transport, socket, !ws._isServer, options.generateMask, codec?.encoder, () => {
      if (!this.ending) return
      this.ending = false
      this.transport.end()
    })
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
    this.transport.pause()
  }

  resume(): void {
    if (!this.incoming.holds) this.transport.resume()
  }

  // From the transport

  onData(chunk: Uint8Array): void {
    this.incoming.receive(chunk)
    if (this.incoming.holds) this.transport.pause()
  }

  onProgress(): void {}

  onWritten(): void {
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
