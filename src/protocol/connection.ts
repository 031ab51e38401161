import { Written } from './batch.ts'
import { CloseCode } from './close-code.ts'
import type { CloseCause, CloseInfo } from './close-info.ts'
import { encodeClosePayload } from './close-payload.ts'
import { type ProtocolError, type Side, TimeoutError } from './error.ts'
import type { MessageCodec } from './message-codec.ts'
import { Receiver, type ReceiverOptions, type ReceiverSink } from './receiver.ts'
import { Sender, type SenderShared, type Wire } from './sender.ts'

/** The states of a connection (RFC 6455 sections 4.1, 7.1.3 and 7.1.4). They follow each other in this order only. */
export type ConnectionState = 'connecting' | 'open' | 'closing' | 'closed'

/** The transport as a connection sees it. After `destroy`, or the peer's end, `transportClosed` is to be called. */
export interface ConnectionWire extends Wire {
  /** Ends this direction when everything written has gone: a FIN, not a reset. */
  end(): void
  /** Ends both directions at once. */
  destroy(): void
}

/** What a connection tells. None of these may throw. */
export interface ConnectionSink {
  onText(text: string | Uint8Array): void
  onBinary(bytes: Uint8Array): void
  onPiece(opcode: number, piece: Uint8Array, last: boolean): void
  onPing(payload: Uint8Array): void
  onPong(payload: Uint8Array): void
  /** There are bytes to write: `flush` is to be called, best once for all that one turn of the loop sends. */
  onOutput(): void
  /** A message that took long to decode has been decoded, or given up: the transport, if it was paused for it, is to go on. */
  onDecoded?(): void
  /** The kernel has taken a ping. */
  onPingTaken(): void
  /** Everything sent has been taken by the wire, after it had held some back; never once something was discarded. */
  onDrained(): void
  /** The state has gone from open to closing. */
  onClosing(): void
  /** `deadline` has been set. */
  onDeadline(): void
  /** The connection has ended. Called exactly once. */
  onClosed(info: CloseInfo): void
}

/** Of these a connection keeps no copy: many can have the same. */
export interface ConnectionOptions extends ReceiverOptions {
  shared: SenderShared
  /** Milliseconds on a clock that never goes back. */
  now(): number
  /** Milliseconds to wait for the peer's Close frame from when the kernel has taken ours. */
  closeTimeout: number
  /** What an extension that was agreed on does to messages. */
  codec?: MessageCodec | undefined
}

const EMPTY = new Uint8Array(0)
/** Milliseconds that closing may take in all. */
export const CLOSING_TIMEOUT = 30_000
/** Milliseconds for which what still comes in is discarded after the last Close frame, so that no reset destroys it. */
export const LINGER_TIMEOUT = 1_000

/** How a connection ends, from when that begins. */
interface Closing {
  initiator: 'local' | 'peer'
  cause: CloseCause
  error: Error | undefined
  /** The sink has been told. */
  told: boolean
  /** The Close frame that is sent, or is to be: its code, 0 while there is none, and its payload. */
  codeToSend: number
  payload: Uint8Array
  /** The code of the peer's Close frame, and its reason. */
  received: number | undefined
  reason: string
  /** When something is due next, and when all of it has to be over. */
  deadline: number
  end: number
  /** The connection was failed (RFC 6455 section 7.1.7): the peer's Close frame is not waited for. */
  failed: boolean
  /** The wire has taken the Close frame. */
  taken: boolean
  writeEnded: boolean
}

/**
 * One WebSocket connection after its handshake: the state machine of RFC 6455 sections 5 to 7, without a socket and
 * without a timer. Bytes come in by `receive`; bytes go out to the wire by `flush`; `tick` is to be called at `deadline`.
 */
export class Connection implements ReceiverSink {
  readonly receiver: Receiver
  readonly sender: Sender
  state: ConnectionState = 'connecting'

  private options: ConnectionOptions
  private readonly sink: ConnectionSink
  private readonly wire: ConnectionWire
  /** None while the connection is open. */
  private closing: Closing | undefined
  private drainOwed = false

  constructor(options: ConnectionOptions, sink: ConnectionSink, wire: ConnectionWire) {
    this.options = options
    this.sink = sink
    this.wire = wire
    const { codec, shared } = options
    this.receiver = new Receiver(codec === undefined ? options : { ...options, decoder: codec.decoder }, this)
    this.sender = new Sender(shared, wire, options.side === 'client')
    if (codec === undefined) return
    this.sender.encoder = codec.encoder
    this.sender.encodedListener = () => sink.onOutput()
  }

  get side(): Side {
    return this.options.side
  }

  get closeTimeout(): number {
    return this.options.closeTimeout
  }

  set closeTimeout(milliseconds: number) {
    this.options = { ...this.options, closeTimeout: milliseconds }
  }

  /** When `tick` has something to do, on the clock given; infinite while there is nothing to wait for. */
  get deadline(): number {
    return this.closing === undefined ? Number.POSITIVE_INFINITY : this.closing.deadline
  }

  /** The opening handshake is done. */
  open(): void {
    if (this.state === 'connecting') this.state = 'open'
  }

  // From the transport

  receive(chunk: Uint8Array): void {
    this.receiver.receive(chunk)
  }

  /** The peer has ended its direction of the transport. */
  receiveEnd(): void {
    const closing = this.beginClosing('peer', 'eof', undefined)
    this.receiver.end()
    // The peer may still read what was sent, but nothing can go behind this end.
    this.flush()
    this.sender.discard()
    this.endWrite(closing)
  }

  /** The wire has let go of what it held. */
  wireWritten(): void {
    this.noteTaken(this.sender.written())
    this.flush()
  }

  /** The wire holds so many bytes of what it had gathered. */
  wireHeld(length: number): void {
    this.sender.held(length)
    this.drainOwed = true
  }

  /** The transport is gone. `reset` tells a reset from an ordinary end. */
  transportClosed(reset: boolean, error: Error | undefined): void {
    if (this.state === 'closed') return
    const closing = this.beginClosing('peer', reset ? 'reset' : error === undefined ? 'eof' : 'transport-error', error)
    this.state = 'closed'
    closing.deadline = Number.POSITIVE_INFINITY
    closing.writeEnded = true
    this.receiver.end()
    this.sender.end()
    const { received, reason, initiator, cause } = closing
    const sent = closing.taken ? closing.codeToSend : undefined
    this.sink.onClosed({
      code: received ?? CloseCode.AbnormalClosure,
      reason,
      wasClean: received !== undefined && sent !== undefined,
      initiator,
      cause,
      sent,
      received,
      error: closing.error,
    })
  }

  // From the application

  /** Writes what has been sent. */
  flush(): void {
    if (this.closing?.writeEnded) return
    this.noteTaken(this.sender.flush())
    if (this.sender.bufferedAmount > 0) {
      this.drainOwed = true
    } else if (this.drainOwed) {
      this.drainOwed = false
      if (!this.sender.hasDiscarded) this.sink.onDrained()
    }
  }

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2): the Close frame goes behind what was sent before, but for a
   * message in fragments that is not finished within `closeTimeout`.
   * @throws ArgumentError for a code that must not be sent, or a reason over 123 bytes
   */
  close(code: number, reason: string, cause: CloseCause = 'local-close', error?: Error): void {
    const payload = encodeClosePayload(this.options.platform, code, reason)
    if (this.state !== 'open') return
    const closing = this.enterClosing('local', cause, error)
    closing.codeToSend = code
    closing.payload = payload
    this.tellClosing(closing)
    // Unless what had been held up made it go out already, when the sink let go of it just now.
    this.sendClose(closing)
    if (!this.sender.closeSent) this.setDeadline(closing, this.closeTimeout)
  }

  /** Fails the connection (RFC 6455 section 7.1.7): what waits is discarded, and nothing is read any more. */
  fail(code: number, reason: string, cause: CloseCause, error: Error): void {
    if (this.state === 'closed' || this.closing?.failed) return
    const payload = encodeClosePayload(this.options.platform, code, reason)
    const { decodes } = this.receiver
    this.receiver.end()
    const closing = this.enterClosing('local', cause, error)
    closing.failed = true
    this.tellClosing(closing)
    this.sendCloseNow(closing, code, payload)
    this.proceed(closing)
    // It is no longer decoded: what still comes is discarded.
    if (decodes) this.sink.onDecoded?.()
  }

  /** Ends the connection at once, without a Close frame. */
  terminate(cause: CloseCause, error?: Error): void {
    if (this.state === 'closed') return
    this.receiver.end()
    this.destroy(this.beginClosing('local', cause, error))
  }

  /** Does what is due at `deadline`. */
  tick(): void {
    const { closing } = this
    const now = this.options.now()
    if (closing === undefined || now < closing.deadline) return
    if (!closing.taken && !closing.writeEnded && now < closing.end) return this.stopWaiting(closing)
    closing.deadline = Number.POSITIVE_INFINITY
    if (closing.received === undefined && !closing.writeEnded) {
      closing.error ??= new TimeoutError(
        'CLOSE_TIMEOUT',
        closing.taken
          ? `The peer did not answer the Close frame within ${this.closeTimeout} ms.`
          : `The Close frame could not be delivered within ${CLOSING_TIMEOUT} ms.`,
      )
    }
    this.destroy(closing)
  }

  // From the receiver

  onText(text: string | Uint8Array): void {
    this.sink.onText(text)
  }

  onBinary(bytes: Uint8Array): void {
    this.sink.onBinary(bytes)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.sink.onPiece(opcode, piece, last)
  }

  onPing(payload: Uint8Array): void {
    this.sink.onPing(payload)
  }

  onPong(payload: Uint8Array): void {
    this.sink.onPong(payload)
  }

  onDecoded(): void {
    this.sink.onDecoded?.()
  }

  onClose(code: number, reason: string): void {
    const closing = this.enterClosing('peer', 'peer-close', undefined)
    closing.received = code
    closing.reason = reason
    this.tellClosing(closing)
    // The peer wants nothing more: its Close frame is answered at once, with its own code.
    if (closing.codeToSend === 0) this.sendCloseNow(closing, code, encodeClosePayload(this.options.platform, code, ''))
    else this.sendCloseNow(closing, closing.codeToSend, closing.payload)
    this.proceed(closing)
  }

  onViolation(error: ProtocolError): void {
    const cause =
      error.code === 'MESSAGE_TOO_LARGE' || error.code === 'LENGTH_UNREPRESENTABLE'
        ? 'message-too-large'
        : 'protocol-error'
    this.fail(error.closeCode, error.code.toLowerCase().replaceAll('_', ' '), cause, error)
  }

  // Closing

  private beginClosing(initiator: 'local' | 'peer', cause: CloseCause, error: Error | undefined): Closing {
    const closing = this.enterClosing(initiator, cause, error)
    this.tellClosing(closing)
    return closing
  }

  /** What happened first is what is reported. */
  private enterClosing(initiator: 'local' | 'peer', cause: CloseCause, error: Error | undefined): Closing {
    if (this.closing !== undefined) {
      this.closing.error ??= error
      return this.closing
    }
    this.state = 'closing'
    const end = this.options.now() + CLOSING_TIMEOUT
    this.closing = {
      initiator,
      cause,
      error,
      told: false,
      codeToSend: 0,
      payload: EMPTY,
      received: undefined,
      reason: '',
      deadline: end,
      end,
      failed: false,
      taken: false,
      writeEnded: false,
    }
    return this.closing
  }

  private tellClosing(closing: Closing): void {
    if (closing.told) return
    closing.told = true
    this.sink.onClosing()
    this.sink.onDeadline()
  }

  /** Sends the Close frame, unless there is one already. */
  private sendClose(closing: Closing): void {
    this.sender.close(closing.payload)
    this.sink.onOutput()
  }

  /** Sends the Close frame behind the frame under way, discarding the rest. */
  private sendCloseNow(closing: Closing, code: number, payload: Uint8Array): void {
    // What the wire would still take is not to be discarded.
    if (this.sender.overfull) this.flush()
    if (this.sender.closeSent || closing.writeEnded) return
    closing.codeToSend = code
    closing.payload = payload
    this.sender.discard()
    this.sendClose(closing)
  }

  /**
   * The Close frame is still to go out. A message whose fragments do not come to an end is left unfinished for it: a control
   * frame may stand between them (RFC 6455 section 5.4), and nothing that follows could be sent before they end.
   */
  private stopWaiting(closing: Closing): void {
    this.setDeadline(closing, this.closeTimeout)
    if (this.sender.takesFrames) this.sendCloseNow(closing, closing.codeToSend, closing.payload)
  }

  private noteTaken(taken: number): void {
    if (taken === 0) return
    if ((taken & Written.Ping) !== 0) this.sink.onPingTaken()
    const { closing } = this
    if (closing === undefined || (taken & Written.Close) === 0) return
    closing.taken = true
    if (!closing.writeEnded) this.setDeadline(closing, this.closeTimeout)
    this.proceed(closing)
  }

  /** Ends the transport as soon as the closing handshake allows it. */
  private proceed(closing: Closing): void {
    if (!closing.taken) return
    // The server closes TCP first, so that the client need not keep the port (RFC 6455 section 7.1.1).
    if (closing.failed || (this.side === 'server' && closing.received !== undefined)) this.endWrite(closing)
  }

  private endWrite(closing: Closing): void {
    if (closing.writeEnded) return
    closing.writeEnded = true
    this.wire.end()
    this.setDeadline(closing, LINGER_TIMEOUT)
  }

  private destroy(closing: Closing): void {
    closing.writeEnded = true
    this.sender.end()
    this.wire.destroy()
  }

  private setDeadline(closing: Closing, timeout: number): void {
    closing.deadline = Math.min(closing.end, this.options.now() + timeout)
    this.sink.onDeadline()
  }
}
