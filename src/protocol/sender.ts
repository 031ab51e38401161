import { Backlog, isOfMessage } from './backlog.ts'
import { Batch, COPY_LIMIT } from './batch.ts'
import { copyOf } from './copy.ts'
import type { MaskKeys } from './mask-key-source.ts'
import type { MessageEncoder } from './message-codec.ts'
import { isControl, Opcode } from './opcode.ts'
import type { Platform } from './platform.ts'
import { PreparedMessage } from './prepared.ts'
import { EncodedFrames, type Sendable, type Waiting } from './send-queue.ts'
import type { SlabPool } from './slab.ts'

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
  keys: MaskKeys
  /** Milliseconds, on a clock that never goes back. */
  now(): number
}

/** Called for each frame as it is encoded: its header's bytes and its unmasked payload. */
export type SentFrameListener = (header: Uint8Array, payload: Uint8Array) => void

/** Called for each message that has waited for longer than the sender's `limitAge` says and was dropped. */
export type StaleMessageListener = (opcode: number, data: Sendable) => void

/** For how long messages may wait. */
interface Ageing {
  /** Milliseconds. */
  most: number
  /** When it was set: what waited already waits since then, as far as is known. */
  from: number
  /** When the queue is to be looked through next for what has waited for too long. */
  nextSweep: number
  listener: StaleMessageListener
}

const FIN = 0x80
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
  /** How many of those that `message`, `frame` and `encodedFrames` were given the wire has taken. They go in their order. */
  taken = 0

  private readonly shared: SenderShared
  private readonly wire: Wire
  private readonly masks: boolean
  private ageing: Ageing | undefined

  /** What has been encoded for the next write; none while there is nothing. */
  private batch: Batch | undefined
  /** The batch that the wire holds. */
  private flight: Batch | undefined
  /** Bytes that the wire holds. */
  private inFlight = 0
  /** There only while something waits. */
  private backlog: Backlog | undefined
  /** No more messages are taken: the Close frame has its place behind them, or the connection is lost. */
  private shut = false
  /** Frames that waited are being encoded: what a listener sends meanwhile goes behind them. */
  private filling = false
  /** The connection is lost. */
  private ended = false

  constructor(shared: SenderShared, wire: Wire, masks: boolean) {
    this.shared = shared
    this.wire = wire
    this.masks = masks
  }

  /** Has messages dropped that wait for longer than so many milliseconds; infinite for never. The listener is told of each. */
  limitAge(milliseconds: number, listener: StaleMessageListener): void {
    const from = this.ageing?.from ?? this.shared.now()
    this.ageing =
      milliseconds === Number.POSITIVE_INFINITY ? undefined : { most: milliseconds, from, nextSweep: 0, listener }
  }

  /** Bytes that the wire has taken, of `bytesSent`. */
  get bytesTaken(): number {
    return this.bytesSent - this.inFlight
  }

  /** Bytes that the wire has not taken: frames that are encoded, and the payloads of messages that wait. */
  get bufferedAmount(): number {
    return this.inFlight + (this.batch === undefined ? 0 : this.batch.size) + (this.backlog?.size ?? 0)
  }

  /** What is held for the peer, all told: a message that waits costs memory beside its payload. */
  get load(): number {
    return this.bufferedAmount + (this.backlog === undefined ? 0 : this.backlog.count * WAITING_COST)
  }

  /** Whether the message that is sent in fragments can go on: it was not discarded, nor the connection lost. */
  get takesFrames(): boolean {
    return this.backlog?.fragmenting === true
  }

  /** Whether the wire holds bytes, or the encoder a message, so that what is sent now has to wait. */
  get blocked(): boolean {
    return this.inFlight > 0 || this.backlog?.encoding !== undefined
  }

  /** Whether messages wait only for a flush: the batch is full, but the wire takes more. */
  get overfull(): boolean {
    return this.backlog !== undefined && this.backlog.queue.length > 0 && !this.blocked
  }

  /**
   * A text message as a string, a binary one as bytes, either one prepared. Bytes are not to be changed until written.
   * @param key a message that still waits with the same key is replaced, where it stands
   * @param asIs not to be encoded as an extension says
   */
  message(opcode: number, data: Sendable, key?: string, asIs = false): void {
    if (!this.mustWait()) return this.encodeMessage(FIN | opcode, data, asIs)
    const waiting = this.waiting(FIN | opcode, data, key, asIs)
    const older = key === undefined ? undefined : this.backlog?.queue.withKey(key)
    if (older === undefined) return this.enqueue(waiting)
    this.backlog?.queue.replace(older, waiting)
    this.coalesced++
  }

  /**
   * One frame in its turn, whose first byte is given, so that the caller keeps the order of a message's fragments. Control
   * frames as well wait their turn here. It is not encoded as an extension says.
   */
  frame(firstByte: number, data: string | Uint8Array): void {
    if (!this.mustWait()) this.encodeMessage(firstByte, data, true)
    else this.enqueue(this.waiting(firstByte, data, undefined, true))
  }

  /** Frames that the caller has encoded, whatever they are, in their turn. */
  encodedFrames(pieces: readonly Uint8Array[]): void {
    const frames = new EncodedFrames(pieces)
    if (!this.mustWait()) this.appendFrames(frames)
    else this.enqueue(this.waiting(0, frames, undefined, true))
  }

  /** What `load` would be if this message were sent now and had to wait. */
  loadWith(data: Sendable, key?: string): number {
    const older = key === undefined ? undefined : this.backlog?.queue.withKey(key)
    return this.load + this.sizeOf(data) + (older === undefined ? WAITING_COST : -older.size)
  }

  /** Drops what has waited for too long; a message is looked at a few times in its life, however often this is called. */
  dropStale(): void {
    const { ageing, backlog } = this
    if (ageing === undefined || backlog === undefined) return
    const now = this.shared.now()
    if (now < ageing.nextSweep) return
    const stale = backlog.queue.remove((waiting) => this.isStale(waiting, now))
    this.forgetBacklog()
    // Not within itself, for what a listener sends.
    ageing.nextSweep = Number.POSITIVE_INFINITY
    for (const waiting of stale) this.dropped(waiting)
    ageing.nextSweep = now + ageing.most / SWEEPS
  }

  /** Takes a place in the queue for a message in fragments; `begin` is called, perhaps at once, when it may start. */
  beginFragments(begin: () => void): void {
    if (this.mustWait()) {
      this.enqueue({ ...this.waiting(0, EMPTY), begin })
    } else {
      this.waits().fragmenting = true
      begin()
    }
  }

  /** One frame of the message that `beginFragments` began; `fin` ends it. */
  fragment(opcode: number, data: string | Uint8Array, fin: boolean): void {
    const { backlog } = this
    // After `discard` a part of the message is missing.
    if (!backlog?.fragmenting) return
    const firstByte = fin ? FIN | opcode : opcode
    if (this.inFlight > 0) backlog.goAhead(this.waiting(firstByte, data))
    else this.encode(firstByte, data)
    if (!fin) return
    backlog.fragmenting = false
    this.forgetBacklog()
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
    const pending = (this.batch?.pongs ?? 0) + (this.flight?.pongs ?? 0) + (this.backlog?.pongsAhead ?? 0)
    if (pending < MAX_PENDING_PONGS) this.controlFrame(Opcode.Pong, payload)
    else if (!this.closeSent && !this.ended) this.waits().newestPong = payload
  }

  /** The Close frame, behind everything that was sent before it. Messages after it are dropped, as is a second one. */
  close(payload: Uint8Array): void {
    if (this.mustWait()) {
      this.enqueue(this.waiting(FIN | Opcode.Close, payload))
      this.shut = true
    } else {
      this.shut = true
      this.encode(FIN | Opcode.Close, payload)
    }
  }

  /** Discards what waits, a Close frame included, so that the next one follows the frame under way. */
  discard(): void {
    const { backlog } = this
    if (backlog?.hasMessages) this.hasDiscarded = true
    this.backlog = undefined
    backlog?.giveUpEncoding?.()
    this.shut = this.closeSent || this.ended
  }

  /** Gives up: nothing is encoded or written any more. */
  end(): void {
    this.ended = true
    this.discard()
    this.batch?.release()
    this.batch = undefined
    // What the wire still holds is not released: it must not be written over, since it could reach the peer.
    if (this.flight !== undefined) this.flight.has = 0
    this.inFlight = 0
  }

  /** Writes the batch, and what waits behind it, until the wire holds something. Returns what the wire took. */
  flush(): number {
    let taken = 0
    while (this.inFlight === 0 && !this.ended && !this.filling) {
      if (this.backlog !== undefined && !this.isFull()) this.encodeWaiting()
      const { batch } = this
      if (batch === undefined) break
      this.batch = undefined
      this.flight = batch
      this.inFlight = batch.size
      this.bytesSent += batch.size
      if (!batch.writeTo(this.wire)) break
      taken |= this.written()
    }
    return taken
  }

  /** The wire has let go of what it held. Returns what that was. */
  written(): number {
    const { flight } = this
    const has = flight === undefined ? 0 : flight.has
    this.inFlight = 0
    this.flight = undefined
    this.taken += flight?.inTurn ?? 0
    flight?.release()
    // At once, so that nothing that is sent from here on gets before it.
    if (this.backlog !== undefined) this.encodeAhead(this.backlog)
    return has
  }

  /** The wire holds so many bytes of what it had gathered, until `written`. */
  held(length: number): void {
    if (!this.ended) this.inFlight += length
  }

  private isFull(): boolean {
    return this.batch !== undefined && this.batch.size >= BATCH_SIZE
  }

  private mustWait(): boolean {
    return this.inFlight > 0 || this.backlog !== undefined || this.shut || this.filling || this.isFull()
  }

  private controlFrame(opcode: number, payload: Uint8Array): void {
    if (this.closeSent || this.ended) return
    if (this.inFlight > 0) this.waits().goAhead(this.waiting(FIN | opcode, payload))
    else this.encode(FIN | opcode, payload)
  }

  // What waits

  private waits(): Backlog {
    this.backlog ??= new Backlog()
    return this.backlog
  }

  private forgetBacklog(): void {
    if (this.backlog?.isEmpty) this.backlog = undefined
  }

  private waiting(firstByte: number, data: Sendable | EncodedFrames, key?: string, asIs = false): Waiting {
    const since = this.ageing === undefined ? 0 : this.shared.now()
    return { firstByte, data, size: this.sizeOf(data), begin: undefined, key, asIs, since }
  }

  private enqueue(waiting: Waiting): void {
    if (!this.shut) this.waits().queue.push(waiting)
  }

  private isStale(waiting: Waiting, now: number): boolean {
    const { ageing } = this
    // A Close frame has no age, nor has the place of a message that is to come in fragments.
    if (ageing === undefined || waiting.begin !== undefined || !isOfMessage(waiting)) return false
    return now - (waiting.since || ageing.from) > ageing.most
  }

  private dropped({ firstByte, data }: Waiting): void {
    if (!(data instanceof EncodedFrames)) this.ageing?.listener(firstByte & 0x0f, data)
  }

  private sizeOf(data: Sendable | EncodedFrames): number {
    if (typeof data === 'string') return this.shared.platform.utf8Length(data)
    return data instanceof PreparedMessage ? data.payload.length : data.length
  }

  /** Encodes the frames that go ahead of the queue. */
  private encodeAhead(backlog: Backlog): void {
    this.filling = true
    for (const frame of backlog.takeAhead()) {
      this.encodeAsIs(frame)
      // A listener has the rest discarded.
      if (this.backlog !== backlog) break
    }
    this.filling = false
    if (this.backlog === backlog) this.encodeNewestPong(backlog)
    this.forgetBacklog()
  }

  /** Encodes what waits, as much as a batch takes. */
  private encodeWaiting(): void {
    if (this.backlog !== undefined) this.encodeNewestPong(this.backlog)
    this.filling = true
    while (!this.isFull()) {
      // Not the same one all the time, if a listener has it discarded.
      const { backlog } = this
      if (backlog === undefined || backlog.fragmenting || backlog.encoding !== undefined) break
      const next = backlog.queue.shift()
      if (next === undefined) break
      if (next.begin !== undefined) {
        backlog.fragmenting = true
        next.begin()
      } else if (this.ageing !== undefined && this.isStale(next, this.shared.now())) {
        this.dropped(next)
      } else if (next.data instanceof EncodedFrames) {
        this.appendFrames(next.data)
      } else {
        this.encodeMessage(next.firstByte, next.data, next.asIs)
      }
    }
    this.filling = false
    this.forgetBacklog()
  }

  private encodeNewestPong(backlog: Backlog): void {
    const payload = backlog.newestPong
    backlog.newestPong = undefined
    if (payload !== undefined) this.encode(FIN | Opcode.Pong, payload)
  }

  // Encoding

  private appendFrames({ pieces }: EncodedFrames): void {
    this.batch ??= Batch.take(this.shared)
    for (const piece of pieces) this.batch.copy(piece)
    this.batch.inTurn++
  }

  /** A whole message, or a frame that comes in its turn. */
  private encodeMessage(firstByte: number, data: Sendable, asIs: boolean): void {
    const { encoder } = this
    if (encoder === undefined || asIs || isControl(firstByte & 0x0f)) return this.encodeInTurn(firstByte, data)
    if (encoder.isLong(data)) return this.encodeLater(encoder, firstByte, data)
    const encoded = encoder.encode(data)
    if (encoded === undefined) return this.encodeInTurn(firstByte, data)
    // The next message may be written over it; only what is copied behind its header, or prepared, need not be copied here.
    const isKept = encoded.length <= COPY_LIMIT || data instanceof PreparedMessage
    this.encodeInTurn(firstByte | encoder.reservedBit, isKept ? encoded : copyOf(encoded))
  }

  private encodeLater(encoder: MessageEncoder, firstByte: number, data: Sendable): void {
    const encoding = this.waiting(firstByte, data)
    const backlog = this.waits()
    backlog.encoding = encoding
    backlog.giveUpEncoding = encoder.encodeLater(data, (encoded) => {
      // It may have been discarded.
      if (this.backlog !== backlog || backlog.encoding !== encoding) return
      backlog.encoding = undefined
      backlog.giveUpEncoding = undefined
      const frame = encoded === undefined ? encoding : this.waiting(firstByte | encoder.reservedBit, encoded)
      if (this.inFlight > 0) backlog.goAhead(frame)
      else this.encodeAsIs(frame)
      this.forgetBacklog()
      this.encodedListener?.()
    })
  }

  /** A frame that goes ahead, or whose message an extension has encoded. */
  private encodeAsIs(frame: Waiting): void {
    const { firstByte, data } = frame
    if (data instanceof EncodedFrames) this.appendFrames(data)
    else if (isOfMessage(frame)) this.encodeInTurn(firstByte, data)
    else this.encode(firstByte, data)
  }

  private encodeInTurn(firstByte: number, data: Sendable): void {
    this.encode(firstByte, data)
    if (this.batch !== undefined) this.batch.inTurn++
  }

  private encode(firstByte: number, data: Sendable): void {
    this.batch ??= Batch.take(this.shared)
    const { batch, masks, frameListener } = this
    // Not by the byte as it is: that of an encoded message has a reserved bit.
    if (isControl(firstByte & 0x0f)) {
      batch.note(firstByte & 0x0f)
      if ((firstByte & 0x0f) === Opcode.Close) this.closeSent = true
    }
    if (typeof data === 'string') {
      if (data.length * 3 <= COPY_LIMIT) batch.shortText(firstByte, data, masks, frameListener)
      else batch.bytes(firstByte, this.utf8(data), masks, frameListener)
    } else if (data instanceof PreparedMessage) {
      if (masks || data.payload.length <= PREPARED_COPY_LIMIT || frameListener !== undefined) {
        batch.bytes(firstByte, data.payload, masks, frameListener)
      } else {
        batch.append(data.frame)
      }
    } else {
      batch.bytes(firstByte, data, masks, frameListener)
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
}
