import { CloseCode, closeCodeName, isSendableCloseCode } from './close-code.ts'
import { MAX_CONTROL_PAYLOAD } from './control-payload.ts'
import { copyOf } from './copy.ts'
import { ProtocolError, type RuleCode, type Side } from './error.ts'
import { frameHeaderLength, writeFrameHeader } from './frame.ts'
import { likelyCause } from './likely-cause.ts'
import { maskKey, rotateKey, writeMaskKey } from './mask.ts'
import { MessageBuffer } from './message-buffer.ts'
import type { DecodeFailure, MessageDecoder } from './message-codec.ts'
import { isControl, Opcode, opcodeName } from './opcode.ts'
import type { Platform } from './platform.ts'
import { UTF8_START, utf8Validate, utf8ValidateLong } from './utf8.ts'

/** What a receiver tells as it reads. None of these may throw. */
export interface ReceiverSink {
  /** A whole text message: a string, or its bytes where `text` is `'bytes'`. */
  onText(text: string | Uint8Array): void
  /** A whole binary message, in memory of its own. */
  onBinary(bytes: Uint8Array): void
  /** A piece of a message that is read in pieces: the opcode of its first frame, and whether it is the last piece. */
  onPiece(opcode: number, piece: Uint8Array, last: boolean): void
  onPing(payload: Uint8Array): void
  onPong(payload: Uint8Array): void
  /** A message that took long to decode has been decoded: reading goes on. */
  onDecoded?(): void
  /** The peer's Close frame; 1005 where it had no code. Nothing is read after it. */
  onClose(code: number, reason: string): void
  /** The peer broke a rule. Nothing is read after it. */
  onViolation(error: ProtocolError): void
}

/** Called for each frame that has arrived whole: its header's bytes, and its payload, unmasked, where it is at hand. */
export type FrameListener = (header: Uint8Array, payload: Uint8Array) => void

/** Of these a receiver keeps no copy: many can have the same. */
export interface ReceiverOptions {
  /** The side that this end is; a server takes masked frames only, a client unmasked ones only. */
  side: Side
  platform: Platform
  /** Bytes of a message, all fragments together. */
  maxPayload: number
  /** Fragments of a message, empty ones counted. */
  maxFragments: number
  text: 'string' | 'bytes'
  /** Decodes messages as an extension says; without, no reserved bit may be set. */
  decoder?: MessageDecoder | undefined
}

const Mode = { Reading: 0, Paused: 1, Ended: 2 } as const
const EMPTY = new Uint8Array(0)

/** Two bytes, eight of extended length, four of masking key. */
const MAX_HEADER = 14

/** A frame whose payload has not arrived whole; there is one only while that is so. */
interface SplitFrame {
  remaining: number
  /** The masking key, rotated to the next byte of the payload. */
  key: number
  /** Where a control frame's payload is gathered; a data frame's goes to the message. */
  control: Uint8Array | undefined
  /** Where the frame's payload begins in the message. */
  messageStart: number
}

/** A message at which the decoder is. What follows it waits. */
interface Decoding {
  opcode: number
  /** What has come of it, while the receiver is paused. */
  decoded: Uint8Array | DecodeFailure | undefined
  /** The receiver was paused meanwhile. */
  paused: boolean
  failsAt: FailsAt
  giveUp: () => void
}

/** Where a message that cannot be decoded was read. */
interface FailsAt {
  offset: number
  frameNumber: number
  header: Uint8Array
}

/**
 * Reads frames (RFC 6455 sections 5 and 6.2) from bytes in any chunking, and tells its sink.
 *
 * The chunks are read in place: a masked text is unmasked where it lies, so a chunk is the receiver's to write to
 * until `receive` returns. Nothing that the sink is given shares memory with a chunk.
 */
export class Receiver {
  /** Whether the next message is to be given in pieces instead of whole. */
  inPieces = false
  frameListener: FrameListener | undefined

  private readonly sink: ReceiverSink
  private options: ReceiverOptions

  private mode: 0 | 1 | 2 = Mode.Reading
  /** Bytes of the stream before the chunk at hand. */
  private streamOffset = 0
  private frameNumber = 0

  // The header read last.
  private firstByte = 0
  private payloadLength = 0
  private key = 0

  /** The message under way: one that is fragmented, or whose frame has not arrived whole. */
  private message: MessageBuffer | undefined
  private frame: SplitFrame | undefined
  /** The start of a header that has not arrived whole. */
  private headerStart: Uint8Array | undefined
  /** What was not read when the receiver was paused. */
  private held: Uint8Array | undefined
  private decoding: Decoding | undefined

  constructor(options: ReceiverOptions, sink: ReceiverSink) {
    this.sink = sink
    this.options = options
  }

  get maxPayload(): number {
    return this.options.maxPayload
  }

  set maxPayload(bytes: number) {
    this.options = { ...this.options, maxPayload: bytes }
  }

  get maxFragments(): number {
    return this.options.maxFragments
  }

  set maxFragments(count: number) {
    this.options = { ...this.options, maxFragments: count }
  }

  /** Bytes that were read. */
  get bytesReceived(): number {
    return this.streamOffset
  }

  private get platform(): Platform {
    return this.options.platform
  }

  /** The side that sends what is read here. */
  private get peer(): Side {
    return this.options.side === 'server' ? 'client' : 'server'
  }

  private get masked(): boolean {
    return this.options.side === 'server'
  }

  private get text(): 'string' | 'bytes' {
    return this.options.text
  }

  /** The reserved bits that a first frame may have. */
  private get reservedBit(): number {
    return this.options.decoder?.reservedBit ?? 0
  }

  /** Whether there is something that was not delivered: bytes that `pause` left unread, or a message to be decoded. */
  get holds(): boolean {
    return this.held !== undefined || this.decoding !== undefined
  }

  /** Whether a message is being decoded that takes long; `onDecoded` tells when it no longer is. */
  get decodes(): boolean {
    return this.decoding !== undefined && this.decoding.decoded === undefined
  }

  /** Reads a chunk. The receiver may write to it, and keeps no reference to it. */
  receive(chunk: Uint8Array): void {
    if (this.mode === Mode.Ended) return
    if (this.mode === Mode.Reading) this.read(chunk, false)
    else this.held = this.held === undefined ? copyOf(chunk) : concat(this.held, chunk)
  }

  /** Stops before the next frame; what has arrived behind it is kept until `resume`. */
  pause(): void {
    if (this.decoding !== undefined) this.decoding.paused = true
    else if (this.mode === Mode.Reading) this.mode = Mode.Paused
  }

  /** Goes on with what `pause` left unread. */
  resume(): void {
    const { decoding } = this
    if (decoding !== undefined) {
      decoding.paused = false
      if (decoding.decoded !== undefined) this.finishDecoding(decoding, decoding.decoded)
      return
    }
    if (this.mode === Mode.Paused) this.mode = Mode.Reading
    if (this.held === undefined) return
    const held = this.held
    this.held = undefined
    this.read(held, true)
  }

  /** Reads nothing more, and lets go of what was kept. */
  end(): void {
    this.mode = Mode.Ended
    this.message = undefined
    this.frame = undefined
    this.headerStart = undefined
    this.held = undefined
    this.decoding?.giveUp()
    this.decoding = undefined
  }

  /** `isOwn`: the chunk is the receiver's to keep. */
  private read(chunk: Uint8Array, isOwn: boolean): void {
    const end = chunk.length
    let at = 0
    if (this.headerStart !== undefined) at = this.completeHeader(chunk)
    else if (this.frame !== undefined) at = this.continueFrame(this.frame, chunk, 0)
    while (at < end) {
      if (this.mode !== Mode.Reading) {
        if (this.mode === Mode.Paused) this.held = isOwn ? chunk.subarray(at) : copyOf(chunk, at)
        break
      }
      const headerLength = this.readHeader(chunk, at, end, at)
      if (headerLength < 0) break
      if (headerLength === 0) {
        this.headerStart = copyOf(chunk.subarray(at))
        at = end
        break
      }
      const start = at + headerLength
      if (end - start >= this.payloadLength) {
        at = start + this.payloadLength
        this.wholeFrame(chunk, start, at)
      } else {
        at = this.startFrame(chunk, start)
      }
    }
    this.streamOffset += at
  }

  /**
   * Reads the header at `at` into the fields for it. Returns its length, 0 when more bytes are needed, or -1 when it
   * broke a rule. `shift` is where the header begins in the chunk at hand, for the offset in the stream.
   */
  private readHeader(bytes: Uint8Array, at: number, end: number, shift: number): number {
    if (end - at < 2) return 0
    const b0 = bytes[at]!
    const b1 = bytes[at + 1]!
    const opcode = b0 & 0x0f
    const masked = b1 >= 0x80
    let length = b1 & 0x7f

    if ((b0 & 0x70) !== 0) {
      const problem = this.reservedBits(b0)
      if (problem !== undefined) return this.violateHeader('RESERVED_BITS', problem, bytes, at, end, shift)
    }
    if (opcode >= Opcode.Close) {
      if (opcode > Opcode.Pong)
        return this.violateHeader('RESERVED_OPCODE', reservedOpcode(opcode), bytes, at, end, shift)
      if (b0 < 0x80) {
        const what = `sent a ${opcodeName(opcode)} frame without FIN: control frames must not be fragmented`
        return this.violateHeader('CONTROL_FRAME_FRAGMENTED', what, bytes, at, end, shift)
      }
      if (length > MAX_CONTROL_PAYLOAD) {
        const what = `sent a ${opcodeName(opcode)} frame with a payload of 126 bytes or more: control frames carry at most 125`
        return this.violateHeader('CONTROL_FRAME_TOO_LONG', what, bytes, at, end, shift + 1)
      }
    } else if (opcode === Opcode.Continuation) {
      if (this.message === undefined) {
        const what = 'sent a continuation frame with no message to continue'
        return this.violateHeader('UNEXPECTED_CONTINUATION', what, bytes, at, end, shift)
      }
    } else if (opcode > Opcode.Binary) {
      return this.violateHeader('RESERVED_OPCODE', reservedOpcode(opcode), bytes, at, end, shift)
    } else if (this.message !== undefined) {
      const what = `began a ${opcodeName(opcode)} message before the fragmented ${opcodeName(this.message.opcode)} message was finished`
      return this.violateHeader('EXPECTED_CONTINUATION', what, bytes, at, end, shift)
    }
    if (masked !== this.masked) {
      return masked
        ? this.violateHeader('MASKED_FRAME', 'sent a masked frame: only clients mask', bytes, at, end, shift + 1)
        : this.violateHeader('UNMASKED_FRAME', 'sent an unmasked frame: clients must mask', bytes, at, end, shift + 1)
    }

    let headerLength = 2
    if (length === 126) {
      headerLength = 4
      if (end - at < 4) return 0
      length = bytes[at + 2]! * 256 + bytes[at + 3]!
      if (length < 126)
        return this.violateHeader('LENGTH_NOT_MINIMAL', notMinimal(length, 16), bytes, at, end, shift + 2)
    } else if (length === 127) {
      headerLength = 10
      if (end - at < 10) return 0
      const high = uint32(bytes, at + 2)
      length = high * 0x1_0000_0000 + uint32(bytes, at + 6)
      if (high >= 0x8000_0000) {
        const what = 'sent a 64-bit payload length with its top bit set'
        return this.violateHeader('LENGTH_TOP_BIT', what, bytes, at, end, shift + 2)
      }
      if (high > 0x1f_ffff) {
        const exact = BigInt(high) * 0x1_0000_0000n + BigInt(uint32(bytes, at + 6))
        const what = `sent a payload length of ${exact} bytes, more than 2^53 - 1`
        return this.violateHeader('LENGTH_UNREPRESENTABLE', what, bytes, at, end, shift + 2)
      }
      if (length <= 0xffff)
        return this.violateHeader('LENGTH_NOT_MINIMAL', notMinimal(length, 64), bytes, at, end, shift + 2)
    }
    if (this.masked) {
      if (end - at < headerLength + 4) return 0
      this.key = maskKey(bytes, at + headerLength)
      headerLength += 4
    }

    if (opcode < Opcode.Close) {
      const message = this.message
      const total = length + (message === undefined ? 0 : message.announced)
      if (total > this.mostOf(message?.isEncoded ?? (b0 & 0x70) !== 0)) {
        const what = `sent a message of ${message === undefined && b0 >= 0x80 ? '' : 'at least '}${total} bytes; the limit (maxPayload) is ${this.maxPayload}`
        return this.violateHeader('MESSAGE_TOO_LARGE', what, bytes, at, end, shift)
      }
      if (message !== undefined && message.fragments >= this.maxFragments) {
        const what = `sent a message in more than ${this.maxFragments} fragments, the limit (maxFragments)`
        return this.violateHeader('TOO_MANY_FRAGMENTS', what, bytes, at, end, shift)
      }
    }
    this.firstByte = b0
    this.payloadLength = length
    this.frameNumber++
    return headerLength
  }

  /** Goes on with a header that began in an earlier chunk; returns where to read on in this one. */
  private completeHeader(chunk: Uint8Array): number {
    const start = this.headerStart!
    const bytes = concat(start, chunk.subarray(0, MAX_HEADER - start.length))
    const headerLength = this.readHeader(bytes, 0, bytes.length, -start.length)
    if (headerLength < 0) return chunk.length
    if (headerLength === 0) {
      this.headerStart = bytes
      return chunk.length
    }
    this.headerStart = undefined
    return this.startFrame(chunk, headerLength - start.length)
  }

  /** Most bytes of a message as it is sent. */
  private mostOf(isEncoded: boolean): number {
    const { decoder, maxPayload } = this.options
    return isEncoded && decoder !== undefined ? decoder.encodedLimit(maxPayload) : maxPayload
  }

  /** A frame that lies whole in the chunk. */
  private wholeFrame(chunk: Uint8Array, start: number, end: number): void {
    const b0 = this.firstByte
    if (b0 >= 0x80 && !this.inPieces && this.frameListener === undefined) {
      // The common case: an unfragmented message, or a control frame, that nobody watches.
      if (b0 === 0x82) return this.sink.onBinary(this.copyPayload(chunk, start, end))
      if (b0 === 0x81) return this.wholeText(chunk, start, end)
      if (isControl(b0 & 0x0f)) return this.controlFrame(this.copyPayload(chunk, start, end), start)
      // An encoded message is unmasked where it lies, and decoded from there.
      if ((b0 & 0x0f) !== Opcode.Continuation) {
        if (this.masked) this.platform.maskInPlace(chunk, start, end, this.key)
        return this.decode(b0 & 0x0f, chunk.subarray(start, end), end)
      }
    }
    this.startFrame(chunk, start)
  }

  private copyPayload(chunk: Uint8Array, start: number, end: number): Uint8Array {
    if (start === end) return EMPTY
    const payload = this.platform.allocate(end - start)
    this.platform.maskCopy(chunk, start, end, payload, 0, this.masked ? this.key : 0)
    return payload
  }

  private wholeText(chunk: Uint8Array, start: number, end: number): void {
    const platform = this.platform
    const isAscii = this.masked && platform.maskInPlace(chunk, start, end, this.key)
    if (isAscii && this.text === 'string') return this.sink.onText(platform.asciiDecode(chunk, start, end))
    if (!isAscii && !platform.isUtf8(chunk, start, end)) {
      const state = utf8Validate(chunk, start, end, UTF8_START)
      const bad = state < 0 ? -1 - state : undefined
      return this.violateUtf8(bad ?? end - 1, bad === undefined ? undefined : chunk[bad])
    }
    if (this.text === 'bytes') {
      const bytes = platform.allocate(end - start)
      bytes.set(chunk.subarray(start, end))
      return this.sink.onText(bytes)
    }
    this.deliverText(chunk, start, end, false, start)
  }

  /** `at` is where the payload of the frame that ended the text began. */
  private deliverText(bytes: Uint8Array, start: number, end: number, ascii: boolean, at: number): void {
    let text: string
    try {
      text = ascii ? this.platform.asciiDecode(bytes, start, end) : this.platform.utf8Decode(bytes, start, end)
    } catch {
      // The platform has a longest string, which a raised maxPayload can be above.
      return this.violate('MESSAGE_TOO_LARGE', `sent a text of ${end - start} bytes, too long for a string here`, at)
    }
    this.sink.onText(text)
  }

  /** A frame that is gathered: part of a fragmented message, split over chunks, watched, or read in pieces. */
  private startFrame(chunk: Uint8Array, start: number): number {
    const opcode = this.firstByte & 0x0f
    let messageStart = 0
    let control: Uint8Array | undefined
    if (isControl(opcode)) {
      control = this.platform.allocate(this.payloadLength)
    } else {
      this.message ??= new MessageBuffer(this.platform, opcode, this.inPieces, (this.firstByte & 0x70) !== 0)
      this.message.announced += this.payloadLength
      this.message.fragments++
      messageStart = this.message.length
    }
    this.frame = { remaining: this.payloadLength, key: this.masked ? this.key : 0, control, messageStart }
    return this.continueFrame(this.frame, chunk, start)
  }

  private continueFrame(frame: SplitFrame, chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + frame.remaining)
    const length = end - start
    const last = length === frame.remaining
    if (frame.control !== undefined) {
      this.platform.maskCopy(chunk, start, end, frame.control, frame.control.length - frame.remaining, frame.key)
    } else {
      const message = this.message!
      const fin = this.firstByte >= 0x80
      const at = message.reserve(
        length,
        chunk.length,
        fin ? message.length + frame.remaining : this.mostOf(message.isEncoded),
      )
      if (at < 0) {
        const what = `sent a message of ${message.announced} bytes, more than memory can be had for`
        this.violate('MESSAGE_TOO_LARGE', what, start)
        return end
      }
      this.platform.maskCopy(chunk, start, end, message.bytes, at, frame.key)
      if (message.opcode === Opcode.Text && !message.isEncoded && !this.isAscii(message, at)) {
        const state = utf8ValidateLong(this.platform, message.bytes, at, at + length, message.utf8State)
        if (state < 0) {
          const bad = -1 - state
          this.violateUtf8(start + bad - at, message.bytes[bad])
          return end
        }
        if (last && fin && state !== UTF8_START) {
          this.violateUtf8(end - 1, undefined)
          return end
        }
        message.utf8State = state
      }
    }
    frame.remaining -= length
    frame.key = rotateKey(frame.key, length & 3)
    if (last) this.finishFrame(frame, end)
    else if (this.message?.inPieces && frame.control === undefined && length > 0) {
      this.sink.onPiece(this.message.opcode, this.message.take(), false)
    }
    return end
  }

  /** Whether a text is ASCII from `at` on, after which there is nothing to validate. */
  private isAscii(message: MessageBuffer, at: number): boolean {
    if (this.platform.isAscii(message.bytes, at, message.length)) return message.utf8State === UTF8_START
    message.ascii = false
    return false
  }

  private finishFrame(frame: SplitFrame, end: number): void {
    this.frame = undefined
    const message = this.message
    if (this.frameListener !== undefined) {
      const payload = frame.control ?? message!.bytes.subarray(frame.messageStart, message!.length)
      this.frameListener(this.header(), copyOf(payload))
      if (this.mode === Mode.Ended) return
    }
    if (frame.control !== undefined) return this.controlFrame(frame.control, end - frame.control.length)

    const fin = this.firstByte >= 0x80
    if (message!.isEncoded) {
      if (!fin) return
      this.message = undefined
      return this.decode(message!.opcode, message!.bytes.subarray(0, message!.length), end)
    }
    if (message!.inPieces) {
      if (fin) this.message = undefined
      if (fin || message!.length > 0) this.sink.onPiece(message!.opcode, message!.take(), fin)
      return
    }
    if (!fin) return
    this.message = undefined
    const { bytes, length, opcode } = message!
    if (opcode === Opcode.Binary) this.sink.onBinary(message!.take())
    else if (this.text === 'bytes') this.sink.onText(message!.take())
    else this.deliverText(bytes, 0, length, message!.ascii, end - this.payloadLength)
  }

  /** Decodes a message whose last frame ended at `end`, at once or, where that takes long, while nothing more is read. */
  private decode(opcode: number, encoded: Uint8Array, end: number): void {
    const decoder = this.options.decoder!
    const decoded = decoder.decode(encoded, this.maxPayload)
    if (decoded !== undefined) return this.deliverDecoded(opcode, decoded, end)
    const paused = this.mode === Mode.Paused
    const decoding: Decoding = { opcode, decoded: undefined, paused, failsAt: this.failsAt(end), giveUp() {} }
    this.decoding = decoding
    this.mode = Mode.Paused
    decoding.giveUp = decoder.decodeLater(encoded, this.maxPayload, (later) => {
      // It may have ended meanwhile.
      if (this.decoding !== decoding) return
      if (decoding.paused) decoding.decoded = later
      else this.finishDecoding(decoding, later)
      this.sink.onDecoded?.()
    })
  }

  private finishDecoding(decoding: Decoding, decoded: Uint8Array | DecodeFailure): void {
    const { held } = this
    this.decoding = undefined
    // Not before whoever gets the message is done with it, though that may pause and resume the receiver.
    this.held = undefined
    this.mode = Mode.Reading
    this.deliverDecoded(decoding.opcode, decoded, decoding.failsAt)
    if (held !== undefined) this.goOn(held)
  }

  /** Reads what was held back, unless the receiver has been paused again, or has ended. */
  private goOn(held: Uint8Array): void {
    if (this.mode === Mode.Reading) this.read(held, true)
    else if (this.mode === Mode.Paused) this.held = held
  }

  /** Delivers a decoded message, from memory that is not the receiver's. `failsAt` is as for `failDecoded`. */
  private deliverDecoded(opcode: number, decoded: Uint8Array | DecodeFailure, failsAt: FailsAt | number): void {
    if (!(decoded instanceof Uint8Array)) return this.failDecoded(decoded.code, decoded.what, failsAt)
    if (opcode === Opcode.Binary) return this.deliverBytes(opcode, decoded)
    const { platform } = this
    if (!platform.isUtf8(decoded, 0, decoded.length)) {
      const state = utf8Validate(decoded, 0, decoded.length, UTF8_START)
      const bad = state < 0 ? -1 - state : undefined
      const where =
        bad === undefined
          ? 'ends in the middle of a character'
          : `is not UTF-8: the byte 0x${hex(decoded[bad]!)} cannot stand at ${bad}`
      return this.failDecoded('INVALID_UTF8', `sent a compressed text message that, decompressed, ${where}`, failsAt)
    }
    if (this.text === 'bytes' || this.inPieces) return this.deliverBytes(opcode, decoded)
    let text: string
    try {
      text = platform.utf8Decode(decoded, 0, decoded.length)
    } catch {
      const what = `sent a text of ${decoded.length} bytes, too long for a string here`
      return this.failDecoded('MESSAGE_TOO_LARGE', what, failsAt)
    }
    this.sink.onText(text)
  }

  private deliverBytes(opcode: number, decoded: Uint8Array): void {
    const bytes = decoded.length === 0 ? EMPTY : this.platform.allocate(decoded.length)
    bytes.set(decoded)
    if (this.inPieces) this.sink.onPiece(opcode, bytes, true)
    else if (opcode === Opcode.Text) this.sink.onText(bytes)
    else this.sink.onBinary(bytes)
  }

  /** Where a message's last frame, which ends at `end`, has its payload. */
  private failsAt(end: number): FailsAt {
    const offset = this.streamOffset + end - this.payloadLength
    return { offset, frameNumber: this.frameNumber, header: this.header() }
  }

  /** @param failsAt where, or where the frame ended in the chunk at hand */
  private failDecoded(code: RuleCode, what: string, failsAt: FailsAt | number): void {
    const evidence = typeof failsAt === 'number' ? this.failsAt(failsAt) : failsAt
    this.end()
    this.sink.onViolation(new ProtocolError(code, this.peer, what, evidence))
  }

  private controlFrame(payload: Uint8Array, start: number): void {
    const opcode = this.firstByte & 0x0f
    if (opcode === Opcode.Ping) this.sink.onPing(payload)
    else if (opcode === Opcode.Pong) this.sink.onPong(payload)
    else this.closeFrame(payload, start)
  }

  private closeFrame(payload: Uint8Array, start: number): void {
    if (payload.length === 0) {
      this.end()
      return this.sink.onClose(CloseCode.NoStatusReceived, '')
    }
    if (payload.length === 1) {
      return this.violate('INVALID_CLOSE_PAYLOAD', 'sent a Close frame with a payload of 1 byte: a code takes 2', start)
    }
    const code = payload[0]! * 256 + payload[1]!
    if (!isSendableCloseCode(code)) {
      const what = `sent a Close frame with code ${code} (${closeCodeName(code)}), which must not be sent`
      return this.violate('INVALID_CLOSE_CODE', what, start)
    }
    const state = utf8Validate(payload, 2, payload.length, UTF8_START)
    if (state !== UTF8_START) {
      const bad = state < 0 ? -1 - state : payload.length - 1
      return this.violate('INVALID_CLOSE_REASON', 'sent a Close frame whose reason is not UTF-8', start + bad)
    }
    this.end()
    this.sink.onClose(code, this.platform.utf8Decode(payload, 2, payload.length))
  }

  /** `bad` is the byte that cannot stand there; without it, the text ended too early. */
  private violateUtf8(at: number, bad: number | undefined): void {
    const what =
      bad === undefined
        ? 'sent a text message that ends in the middle of a character'
        : `sent a text message that is not UTF-8: the byte 0x${hex(bad)} cannot stand there`
    this.violate('INVALID_UTF8', what, at)
  }

  /** Fails on a header that was not accepted. */
  private violateHeader(code: RuleCode, what: string, bytes: Uint8Array, at: number, end: number, offset: number): -1 {
    const seen = bytes.subarray(at, Math.min(end, at + MAX_HEADER))
    const header = copyOf(seen, 0, headerLengthOf(seen))
    this.frameNumber++
    this.fail(code, what, offset, header, likelyCause(code, seen))
    return -1
  }

  /** Fails on the payload of the frame whose header was read last. */
  private violate(code: RuleCode, what: string, at: number): void {
    this.fail(code, what, at, this.header(), undefined)
  }

  private fail(code: RuleCode, what: string, at: number, header: Uint8Array, hint: string | undefined): void {
    const evidence = { offset: this.streamOffset + at, frameNumber: this.frameNumber, header, hint }
    this.end()
    this.sink.onViolation(new ProtocolError(code, this.peer, what, evidence))
  }

  /** What is wrong with the reserved bits of a frame; undefined where they are an agreed extension's. */
  private reservedBits(b0: number): string | undefined {
    const bits = b0 & 0x70
    const opcode = b0 & 0x0f
    if (bits !== this.reservedBit) {
      const others = bits & ~this.reservedBit
      const set = [0x40, 0x20, 0x10].flatMap((bit, index) => ((others & bit) === 0 ? [] : [`RSV${index + 1}`]))
      return `sent a frame with ${set.join(' and ')} set: no extension that was agreed on uses ${set.length === 1 ? 'it' : 'them'}`
    }
    if (opcode >= Opcode.Close)
      return `sent a ${opcodeName(opcode)} frame with RSV1 set: control frames are not compressed`
    if (opcode !== Opcode.Continuation) return undefined
    return 'sent a continuation frame with RSV1 set: only the first frame of a compressed message has it'
  }

  /** The bytes of the header read last: lengths are minimal, so there is one way to write them. */
  private header(): Uint8Array {
    const header = new Uint8Array(frameHeaderLength(this.payloadLength, this.masked))
    const at = writeFrameHeader(header, 0, this.firstByte, this.payloadLength, this.masked)
    if (this.masked) writeMaskKey(header, at, this.key)
    return header
  }
}

/** The length of the header that these bytes begin with, as far as its second byte tells. */
function headerLengthOf(bytes: Uint8Array): number {
  const b1 = bytes[1]!
  const extended = (b1 & 0x7f) === 127 ? 8 : (b1 & 0x7f) === 126 ? 2 : 0
  return 2 + extended + (b1 >= 0x80 ? 4 : 0)
}

function reservedOpcode(opcode: number): string {
  return `sent a frame with the reserved opcode 0x${opcode.toString(16).toUpperCase()}`
}

function notMinimal(length: number, bits: 16 | 64): string {
  return `sent a payload length of ${length} in ${bits} bits: the shortest form is required`
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0')
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
