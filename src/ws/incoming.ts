import type { ProtocolError } from '../protocol/error.ts'
import type { MessageDecoder } from '../protocol/message-codec.ts'
import type { Platform } from '../protocol/platform.ts'
import { Receiver, type ReceiverOptions, type ReceiverSink } from '../protocol/receiver.ts'
import { shared } from '../socket/runtime.ts'
import { bufferOf } from './data.ts'
import { FragmentCollector } from './fragments.ts'
import type { WebSocket } from './web-socket.ts'

/** What there is to be said of how messages are received. */
export interface IncomingOptions {
  /** Whether several events may be emitted in one turn of the loop. Default true. */
  allowSynchronousEvents?: boolean | undefined
  /** Fragments of a message; 0 for no limit. */
  maxFragments?: number | undefined
  /** Bytes of a message; 0 for no limit. */
  maxPayload?: number | undefined
  skipUTF8Validation?: boolean | undefined
}

/** What receives for a connection, as it sees it. */
export interface IncomingHost {
  pingReceived(payload: Uint8Array): void
  closeReceived(code: number, reason: string): void
  violated(error: ProtocolError): void
  /** There is room for more: the transport is to go on. */
  readOn(): void
  /** All that came in has been told. */
  inputTold(): void
}

/** Every byte is taken for ASCII, so none is looked at. */
const withoutValidation: Platform = { ...shared.platform, isAscii: () => true, isUtf8: () => true }

/** The receiving half of a WebSocket: makes events of what the engine's receiver tells, one a turn where that is asked for. */
export class Incoming implements ReceiverSink {
  /** @internal */ readonly receiver: Receiver
  private readonly ws: WebSocket
  private readonly host: IncomingHost
  private readonly synchronous: boolean
  /** There with `binaryType: 'fragments'`. */
  private fragments: FragmentCollector | undefined
  /** An event waits for its turn of the loop. */
  private deferred = false
  /** What a listener has thrown. */
  private thrown: { error: unknown } | undefined
  private ended = false
  /** Whether all that came in has been told, and no more comes. */
  isTold = false

  constructor(ws: WebSocket, host: IncomingHost, options: IncomingOptions, decoder: MessageDecoder | undefined) {
    this.ws = ws
    this.host = host
    this.synchronous = options.allowSynchronousEvents !== false
    const plain = receiverOptions(options, ws._isServer)
    this.receiver = new Receiver(decoder === undefined ? plain : { ...plain, decoder }, this)
  }

  /** Whether there is something that has come in and is not told yet, so that the peer is to be held back. */
  get holds(): boolean {
    return this.receiver.holds
  }

  set collectsFragments(collects: boolean) {
    if (collects) this.fragments ??= new FragmentCollector(this.receiver)
    else this.fragments?.stop()
    if (!collects) this.fragments = undefined
  }

  /** Throws what a listener throws. Then the rest of the chunk waits for the next turn. */
  receive(chunk: Uint8Array): void {
    this.receiver.receive(chunk)
    if (this.thrown !== undefined) this.rethrow()
  }

  /** Nothing more comes in. */
  end(): void {
    this.ended = true
    this.tell()
  }

  // From the receiver

  onText(text: string | Uint8Array): void {
    this.fragments?.take()
    this.emit('message', bufferOf(text as Uint8Array), false)
  }

  onBinary(payload: Uint8Array): void {
    const { fragments, ws } = this
    const bytes = bufferOf(payload)
    if (fragments !== undefined) this.emit('message', fragments.take() ?? [bytes], true)
    else this.emit('message', ws._binaryType === 'nodebuffer' ? bytes : ws._asBinaryType(bytes), true)
  }

  onPiece(): void {}

  onPing(payload: Uint8Array): void {
    if (this.synchronous) this.host.pingReceived(payload)
    this.emit('ping', bufferOf(payload))
  }

  onPong(payload: Uint8Array): void {
    this.emit('pong', bufferOf(payload))
  }

  onDecoded(): void {
    this.goOn()
  }

  onClose(code: number, reason: string): void {
    this.host.closeReceived(code, reason)
  }

  onViolation(error: ProtocolError): void {
    this.host.violated(error)
  }

  private emit(type: 'message' | 'ping' | 'pong', data: unknown, isBinary?: boolean): void {
    if (!this.synchronous) return this.defer(type, data, isBinary)
    try {
      if (isBinary === undefined) this.ws.emit(type, data)
      else this.ws.emit(type, data, isBinary)
    } catch (error) {
      // The receiver is in the middle of a chunk.
      this.thrown = { error }
      this.receiver.pause()
    }
  }

  private defer(type: 'message' | 'ping' | 'pong', data: unknown, isBinary: boolean | undefined): void {
    this.deferred = true
    this.receiver.pause()
    setImmediate(() => {
      this.deferred = false
      try {
        if (type === 'ping') this.host.pingReceived(data as Uint8Array)
        if (isBinary === undefined) this.ws.emit(type, data)
        else this.ws.emit(type, data, isBinary)
      } finally {
        this.goOn()
      }
    })
  }

  private rethrow(): void {
    const { thrown } = this
    this.thrown = undefined
    process.nextTick(() => this.goOn())
    throw thrown?.error
  }

  /** Reads what was held back. */
  private goOn(): void {
    if (!this.deferred) this.receiver.resume()
    if (this.thrown !== undefined) this.rethrow()
    if (!this.receiver.holds) this.host.readOn()
    this.tell()
  }

  private tell(): void {
    if (!this.ended || this.isTold || this.deferred || this.thrown !== undefined || this.receiver.holds) return
    this.isTold = true
    this.receiver.end()
    this.host.inputTold()
  }
}

/** Those of a server's connections are the same. */
const known = new WeakMap<IncomingOptions, ReceiverOptions>()

function receiverOptions(options: IncomingOptions, isServer: boolean): ReceiverOptions {
  const made: ReceiverOptions = {
    side: isServer ? 'server' : 'client',
    platform: options.skipUTF8Validation ? withoutValidation : shared.platform,
    maxPayload: options.maxPayload || Number.MAX_SAFE_INTEGER,
    maxFragments: options.maxFragments || Number.POSITIVE_INFINITY,
    text: 'bytes',
  }
  const before = known.get(options)
  // The server's options may have been changed since.
  const isSame =
    before?.side === made.side &&
    before.platform === made.platform &&
    before.maxPayload === made.maxPayload &&
    before.maxFragments === made.maxFragments
  if (isSame) return before
  known.set(options, made)
  return made
}
