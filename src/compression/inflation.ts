import { constants as bufferConstants } from 'node:buffer'
import { constants, type ZlibOptions } from 'node:zlib'
import { copyOf } from '../protocol/copy.ts'
import type { DecodeFailure } from '../protocol/message-codec.ts'

/**
 * What is read behind each message: the empty stored block that its sender left out (RFC 7692 section 7.2.2), then a final
 * block with the letter U, and a byte that is left unread. If that letter is all that comes out of this, and that byte all
 * that is left, the message ended where a block does.
 */
export const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x0b, 0x05, 0x00, 0x00])
export const LETTER = 0x55

/** No compressed message refers further back. */
const MOST_HISTORY = 32 * 1024
/**
 * Blocks with BFINAL set that others follow in one message: after each of them zlib begins anew. Those who set it do so at
 * the end of a message.
 */
export const MOST_FINAL_BLOCKS = 16
/** Most that zlib's functions give at a time. */
const CHUNK = 64 * 1024
const { MAX_LENGTH } = bufferConstants

/** More than the limit comes out. */
export const TOO_MUCH = 'too much'
/** Bytes, or what is wrong with them. */
export type Inflated = Uint8Array | typeof TOO_MUCH | DecodeFailure

/** What zlib's functions give with the option `info`, which is not what their types say. */
export interface InflateInfo {
  buffer: Uint8Array
  engine: { bytesWritten: number }
}

export interface ZlibError extends Error {
  code?: string
}

/** A message on its way through zlib's public functions, once for each final block in it. */
export class Inflation {
  /** What is to be read next. */
  input: Uint8Array
  private readonly limit: number
  private history: Uint8Array | undefined
  private readonly pieces: Uint8Array[] = []
  private length = 0

  constructor(data: Uint8Array, history: Uint8Array | undefined, limit: number) {
    this.input = Buffer.concat([data, TAIL])
    this.limit = limit
    this.history = history === undefined ? undefined : copyOf(history)
  }

  get options(): ZlibOptions {
    const { history, input, limit, length } = this
    return {
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(64, Math.min(limit + 1, input.length * 8, CHUNK)),
      // The letter comes on top.
      maxOutputLength: Math.min(limit + 1 - length, MAX_LENGTH),
      info: true,
      ...(history === undefined ? {} : { dictionary: history }),
    }
  }

  /** Takes what came out; the whole message at its end, undefined if there is more to come. */
  take({ buffer, engine }: InflateInfo): Inflated | undefined {
    this.input = this.input.subarray(engine.bytesWritten)
    this.pieces.push(buffer)
    this.length += buffer.length
    const unread = this.input.length
    if (unread < TAIL.length) return unread === 1 && buffer.at(-1) === LETTER ? this.whole(1) : corrupt(CUT_SHORT)
    if (this.length > this.limit) return TOO_MUCH
    // A final block has ended the stream: at the end of the message, or before it.
    if (unread === TAIL.length) return this.whole(0)
    this.history = windowBehind(this.history, buffer)
    return this.pieces.length > MOST_FINAL_BLOCKS ? corrupt(TOO_MANY_FINAL_BLOCKS) : undefined
  }

  failed(error: ZlibError): Inflated {
    return error.code === 'ERR_BUFFER_TOO_LARGE' ? TOO_MUCH : corrupt(error.message)
  }

  private whole(less: number): Uint8Array {
    const [first = this.input] = this.pieces
    const all = this.pieces.length === 1 ? first : Buffer.concat(this.pieces)
    return all.subarray(0, this.length - less)
  }
}

export const CUT_SHORT = 'it ends inside a block'
export const TOO_MANY_FINAL_BLOCKS = `it goes on behind more than ${MOST_FINAL_BLOCKS} final blocks`

export function corrupt(why: string): DecodeFailure {
  return {
    code: 'INVALID_COMPRESSED_DATA',
    what: `sent a message with RSV1 set that is no deflate data: ${why}`,
  }
}

/** What a message may refer to behind what has come of it already; a copy. */
export function windowBehind(history: Uint8Array | undefined, inflated: Uint8Array): Uint8Array | undefined {
  if (inflated.length === 0) return history
  const own = inflated.subarray(Math.max(0, inflated.length - MOST_HISTORY))
  if (history === undefined || own.length === MOST_HISTORY) return copyOf(own)
  return Buffer.concat([history.subarray(Math.max(0, history.length - (MOST_HISTORY - own.length))), own])
}
