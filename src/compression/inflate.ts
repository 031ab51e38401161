import { constants as bufferConstants } from 'node:buffer'
import { constants, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib'
import { copyOf } from '../protocol/copy.ts'
import type { DecodeFailure } from '../protocol/message-codec.ts'
import { findZlib, RawZlib } from './raw-zlib.ts'
import { startJob } from './thread-pool.ts'

/**
 * What is read behind each message: the empty stored block that its sender left out (RFC 7692 section 7.2.2), and a final
 * block with the letter U. If that letter is all that comes out of this, the message ended where a block does.
 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x0b, 0x05, 0x00])
const LETTER = 0x55

/** No compressed message refers further back. */
const MOST_HISTORY = 32 * 1024
/** Blocks of one message with BFINAL set: after each of them zlib begins anew. Those who set it do so once a message. */
const MAX_FINAL_BLOCKS = 16

/** What is inflated at once, in bytes: 0.4 ms for text (Node 20). What turns out to be more begins anew in the thread pool. */
export const MOST_AT_ONCE = 256 * 1024

/** More than the limit comes out. */
export const TOO_MUCH = 'too much'
/** Bytes, or what is wrong with them. */
export type Inflated = Uint8Array | typeof TOO_MUCH | DecodeFailure

let stream: RawZlib | undefined
let output: Uint8Array | undefined
const { MAX_LENGTH } = bufferConstants
const probe = Buffer.alloc(TAIL.length + 1)

/**
 * Inflates at once, to at most `limit` bytes, for which there is room in memory that the next call writes over.
 * @param history what came before and may be referred to
 * @param limit at most `MOST_AT_ONCE`
 */
export function inflateNow(data: Uint8Array, history: Uint8Array | undefined, limit: number): Inflated {
  const zlib = findZlib()
  if (zlib === undefined) return inflatePublicly(data, history, limit)
  stream ??= new RawZlib(zlib, 'inflate', { windowBits: 15, level: 0 })
  output ??= Buffer.allocUnsafeSlow(MOST_AT_ONCE + 1)
  stream.begin(history)
  let from = 0
  let length = 0
  for (let finals = 0; ; finals++) {
    stream.write(data, from, data.length - from, output, length, limit + 1 - length)
    const [free = 0, unread = 0] = stream.left
    if (stream.failure !== undefined) return corrupt(stream.failure)
    length = limit + 1 - free
    if (length > limit) return TOO_MUCH
    if (unread === 0) break
    // Room and input are left: a final block has ended the stream. What follows it may refer to what came before it.
    if (finals === MAX_FINAL_BLOCKS) return corrupt(`it has more than ${MAX_FINAL_BLOCKS} final blocks`)
    from = data.length - unread
    stream.begin(historyBehind(history, output.subarray(0, length)))
  }
  stream.write(TAIL, 0, TAIL.length, probe, 0, probe.length)
  const [free = 0, unread = 0] = stream.left
  // Or the message ended with a final block, behind which nothing is read.
  const ended = stream.failure === undefined && unread === TAIL.length
  const whole = stream.failure === undefined && unread === 0 && free === probe.length - 1 && probe[0] === LETTER
  return ended || whole ? output.subarray(0, length) : corrupt(CUT_SHORT)
}

/** As `inflateNow`, in the thread pool, into memory of its own and without a bound for `limit`. */
export function inflateLater(
  data: Uint8Array,
  history: Uint8Array | undefined,
  limit: number,
  done: (inflated: Inflated) => void,
): void {
  const inflation = new Inflation(data, history, limit)
  startJob((ended) => {
    const finish = (inflated: Inflated) => {
      ended()
      done(inflated)
    }
    const step = () => {
      inflateRaw(inflation.input, inflation.options, (error, result) => {
        // With `info` the result is not what the types say.
        const inflated =
          error === null ? inflation.take(result as unknown as InflateInfo) : inflation.failed(error as ZlibError)
        if (inflated === undefined) step()
        else finish(inflated)
      })
    }
    step()
  })
}

/** With zlib's public functions alone. */
function inflatePublicly(data: Uint8Array, history: Uint8Array | undefined, limit: number): Inflated {
  const inflation = new Inflation(data, history, limit)
  for (;;) {
    try {
      const inflated = inflation.take(inflateRawSync(inflation.input, inflation.options) as unknown as InflateInfo)
      if (inflated !== undefined) return inflated
    } catch (error) {
      return inflation.failed(error as ZlibError)
    }
  }
}

/** What zlib's functions give with the option `info`. */
interface InflateInfo {
  buffer: Uint8Array
  engine: { bytesWritten: number }
}

interface ZlibError extends Error {
  code?: string
}

/** A message on its way through zlib's functions, once for each final block in it. */
class Inflation {
  input: Uint8Array
  private readonly limit: number
  private readonly history: Uint8Array | undefined
  private inflated: Uint8Array = Buffer.alloc(0)
  private finals = 0

  constructor(data: Uint8Array, history: Uint8Array | undefined, limit: number) {
    this.input = Buffer.concat([data, TAIL])
    this.limit = limit
    this.history = history === undefined ? undefined : copyOf(history)
  }

  get options(): ZlibOptions {
    const dictionary = historyBehind(this.history, this.inflated)
    return {
      finishFlush: constants.Z_SYNC_FLUSH,
      // The letter comes on top.
      maxOutputLength: Math.min(this.limit + 1 - this.inflated.length, MAX_LENGTH),
      info: true,
      ...(dictionary === undefined ? {} : { dictionary }),
    }
  }

  /** Takes what came out; the whole message at its end, undefined if there is more to come. */
  take({ buffer, engine }: InflateInfo): Inflated | undefined {
    const { bytesWritten } = engine
    this.input = this.input.subarray(bytesWritten)
    this.inflated = this.inflated.length === 0 ? buffer : Buffer.concat([this.inflated, buffer])
    if (this.input.length === 0) {
      const length = this.inflated.length - 1
      const whole = this.inflated[length] === LETTER && bytesWritten >= TAIL.length
      return whole ? this.inflated.subarray(0, length) : corrupt(CUT_SHORT)
    }
    // A final block has ended the stream before its end.
    if (this.inflated.length > this.limit) return TOO_MUCH
    if (this.finals === MAX_FINAL_BLOCKS) return corrupt(`it has more than ${MAX_FINAL_BLOCKS} final blocks`)
    this.finals++
    return undefined
  }

  failed(error: ZlibError): Inflated {
    return error.code === 'ERR_BUFFER_TOO_LARGE' ? TOO_MUCH : corrupt(error.message)
  }
}

const CUT_SHORT = 'it ends inside a block'

function corrupt(why: string): DecodeFailure {
  return {
    code: 'INVALID_COMPRESSED_DATA',
    what: `sent a message with RSV1 set that is no deflate data: ${why}`,
  }
}

/** What a message may refer to behind what has come of it already; a copy. */
function historyBehind(history: Uint8Array | undefined, inflated: Uint8Array): Uint8Array | undefined {
  if (inflated.length === 0) return history
  const own = inflated.subarray(Math.max(0, inflated.length - MOST_HISTORY))
  if (history === undefined || own.length === MOST_HISTORY) return copyOf(own)
  return Buffer.concat([history.subarray(Math.max(0, history.length - (MOST_HISTORY - own.length))), own])
}
