import { Written } from './batch.ts'
import { CloseCode } from './close-code.ts'
import type { CloseCause, CloseInfo } from './close-info.ts'
import { encodeClosePayload } from './close-payload.ts'
import { type ProtocolError, type Side, TimeoutError } from './error.ts'
import type { MessageCodec } from './message-codec.ts'
import { Receiver, type ReceiverSink } from './receiver.ts'
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

export interface ConnectionOptions {
  side: Side
  shared: SenderShared
  /** Milliseconds on a clock that never goes back. */
  now(): number
  maxPayload: number
  maxFragments: number
  text: 'string' | 'bytes'
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

/**
 * One WebSocket connection after its handshake: the state machine of RFC 6455 sections 5 to 7, without a socket and
 * without a timer. Bytes come in by `receive`; bytes go out to the wire by `flush`; `tick` is to be called at `deadline`.
 */
export class Connection implements ReceiverSink {
  readonly side: Side
  readonly receiver: Receiver
  readonly sender: Sender
  state: ConnectionState = 'connecting'
  /** When `tick` has something to do, on the clock given; infinite while there is nothing to wait for. */
  deadline = Number.POSITIVE_INFINITY
  closeTimeout: number

  private readonly sink: ConnectionSink
  private readonly wire: ConnectionWire
  // Not the options: they would be kept for each connection.
  private readonly shared: SenderShared
  private readonly now: () => number

  private initiator: 'local' | 'peer' = 'local'
  private cause: CloseCause = 'local-close'
  private error: Error | undefined
  /** The Close frame that is sent, or is to be: its code, 0 while there is none, and its payload. */
  private codeToSend = 0
  private closePayload: Uint8Array = EMPTY
  private received: number | undefined
  private reason = ''
  /** When closing has to be over. */
  private closingDeadline = 0
  /** The connection was failed (RFC 6455 section 7.1.7): the peer's Close frame is not waited for. */
  private failed = false
  private closeTaken = false
  private writeEnded = false
  private drainOwed = false

  constructor(options: ConnectionOptions, sink: ConnectionSink, wire: ConnectionWire) {
    this.side = options.side
    this.closeTimeout = options.closeTimeout
    this.sink = sink
    this.wire = wire
    const { codec, shared } = options
    this.shared = shared
    this.now = options.now
    this.receiver = new Receiver({ ...options, platform: shared.platform, decoder: codec?.decoder }, this)
    this.sender = new Sender(shared, wire, options.side === 'client')
    if (codec === undefined) return
    this.sender.encoder = codec.encoder
    this.sender.encodedListener = () => sink.onOutput()
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
    this.beginClosing('peer', 'eof', undefined)
    this.receiver.end()
    // The peer may still read what was sent, but nothing can go behind this end.
    this.flush()
    this.sender.discard()
    this.endWrite()
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
    this.beginClosing('peer', reset ? 'reset' : error === undefined ? 'eof' : 'transport-error', error)
    this.state = 'closed'
    this.deadline = Number.POSITIVE_INFINITY
    this.writeEnded = true
    this.receiver.end()
    const sent = this.closeTaken ? this.codeToSend : undefined
    this.sender.end()
    this.sink.onClosed({
      code: this.received ?? CloseCode.AbnormalClosure,
      reason: this.reason,
      wasClean: this.received !== undefined && sent !== undefined,
      initiator: this.initiator,
      cause: this.cause,
      sent,
      received: this.received,
      error: this.error,
    })
  }

  // From the application

  /** Writes what has been sent. */
  flush(): void {
    if (this.writeEnded) return
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
    const payload = encodeClosePayload(this.shared.platform, code, reason)
    if (this.state !== 'open') return
    this.codeToSend = code
    this.closePayload = payload
    this.beginClosing('local', cause, error)
    // Unless what had been held up made it go out already, when the sink let go of it just now.
    this.sendClose()
    if (!this.sender.closeSent) this.setDeadline(this.closeTimeout)
  }

  /** Fails the connection (RFC 6455 section 7.1.7): what waits is discarded, and nothing is read any more. */
  fail(code: number, reason: string, cause: CloseCause, error: Error): void {
    if (this.state === 'closed' || this.failed) return
    const payload = encodeClosePayload(this.shared.platform, code, reason)
    const { decodes } = this.receiver
    this.receiver.end()
    this.failed = true
    this.beginClosing('local', cause, error)
    this.sendCloseNow(code, payload)
    this.proceed()
    // It is no longer decoded: what still comes is discarded.
    if (decodes) this.sink.onDecoded?.()
  }

  /** Ends the connection at once, without a Close frame. */
  terminate(cause: CloseCause, error?: Error): void {
    if (this.state === 'closed') return
    this.receiver.end()
    this.beginClosing('local', cause, error)
    this.destroy()
  }

  /** Does what is due at `deadline`. */
  tick(): void {
    const now = this.now()
    if (now < this.deadline) return
    if (!this.closeTaken && !this.writeEnded && now < this.closingDeadline) return this.stopWaiting()
    this.deadline = Number.POSITIVE_INFINITY
    if (this.received === undefined && !this.writeEnded) {
      this.error ??= new TimeoutError(
        'CLOSE_TIMEOUT',
        this.closeTaken
          ? `The peer did not answer the Close frame within ${this.closeTimeout} ms.`
          : `The Close frame could not be delivered within ${CLOSING_TIMEOUT} ms.`,
      )
    }
    this.destroy()
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
    this.received = code
    this.reason = reason
    this.beginClosing('peer', 'peer-close', undefined)
    // The peer wants nothing more: its Close frame is answered at once, with its own code.
    if (this.codeToSend === 0) this.sendCloseNow(code, encodeClosePayload(this.shared.platform, code, ''))
    else this.sendCloseNow(this.codeToSend, this.closePayload)
    this.proceed()
  }

  onViolation(error: ProtocolError): void {
    const cause =
      error.code === 'MESSAGE_TOO_LARGE' || error.code === 'LENGTH_UNREPRESENTABLE'
        ? 'message-too-large'
        : 'protocol-error'
    this.fail(error.closeCode, error.code.toLowerCase().replaceAll('_', ' '), cause, error)
  }

  // Closing

  /** What happened first is what is reported. */
  private beginClosing(initiator: 'local' | 'peer', cause: CloseCause, error: Error | undefined): void {
    if (this.state !== 'open' && this.state !== 'connecting') {
      this.error ??= error
      return
    }
    this.state = 'closing'
    this.initiator = initiator
    this.cause = cause
    this.error = error
    this.closingDeadline = this.now() + CLOSING_TIMEOUT
    this.deadline = this.closingDeadline
    this.sink.onClosing()
    this.sink.onDeadline()
  }

  /** Sends the Close frame, unless there is one already. */
  private sendClose(): void {
    this.sender.close(this.closePayload)
    this.sink.onOutput()
  }

  /** Sends the Close frame behind the frame under way, discarding the rest. */
  private sendCloseNow(code: number, payload: Uint8Array): void {
    // What the wire would still take is not to be discarded.
    if (this.sender.overfull) this.flush()
    if (this.sender.closeSent || this.writeEnded) return
    this.codeToSend = code
    this.closePayload = payload
    this.sender.discard()
    this.sendClose()
  }

  /**
   * The Close frame is still to go out. A message whose fragments do not come to an end is left unfinished for it: a control
   * frame may stand between them (RFC 6455 section 5.4), and nothing that follows could be sent before they end.
   */
  private stopWaiting(): void {
    this.setDeadline(this.closeTimeout)
    if (this.sender.takesFrames) this.sendCloseNow(this.codeToSend, this.closePayload)
  }

  private noteTaken(taken: number): void {
    if (taken === 0) return
    if ((taken & Written.Ping) !== 0) this.sink.onPingTaken()
    if ((taken & Written.Close) === 0) return
    this.closeTaken = true
    if (!this.writeEnded) this.setDeadline(this.closeTimeout)
    this.proceed()
  }

  /** Ends the transport as soon as the closing handshake allows it. */
  private proceed(): void {
    if (!this.closeTaken) return
    // The server closes TCP first, so that the client need not keep the port (RFC 6455 section 7.1.1).
    if (this.failed || (this.side === 'server' && this.received !== undefined)) this.endWrite()
  }

  private endWrite(): void {
    if (this.writeEnded) return
    this.writeEnded = true
    this.wire.end()
    this.setDeadline(LINGER_TIMEOUT)
  }

  private destroy(): void {
    this.writeEnded = true
    this.sender.end()
    this.wire.destroy()
  }

  private setDeadline(timeout: number): void {
    this.deadline = Math.min(this.closingDeadline, this.now() + timeout)
    this.sink.onDeadline()
  }
}
