import { copyOf } from './copy.ts'
import { frameHeaderLength, writeFrameHeader } from './frame.ts'
import { writeMaskKey } from './mask.ts'
import type { MaskKeySource } from './mask-key-source.ts'
import type { MessageEncoder } from './message-codec.ts'
import { isControl, Opcode } from './opcode.ts'
import type { Platform } from './platform.ts'
import { PreparedMessage } from './prepared.ts'
import { type Sendable, SendQueue, type Waiting } from './send-queue.ts'
import type { Slab, SlabPool } from './slab.ts'

/** Where a sender's bytes go. */
export interface Wire {
  /**
   * Takes bytes, in order. True when they are gone and their memory is free again; false when the wire holds them,
   * and will call the sender's `written` when it has let go of them. Until then it is given nothing more.
   */
  write(bytes: Uint8Array): boolean
  writeAll(pieces: readonly Uint8Array[]): boolean
  /**
   * Takes bytes of a slab to give them to the kernel in a moment, together with those of other connections. They count as
   * gone; what the kernel does not take of them is told to the sender's `held`.
   * @returns false, with nothing taken, when it is not the time for that
   */
  gather?(bytes: Uint8Array, from: number, to: number): boolean
}

/** What a process shares between all its senders. */
export interface SenderShared {
  platform: Platform
  slabs: SlabPool
  keys: MaskKeySource
  /** Milliseconds, on a clock that never goes back. */
  now(): number
}

/** Called for each frame as it is encoded: its header's bytes and its unmasked payload. */
export type SentFrameListener = (header: Uint8Array, payload: Uint8Array) => void

/** What the wire took with the last write. */
export const Written = { Ping: 1, Close: 2 } as const

/** Called for each message that has waited for longer than `maxQueueAge` and was dropped. */
export type StaleMessageListener = (opcode: number, data: Sendable) => void

const FIN = 0x80
/** A payload up to this size is copied behind its header; a larger one is written from where it lies. */
const COPY_LIMIT = 16 * 1024
/** A prepared payload up to this size is copied for each of its receivers; a larger one lies in one place for all. */
const PREPARED_COPY_LIMIT = 4 * 1024
/** What is encoded for one write, at least as far as there is something; control frames can go ahead of the rest. */
const BATCH_SIZE = 64 * 1024
/** Pings are answered each while fewer answers than this are pending, then the newest alone (RFC 6455 section 5.5.3). */
const MAX_PENDING_PONGS = 64
/** About what a message that waits takes beside its payload. */
const WAITING_COST = 64
/** How many times a queue is looked through, at most, in the time that a message may wait. */
const SWEEPS = 8
const EMPTY = new Uint8Array(0)

/**
 * Encodes messages into frames (RFC 6455 sections 5 and 6.1) and gives them to the wire in as few writes as possible.
 *
 * What is sent goes into a batch, which `flush` writes. While the wire holds a batch, messages wait in a queue, and
 * control frames go ahead of that queue: they can stand between any two frames.
 */
export class Sender {
  frameListener: SentFrameListener | undefined
  staleMessageListener: StaleMessageListener | undefined
  /** Encodes messages as an extension says. */
  encoder: MessageEncoder | undefined
  /** Called when the encoder has done what took it long: there is something to flush. */
  encodedListener: (() => void) | undefined
  /** Bytes that were given to the wire. */
  bytesSent = 0
  /** Messages whose place a newer one with the same key took. */
  coalesced = 0
  /** Whether the Close frame has been encoded: nothing goes behind it. */
  closeSent = false
  /** Whether messages, or a part of one, were discarded: not all that was sent goes out. */
  hasDiscarded = false

  private readonly shared: SenderShared
  private readonly wire: Wire
  private readonly masks: boolean
  private maxAge = Number.POSITIVE_INFINITY
  /** When a `maxQueueAge` was set: what waited already waits since then, as far as is known. */
  private agesFrom = 0
  /** When the queue is to be looked through next for what has waited for too long. */
  private nextSweep = 0

  // The batch: `pieces`, then the slab's bytes `from` one place `to` another.
  private pieces: Uint8Array[] | undefined
  private slab: Slab | undefined
  private from = 0
  private to = 0
  private batchSize = 0
  private batchHas = 0

  /** The size of the batch that the wire holds. */
  private inFlight = 0
  /** There only while something waits in it. */
  private queue: SendQueue | undefined
  /** Frames that go ahead of the queue. */
  private ahead: Waiting[] | undefined
  private aheadSize = 0
  private pongsInBatch = 0
  private pongsAhead = 0
  private newestPong: Uint8Array | undefined
  /** No more messages are taken: the Close frame has its place behind them, or the connection is lost. */
  private shut = false
  /** Frames that waited are being encoded: what a listener sends meanwhile goes behind them. */
  private filling = false
  /** The connection is lost. */
  private ended = false
  /** A message is being sent in fragments: others wait until it has ended. */
  private fragmenting = false
  /** The message at which the encoder is: others wait until it is done. */
  private encoding: Waiting | undefined
  private giveUpEncoding: (() => void) | undefined

  constructor(shared: SenderShared, wire: Wire, masks: boolean) {
    this.shared = shared
    this.wire = wire
    this.masks = masks
  }

  /** Milliseconds after which a message that still waits is dropped; infinite for never. */
  get maxQueueAge(): number {
    return this.maxAge
  }

  set maxQueueAge(milliseconds: number) {
    if (this.maxAge === Number.POSITIVE_INFINITY) this.agesFrom = this.shared.now()
    this.maxAge = milliseconds
    this.nextSweep = 0
  }

  /** Bytes that the wire has not taken: frames that are encoded, and the payloads of messages that wait. */
  get bufferedAmount(): number {
    return this.batchSize + this.inFlight + this.aheadSize + (this.queue?.size ?? 0) + (this.encoding?.size ?? 0)
  }

  /** What is held for the peer, all told: a message that waits costs memory beside its payload. */
  get load(): number {
    const waiting = (this.queue?.length ?? 0) + (this.ahead?.length ?? 0)
    return this.bufferedAmount + waiting * WAITING_COST
  }

  /** Whether the message that is sent in fragments can go on: it was not discarded, nor the connection lost. */
  get takesFrames(): boolean {
    return this.fragmenting
  }

  /** Whether the wire holds bytes, or the encoder a message, so that what is sent now has to wait. */
  get blocked(): boolean {
    return this.inFlight > 0 || this.encoding !== undefined
  }

  /** Whether messages wait only for a flush: the batch is full, but the wire takes more. */
  get overfull(): boolean {
    return this.queue !== undefined && !this.blocked
  }

  /**
   * A text message as a string, a binary one as bytes, either one prepared. Bytes are not to be changed until written.
   * @param key a message that still waits with the same key is replaced, where it stands
   * @param asIs not to be encoded as an extension says
   */
  message(opcode: number, data: Sendable, key?: string, asIs = false): void {
    if (!this.mustWait()) return this.encodeMessage(FIN | opcode, data, asIs)
    const waiting = this.waiting(FIN | opcode, data, key, asIs)
    const older = key === undefined ? undefined : this.queue?.withKey(key)
    if (older === undefined) return this.enqueue(waiting)
    this.queue?.replace(older, waiting)
    this.coalesced++
  }

  /** What `load` would be if this message were sent now and had to wait. */
  loadWith(data: Sendable, key?: string): number {
    const older = key === undefined ? undefined : this.queue?.withKey(key)
    return this.load + this.sizeOf(data) + (older === undefined ? WAITING_COST : -older.size)
  }

  /** Drops what has waited for too long; a message is looked at a few times in its life, however often this is called. */
  dropStale(): void {
    const { queue } = this
    if (queue === undefined || this.maxAge === Number.POSITIVE_INFINITY) return
    const now = this.shared.now()
    if (now < this.nextSweep) return
    const stale = queue.remove((waiting) => this.isStale(waiting, now))
    if (queue.length === 0) this.queue = undefined
    // Not within itself, for what a listener sends.
    this.nextSweep = Number.POSITIVE_INFINITY
    for (const waiting of stale) this.dropped(waiting)
    this.nextSweep = now + this.maxAge / SWEEPS
  }

  /** Takes a place in the queue for a message in fragments; `begin` is called, perhaps at once, when it may start. */
  beginFragments(begin: () => void): void {
    if (this.mustWait()) {
      this.enqueue({ ...this.waiting(0, EMPTY), begin })
    } else {
      this.fragmenting = true
      begin()
    }
  }

  /** One frame of the message that `beginFragments` began; `fin` ends it. */
  fragment(opcode: number, data: string | Uint8Array, fin: boolean): void {
    // After `discard` a part of the message is missing.
    if (!this.fragmenting) return
    const firstByte = fin ? FIN | opcode : opcode
    if (this.inFlight > 0) this.goAhead(this.waiting(firstByte, data))
    else this.encode(firstByte, data)
    if (fin) this.fragmenting = false
  }

  ping(payload: Uint8Array): void {
    this.controlFrame(Opcode.Ping, payload)
  }

  /** A pong of the application's own accord (RFC 6455 section 5.5.3). */
  pong(payload: Uint8Array): void {
    this.controlFrame(Opcode.Pong, payload)
  }

  /** The answer to a ping. */
  answerPing(payload: Uint8Array): void {
    if (this.pongsInBatch + this.pongsAhead < MAX_PENDING_PONGS) this.controlFrame(Opcode.Pong, payload)
    else if (!this.closeSent) this.newestPong = payload
  }

  /** The Close frame, behind everything that was sent before it. Messages after it are dropped, as is a second one. */
  close(payload: Uint8Array): void {
    if (this.mustWait()) {
      this.enqueue(this.waiting(FIN | Opcode.Close, payload))
      this.shut = true
    } else {
      this.shut = true
      this.encodeNewestPong()
      this.encode(FIN | Opcode.Close, payload)
    }
  }

  /** Discards what waits, a Close frame included, so that the next one follows the frame under way. */
  discard(): void {
    const first = this.queue?.first
    if (
      this.fragmenting ||
      this.encoding !== undefined ||
      this.ahead?.some(isOfMessage) ||
      (first && isOfMessage(first))
    )
      this.hasDiscarded = true
    this.queue = undefined
    this.giveUpEncoding?.()
    this.giveUpEncoding = undefined
    this.encoding = undefined
    this.ahead = undefined
    this.aheadSize = 0
    this.pongsAhead = 0
    this.newestPong = undefined
    this.fragmenting = false
    this.shut = this.closeSent || this.ended
  }

  /** Gives up: nothing is encoded or written any more. */
  end(): void {
    this.ended = true
    this.discard()
    this.pieces = undefined
    this.batchSize = 0
    this.batchHas = 0
    // What the wire still holds must not be written over: it could reach the peer.
    if (this.inFlight === 0) this.releaseSlab()
    this.inFlight = 0
  }

  /** Writes the batch, and what waits behind it, until the wire holds something. Returns what the wire took. */
  flush(): number {
    let taken = 0
    while (this.inFlight === 0 && !this.ended && !this.filling) {
      if (this.batchSize < BATCH_SIZE) this.fillBatch()
      if (this.batchSize === 0) break
      this.inFlight = this.batchSize
      this.bytesSent += this.batchSize
      this.batchSize = 0
      if (!this.writeBatch()) break
      taken |= this.written()
    }
    return taken
  }

  /** The wire has let go of what it held. Returns what that was. */
  written(): number {
    const has = this.batchHas
    this.inFlight = 0
    this.batchHas = 0
    this.pongsInBatch = 0
    this.releaseSlab()
    // At once, so that nothing that is sent from here on gets before it.
    this.encodeAhead()
    return has
  }

  /** The wire holds so many bytes of what it had gathered, until `written`. */
  held(length: number): void {
    if (!this.ended) this.inFlight += length
  }

  private mustWait(): boolean {
    if (this.inFlight > 0 || this.fragmenting || this.shut || this.filling || this.encoding !== undefined) return true
    return this.queue !== undefined || this.batchSize >= BATCH_SIZE
  }

  private controlFrame(opcode: number, payload: Uint8Array): void {
    if (this.closeSent || this.ended) return
    if (this.inFlight > 0) {
      if (opcode === Opcode.Pong) this.pongsAhead++
      this.goAhead(this.waiting(FIN | opcode, payload))
    } else {
      this.encode(FIN | opcode, payload)
    }
  }

  private goAhead(frame: Waiting): void {
    this.ahead ??= []
    this.ahead.push(frame)
    this.aheadSize += frame.size
  }

  private waiting(firstByte: number, data: Sendable, key?: string, asIs = false): Waiting {
    const since = this.maxAge === Number.POSITIVE_INFINITY ? 0 : this.shared.now()
    return { firstByte, data, size: this.sizeOf(data), begin: undefined, key, asIs, since }
  }

  private enqueue(waiting: Waiting): void {
    if (this.shut) return
    this.queue ??= new SendQueue()
    this.queue.push(waiting)
  }

  private dequeue(): Waiting | undefined {
    const next = this.queue?.shift()
    if (this.queue?.length === 0) this.queue = undefined
    return next
  }

  private isStale(waiting: Waiting, now: number): boolean {
    // A Close frame has no age, nor has the place of a message that is to come in fragments.
    if (waiting.begin !== undefined || !isOfMessage(waiting)) return false
    return now - (waiting.since || this.agesFrom) > this.maxAge
  }

  private dropped({ firstByte, data }: Waiting): void {
    this.staleMessageListener?.(firstByte & 0x0f, data)
  }

  private sizeOf(data: Sendable): number {
    if (typeof data === 'string') return this.shared.platform.utf8Length(data)
    return data instanceof PreparedMessage ? data.payload.length : data.length
  }

  private encodeAhead(): void {
    const ahead = this.ahead
    if (ahead !== undefined) {
      this.pongsAhead = 0
      this.filling = true
      // Unless a listener has the rest discarded.
      for (let i = 0; i < ahead.length && this.ahead === ahead; i++) {
        const frame = ahead[i]!
        this.aheadSize -= frame.size
        this.encode(frame.firstByte, frame.data)
      }
      this.filling = false
      this.ahead = undefined
    }
    this.encodeNewestPong()
  }

  private fillBatch(): void {
    this.encodeNewestPong()
    this.filling = true
    while (!this.fragmenting && this.encoding === undefined && this.batchSize < BATCH_SIZE) {
      const next = this.dequeue()
      if (next === undefined) break
      if (next.begin !== undefined) {
        this.fragmenting = true
        next.begin()
      } else if (this.maxAge !== Number.POSITIVE_INFINITY && this.isStale(next, this.shared.now())) {
        this.dropped(next)
      } else {
        this.encodeMessage(next.firstByte, next.data, next.asIs)
      }
    }
    this.filling = false
  }

  private encodeNewestPong(): void {
    const payload = this.newestPong
    this.newestPong = undefined
    if (payload !== undefined) this.encode(FIN | Opcode.Pong, payload)
  }

  private writeBatch(): boolean {
    const { pieces, wire } = this
    if (pieces === undefined) {
      const { bytes } = this.slab!
      // From when the kernel has a Ping or a Close frame time counts: these are not gathered.
      if (this.batchHas === 0 && wire.gather?.(bytes, this.from, this.to)) return true
      return wire.write(bytes.subarray(this.from, this.to))
    }
    if (this.to > this.from) pieces.push(this.slab!.bytes.subarray(this.from, this.to))
    this.from = this.to
    this.pieces = undefined
    const [piece] = pieces
    if (piece === undefined || pieces.length > 1) return wire.writeAll(pieces)
    // Of these only a prepared frame is as short: nobody writes to it, and what is held of it is copied.
    if (this.batchHas === 0 && piece.length <= COPY_LIMIT && wire.gather?.(piece, 0, piece.length)) return true
    return wire.write(piece)
  }

  private releaseSlab(): void {
    const slab = this.slab
    if (slab === undefined) return
    this.slab = undefined
    this.from = 0
    this.to = 0
    this.shared.slabs.release(slab)
  }

  /** The slab with room for `length` bytes behind what this sender has in it, or in a new place. */
  private room(length: number): Slab {
    const slab = this.shared.slabs.withRoom(length)
    if (slab !== this.slab) {
      this.seal()
      this.slab = slab
      slab.users++
      this.from = slab.at
      this.to = slab.at
    } else if (slab.at !== this.to) {
      // Another sender has written behind this one.
      this.seal()
      this.from = slab.at
      this.to = slab.at
    }
    return slab
  }

  private seal(): void {
    if (this.to > this.from) {
      this.pieces ??= []
      this.pieces.push(this.slab!.bytes.subarray(this.from, this.to))
      this.from = this.to
    }
  }

  private append(piece: Uint8Array): void {
    this.seal()
    this.pieces ??= []
    this.pieces.push(piece)
    this.batchSize += piece.length
  }

  /** A whole message, or a Close frame that comes in its turn. */
  private encodeMessage(firstByte: number, data: Sendable, asIs: boolean): void {
    const { encoder } = this
    if (encoder === undefined || asIs || isControl(firstByte & 0x0f)) return this.encode(firstByte, data)
    if (encoder.isLong(data)) return this.encodeLater(encoder, firstByte, data)
    const encoded = encoder.encode(data)
    if (encoded === undefined) return this.encode(firstByte, data)
    // The next message may be written over it; only what is copied behind its header, or prepared, need not be copied here.
    const isKept = encoded.length <= COPY_LIMIT || data instanceof PreparedMessage
    this.encodeBytes(firstByte | encoder.reservedBit, isKept ? encoded : copyOf(encoded))
  }

  private encodeLater(encoder: MessageEncoder, firstByte: number, data: Sendable): void {
    const encoding = this.waiting(firstByte, data)
    this.encoding = encoding
    this.giveUpEncoding = encoder.encodeLater(data, (encoded) => {
      // It may have been discarded.
      if (this.encoding !== encoding) return
      this.encoding = undefined
      this.giveUpEncoding = undefined
      const frame = encoded === undefined ? encoding : this.waiting(firstByte | encoder.reservedBit, encoded)
      if (this.inFlight > 0) this.goAhead(frame)
      else this.encode(frame.firstByte, frame.data)
      this.encodedListener?.()
    })
  }

  private encode(firstByte: number, data: Sendable): void {
    // Not by the byte as it is: that of an encoded message has a reserved bit.
    if (isControl(firstByte & 0x0f)) this.noteControl(firstByte & 0x0f)
    if (typeof data === 'string') {
      if (data.length * 3 <= COPY_LIMIT) this.encodeShortText(firstByte, data)
      else this.encodeBytes(firstByte, this.utf8(data))
    } else if (data instanceof PreparedMessage) {
      if (this.masks || data.payload.length <= PREPARED_COPY_LIMIT || this.frameListener !== undefined) {
        this.encodeBytes(firstByte, data.payload)
      } else {
        this.append(data.frame)
      }
    } else {
      this.encodeBytes(firstByte, data)
    }
  }

  private noteControl(opcode: number): void {
    if (opcode === Opcode.Pong) {
      this.pongsInBatch++
    } else if (opcode === Opcode.Ping) {
      this.batchHas |= Written.Ping
    } else {
      this.batchHas |= Written.Close
      this.closeSent = true
    }
  }

  private utf8(text: string): Uint8Array {
    const { platform } = this.shared
    const length = platform.utf8Length(text)
    const bytes = platform.allocate(length)
    // As many bytes as characters: all of them are ASCII, which is written in half the time.
    if (length === text.length) platform.asciiWrite(bytes, 0, text)
    else platform.utf8Write(bytes, 0, text)
    return bytes
  }

  /** Writes a text straight into the slab; its length as UTF-8 is known only then. */
  private encodeShortText(firstByte: number, text: string): void {
    const slab = this.room(text.length * 3 + 8)
    const bytes = slab.bytes
    const keyLength = this.masks ? 4 : 0
    // A text of 126 characters or more needs the longer header; one of fewer rarely does.
    let headerLength = (text.length < 126 ? 2 : 4) + keyLength
    const from = slab.at
    const length = this.shared.platform.utf8Write(bytes, from + headerLength, text)
    if (length >= 126 && text.length < 126) {
      bytes.copyWithin(from + headerLength + 2, from + headerLength, from + headerLength + length)
      headerLength += 2
    }
    this.finishFrame(slab, firstByte, length, from, headerLength)
  }

  private encodeBytes(firstByte: number, payload: Uint8Array): void {
    const length = payload.length
    const headerLength = frameHeaderLength(length, this.masks)
    if (length <= COPY_LIMIT) {
      const slab = this.room(headerLength + length)
      const target = slab.at + headerLength
      const bytes = slab.bytes
      if (length < 48) for (let i = 0; i < length; i++) bytes[target + i] = payload[i]!
      else bytes.set(payload, target)
      this.finishFrame(slab, firstByte, length, slab.at, headerLength)
    } else if (this.masks) {
      const frame = this.maskedFrame(firstByte, payload, headerLength)
      this.append(frame)
      this.frameListener?.(copyOf(frame, 0, headerLength), copyOf(payload))
    } else {
      const slab = this.room(headerLength)
      const from = slab.at
      writeFrameHeader(slab.bytes, from, firstByte, length, false)
      const header = this.frameListener === undefined ? undefined : copyOf(slab.bytes, from, from + headerLength)
      this.advance(slab, from + headerLength)
      this.append(payload)
      if (header !== undefined) this.frameListener?.(header, copyOf(payload))
    }
  }

  /** A large frame of a client: masked while it is copied, since the payload is the application's. */
  private maskedFrame(firstByte: number, payload: Uint8Array, headerLength: number): Uint8Array {
    const frame = this.shared.platform.allocate(headerLength + payload.length)
    const key = this.shared.keys.next()
    const keyAt = writeFrameHeader(frame, 0, firstByte, payload.length, true)
    writeMaskKey(frame, keyAt, key)
    this.shared.platform.maskCopy(payload, 0, payload.length, frame, headerLength, key)
    return frame
  }

  /** Writes the header before a payload that lies in the slab, and masks it if need be. */
  private finishFrame(slab: Slab, firstByte: number, length: number, from: number, headerLength: number): void {
    const bytes = slab.bytes
    const start = from + headerLength
    const at = writeFrameHeader(bytes, from, firstByte, length, this.masks)
    const payload = this.frameListener === undefined ? undefined : copyOf(bytes, start, start + length)
    if (this.masks) {
      const key = this.shared.keys.next()
      writeMaskKey(bytes, at, key)
      this.shared.platform.maskInPlace(bytes, start, start + length, key)
    }
    this.advance(slab, start + length)
    // Last, since whoever listens may send something as well.
    if (payload !== undefined) this.frameListener?.(copyOf(bytes, from, start), payload)
  }

  private advance(slab: Slab, end: number): void {
    this.batchSize += end - this.to
    this.to = end
    slab.at = end
  }
}

/** Whether it is a message, a part of one, or the place of one, and not a control frame. */
function isOfMessage({ firstByte }: Waiting): boolean {
  return (firstByte & 0x0f) < Opcode.Close
}
