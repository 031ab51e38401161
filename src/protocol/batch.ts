import { copyOf } from './copy.ts'
import { frameHeaderLength, writeFrameHeader } from './frame.ts'
import { writeMaskKey } from './mask.ts'
import { Opcode } from './opcode.ts'
import type { SenderShared, SentFrameListener, Wire } from './sender.ts'
import type { Slab } from './slab.ts'

/** A payload up to this size is copied behind its header; a larger one is written from where it lies. */
export const COPY_LIMIT = 16 * 1024
/** What is in a batch of which it matters when the wire has taken it. */
export const Written = { Ping: 1, Close: 2 } as const

/** Batches that nobody has for now: a sender needs one from its first frame of a turn to the write. */
const idle: Batch[] = []
const MOST_IDLE = 1024

/** Frames that are encoded for one write (RFC 6455 section 5.2). */
export class Batch {
  /** Bytes of it. */
  size = 0
  /** Pongs in it. */
  pongs = 0
  /** Bits of `Written`. */
  has = 0
  /** Messages in it, and frames that came in their turn. */
  inTurn = 0

  private shared: SenderShared
  // `pieces`, then the slab's bytes `from` one place `to` another.
  private pieces: Uint8Array[] | undefined
  private slab: Slab | undefined
  private from = 0
  private to = 0

  private constructor(shared: SenderShared) {
    this.shared = shared
  }

  static take(shared: SenderShared): Batch {
    const batch = idle.pop()
    if (batch === undefined) return new Batch(shared)
    batch.shared = shared
    return batch
  }

  /** The wire, and whoever has this, is done with it. */
  release(): void {
    const { slab } = this
    if (slab !== undefined) this.shared.slabs.release(slab)
    this.size = 0
    this.pongs = 0
    this.has = 0
    this.inTurn = 0
    this.pieces = undefined
    this.slab = undefined
    this.from = 0
    this.to = 0
    if (idle.length < MOST_IDLE) idle.push(this)
  }

  /** Notes what a control frame is that comes next. */
  note(opcode: number): void {
    if (opcode === Opcode.Pong) this.pongs++
    else this.has |= opcode === Opcode.Ping ? Written.Ping : Written.Close
  }

  /** Gives all of it to the wire: whether that has no more need of it. */
  writeTo(wire: Wire): boolean {
    const { pieces } = this
    if (pieces === undefined) {
      const { bytes } = this.slab!
      // From when the kernel has a Ping or a Close frame time counts: these are not gathered.
      if (this.has === 0 && wire.gather?.(bytes, this.from, this.to)) return true
      return wire.write(bytes.subarray(this.from, this.to))
    }
    this.seal()
    const [piece] = pieces
    if (piece === undefined || pieces.length > 1) return wire.writeAll(pieces)
    // Of these only a prepared frame is as short: nobody writes to it, and what is held of it is copied.
    if (this.has === 0 && piece.length <= COPY_LIMIT && wire.gather?.(piece, 0, piece.length)) return true
    return wire.write(piece)
  }

  /** Takes a whole frame as it is. */
  append(frame: Uint8Array): void {
    this.seal()
    this.pieces ??= []
    this.pieces.push(frame)
    this.size += frame.length
  }

  /** Takes bytes of a frame as they are: a few are copied. */
  copy(bytes: Uint8Array): void {
    if (bytes.length > COPY_LIMIT) return this.append(bytes)
    const slab = this.room(bytes.length)
    slab.bytes.set(bytes, slab.at)
    this.advance(slab, slab.at + bytes.length)
  }

  /** Writes a text straight into the slab; its length as UTF-8, three bytes a character at most, is known only then. */
  shortText(firstByte: number, text: string, masks: boolean, listener: SentFrameListener | undefined): void {
    const slab = this.room(text.length * 3 + 8)
    const { bytes } = slab
    // A text of 126 characters or more needs the longer header; one of fewer rarely does.
    let headerLength = (text.length < 126 ? 2 : 4) + (masks ? 4 : 0)
    const from = slab.at
    const length = this.shared.platform.utf8Write(bytes, from + headerLength, text)
    if (length >= 126 && text.length < 126) {
      bytes.copyWithin(from + headerLength + 2, from + headerLength, from + headerLength + length)
      headerLength += 2
    }
    this.finishFrame(slab, firstByte, length, headerLength, masks, listener)
  }

  bytes(firstByte: number, payload: Uint8Array, masks: boolean, listener: SentFrameListener | undefined): void {
    const { length } = payload
    const headerLength = frameHeaderLength(length, masks)
    if (length <= COPY_LIMIT) {
      const slab = this.room(headerLength + length)
      const target = slab.at + headerLength
      const { bytes } = slab
      if (length < 48) for (let i = 0; i < length; i++) bytes[target + i] = payload[i]!
      else bytes.set(payload, target)
      this.finishFrame(slab, firstByte, length, headerLength, masks, listener)
    } else if (masks) {
      const frame = this.maskedFrame(firstByte, payload, headerLength)
      this.append(frame)
      listener?.(copyOf(frame, 0, headerLength), copyOf(payload))
    } else {
      const slab = this.room(headerLength)
      const from = slab.at
      writeFrameHeader(slab.bytes, from, firstByte, length, false)
      const header = listener === undefined ? undefined : copyOf(slab.bytes, from, from + headerLength)
      this.advance(slab, from + headerLength)
      this.append(payload)
      if (header !== undefined) listener?.(header, copyOf(payload))
    }
  }

  /** A large frame of a client: masked while it is copied, since the payload is the application's. */
  private maskedFrame(firstByte: number, payload: Uint8Array, headerLength: number): Uint8Array {
    const { platform, keys } = this.shared
    const frame = platform.allocate(headerLength + payload.length)
    const key = keys.next()
    const keyAt = writeFrameHeader(frame, 0, firstByte, payload.length, true)
    writeMaskKey(frame, keyAt, key)
    platform.maskCopy(payload, 0, payload.length, frame, headerLength, key)
    return frame
  }

  /** Writes the header before a payload that lies in the slab, and masks it if need be. */
  private finishFrame(
    slab: Slab,
    firstByte: number,
    length: number,
    headerLength: number,
    masks: boolean,
    listener: SentFrameListener | undefined,
  ): void {
    const { bytes, at: from } = slab
    const start = from + headerLength
    const at = writeFrameHeader(bytes, from, firstByte, length, masks)
    const payload = listener === undefined ? undefined : copyOf(bytes, start, start + length)
    if (masks) {
      const key = this.shared.keys.next()
      writeMaskKey(bytes, at, key)
      this.shared.platform.maskInPlace(bytes, start, start + length, key)
    }
    this.advance(slab, start + length)
    // Last, since whoever listens may send something as well.
    if (payload !== undefined) listener?.(copyOf(bytes, from, start), payload)
  }

  /** The slab with room for `length` bytes behind what this batch has in it, or in a new place. */
  private room(length: number): Slab {
    const slab = this.shared.slabs.withRoom(length)
    if (slab !== this.slab) {
      this.seal()
      this.slab = slab
      slab.users++
      this.from = slab.at
      this.to = slab.at
    } else if (slab.at !== this.to) {
      // Another batch has been written to behind this one.
      this.seal()
      this.from = slab.at
      this.to = slab.at
    }
    return slab
  }

  private seal(): void {
    if (this.to === this.from) return
    this.pieces ??= []
    this.pieces.push(this.slab!.bytes.subarray(this.from, this.to))
    this.from = this.to
  }

  private advance(slab: Slab, end: number): void {
    this.size += end - this.to
    this.to = end
    slab.at = end
  }
}
