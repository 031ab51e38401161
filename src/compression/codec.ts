import type { Side } from '../protocol/error.ts'
import type { DecodeFailure, MessageCodec, MessageDecoder, MessageEncoder } from '../protocol/message-codec.ts'
import { type DeflateParameters, formatDeflate } from '../protocol/permessage-deflate.ts'
import { PreparedMessage } from '../protocol/prepared.ts'
import type { Sendable } from '../protocol/send-queue.ts'
import type { Deflate } from './deflate.ts'
import { type Engine, sharedEngine } from './engine.ts'
import { History } from './history.ts'
import { type Inflate, MOST_AT_ONCE } from './inflate.ts'
import { type Inflated, TOO_MUCH } from './inflation.ts'
import type { CompressionSettings } from './settings.ts'

const RSV1 = 0x40
/** Messages of up to so many bytes are compressed at once, larger ones in the thread pool. */
const LONG = 16 * 1024
/** Larger messages are sent as they are: zlib counts in 32 bits what it takes and gives. */
const MOST_COMPRESSED = 1024 * 1024 * 1024
/** Bytes that a string of the longest that is compressed at once takes as UTF-8. */
const utf8 = Buffer.allocUnsafeSlow(LONG * 3)
/** Compressed messages of up to so many bytes are inflated at once, if they do not come to more than `MOST_AT_ONCE`. */
const LONG_COMPRESSED = 64 * 1024
/** Bytes that may come out of any compressed message before `maxRatio` is looked at. */
const RATIO_FROM = 16 * 1024

/**
 * What two ends have agreed on of permessage-deflate, done for one connection (RFC 7692 section 7.2).
 * @param engine what does the work
 */
export function deflateCodec(
  settings: CompressionSettings,
  agreed: DeflateParameters,
  side: Side,
  engine: Engine = sharedEngine(),
): MessageCodec {
  const { mode, level, threshold, windowBits, maxRatio } = settings
  const [ownBits, peerBits] =
    side === 'server'
      ? [agreed.serverMaxWindowBits, agreed.clientMaxWindowBits]
      : [agreed.clientMaxWindowBits, agreed.serverMaxWindowBits]
  const [ownAlone, peerAlone] =
    side === 'server'
      ? [agreed.serverNoContextTakeover, agreed.clientNoContextTakeover]
      : [agreed.clientNoContextTakeover, agreed.serverNoContextTakeover]
  const keeps = mode === 'takeover' && !ownAlone
  return {
    encoder: new DeflateEncoder(
      engine.deflate(ownBits, level),
      threshold,
      keeps ? new History(2 ** Math.min(windowBits, ownBits)) : undefined,
    ),
    decoder: new DeflateDecoder(engine.inflate, maxRatio, peerAlone ? undefined : new History(2 ** peerBits)),
    get extensions() {
      return formatDeflate(agreed)
    },
  }
}

class DeflateEncoder implements MessageEncoder {
  readonly reservedBit = RSV1
  private readonly deflate: Deflate
  private readonly threshold: number
  /** What was sent compressed so far, where messages may refer to it. */
  private readonly history: History | undefined

  constructor(deflate: Deflate, threshold: number, history: History | undefined) {
    this.deflate = deflate
    // There is nothing to gain from an empty message.
    this.threshold = Math.max(1, threshold)
    this.history = history
  }

  isLong(message: Sendable): boolean {
    if (message instanceof PreparedMessage) {
      const { length } = message.payload
      return length > LONG && this.isWorthwhile(length) && !this.deflate.has(message)
    }
    if (message.length <= LONG) return false
    return this.isWorthwhile(typeof message === 'string' ? Buffer.byteLength(message) : message.length)
  }

  encode(message: Sendable): Uint8Array | undefined {
    if (message instanceof PreparedMessage) return this.prepared(message)
    const payload = typeof message === 'string' ? this.bytesOf(message) : message
    if (payload === undefined || !this.isWorthwhile(payload.length)) return undefined
    return this.accept(payload, this.deflate.compress(payload, this.history?.window))
  }

  encodeLater(message: Sendable, done: (encoded: Uint8Array | undefined) => void): () => void {
    if (message instanceof PreparedMessage) {
      const { payload } = message
      return this.deflate.compressPreparedLater(message, (compressed) => done(this.accept(payload, compressed)))
    }
    const payload = typeof message === 'string' ? Buffer.from(message) : message
    const { window } = this.history ?? {}
    return this.deflate.compressLater(payload, window, (compressed) => done(this.accept(payload, compressed)))
  }

  /** For others it is compressed without a history; here it becomes part of it all the same. */
  private prepared(message: PreparedMessage): Uint8Array | undefined {
    const { payload } = message
    return this.isWorthwhile(payload.length) ? this.accept(payload, this.deflate.compressPrepared(message)) : undefined
  }

  private isWorthwhile(length: number): boolean {
    return length >= this.threshold && length <= MOST_COMPRESSED
  }

  /** What was made of a message, if it is sent so. Only then the peer has it in its window. */
  private accept(payload: Uint8Array, compressed: Uint8Array | undefined): Uint8Array | undefined {
    if (compressed === undefined || compressed.length >= payload.length) return undefined
    this.history?.push(payload)
    return compressed
  }

  /** A text's bytes until the next call; undefined for one that is too short, as a longer one is that is not `isLong`. */
  private bytesOf(text: string): Uint8Array | undefined {
    if (text.length * 3 < this.threshold || text.length > LONG) return undefined
    return utf8.subarray(0, utf8.write(text))
  }
}

class DeflateDecoder implements MessageDecoder {
  readonly reservedBit = RSV1
  private readonly inflate: Inflate
  private readonly maxRatio: number
  private readonly history: History | undefined

  constructor(inflate: Inflate, maxRatio: number, history: History | undefined) {
    this.inflate = inflate
    this.maxRatio = maxRatio
    this.history = history
  }

  /** With one bit a byte more, as fixed codes have it, and a block's header every 512 bytes or so; more is a waste. */
  encodedLimit(maxPayload: number): number {
    return maxPayload + Math.ceil(maxPayload / 8) + Math.ceil(maxPayload / 64) + 64
  }

  decode(encoded: Uint8Array, maxPayload: number): Uint8Array | DecodeFailure | undefined {
    // Of an empty message zlib makes nothing behind a flush, where it should be an empty block: peers send it as it is.
    if (encoded.length === 0) return encoded
    if (encoded.length > LONG_COMPRESSED) return undefined
    const { length } = encoded
    const limit = Math.min(maxPayload, this.limitByRatio(length))
    const inflated = this.inflate.inflate(encoded, this.history?.window, Math.min(limit, MOST_AT_ONCE))
    if (inflated === TOO_MUCH && limit > MOST_AT_ONCE) return undefined
    return this.accept(inflated, length, maxPayload)
  }

  decodeLater(
    encoded: Uint8Array,
    maxPayload: number,
    done: (decoded: Uint8Array | DecodeFailure) => void,
  ): () => void {
    // Nothing else of it is kept until it is done.
    const { length } = encoded
    const limit = Math.min(maxPayload, this.limitByRatio(length))
    return this.inflate.inflateLater(encoded, this.history?.window, limit, (inflated) =>
      done(this.accept(inflated, length, maxPayload)),
    )
  }

  /** @param length of the message as it came */
  private limitByRatio(length: number): number {
    return Math.max(RATIO_FROM, Math.floor(length * this.maxRatio))
  }

  private accept(inflated: Inflated, length: number, maxPayload: number): Uint8Array | DecodeFailure {
    if (inflated === TOO_MUCH) return this.tooMuch(length, maxPayload)
    if (inflated instanceof Uint8Array) this.history?.push(inflated)
    return inflated
  }

  private tooMuch(length: number, maxPayload: number): DecodeFailure {
    if (this.limitByRatio(length) >= maxPayload) {
      const what = `sent ${length} bytes of compressed data that come to more than ${maxPayload}, the limit (maxPayload)`
      return { code: 'MESSAGE_TOO_LARGE', what }
    }
    const what = `sent ${length} bytes of compressed data that come to more than ${this.maxRatio} times as many (compression.maxRatio)`
    return { code: 'COMPRESSION_RATIO', what }
  }
}
