import { inflateRaw, inflateRawSync } from 'node:zlib'
import {
  CUT_SHORT,
  corrupt,
  type Inflated,
  type InflateInfo,
  Inflation,
  LETTER,
  MOST_FINAL_BLOCKS,
  TAIL,
  TOO_MANY_FINAL_BLOCKS,
  TOO_MUCH,
  windowBehind,
  type ZlibError,
} from './inflation.ts'
import { RawZlib, type Zlib } from './raw-zlib.ts'
import { startJob } from './thread-pool.ts'

/** What is inflated at once, in bytes: 0.4 ms for text (Node 20). What turns out to be more begins anew in the thread pool. */
export const MOST_AT_ONCE = 256 * 1024

/** What comes of the tail of a message is looked at, and not kept. */
const probe = Buffer.alloc(8)

/** Inflates messages, for all connections of the thread. It keeps nothing from one message to the next. */
export class Inflate {
  private readonly zlib: Zlib | undefined
  private stream: RawZlib | undefined
  private output: Uint8Array = probe

  constructor(zlib: Zlib | undefined) {
    this.zlib = zlib
  }

  /**
   * Inflates at once, to at most `limit` bytes, for which there is room in memory that the next call writes over.
   * @param history what came before and may be referred to
   * @param limit at most `MOST_AT_ONCE`
   */
  inflate(data: Uint8Array, history: Uint8Array | undefined, limit: number): Inflated {
    if (this.zlib === undefined) return inflatePublicly(data, history, limit)
    if (this.stream === undefined) {
      this.stream = new RawZlib(this.zlib, 'inflate', { windowBits: 15, level: 0 })
      this.output = Buffer.allocUnsafeSlow(MOST_AT_ONCE + 1)
    }
    return inflateWith(this.stream, data, history, limit, this.output)
  }

  /**
   * As `inflate`, in the thread pool, into memory of its own and without a bound for `limit`. Returns what gives it up, if it
   * has not begun.
   */
  inflateLater(
    data: Uint8Array,
    history: Uint8Array | undefined,
    limit: number,
    done: (inflated: Inflated) => void,
  ): () => void {
    const inflation = new Inflation(data, history, limit)
    return startJob((ended) => {
      const step = () => {
        inflateRaw(inflation.input, inflation.options, (error, result) => {
          const inflated =
            error === null ? inflation.take(result as unknown as InflateInfo) : inflation.failed(error as ZlibError)
          if (inflated === undefined) return step()
          ended()
          done(inflated)
        })
      }
      step()
    })
  }
}

function inflateWith(
  stream: RawZlib,
  data: Uint8Array,
  history: Uint8Array | undefined,
  limit: number,
  output: Uint8Array,
): Inflated {
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
    if (finals === MOST_FINAL_BLOCKS) return corrupt(TOO_MANY_FINAL_BLOCKS)
    from = data.length - unread
    stream.begin(windowBehind(history, output.subarray(0, length)))
  }
  stream.write(TAIL, 0, TAIL.length, probe, 0, probe.length)
  const [free = 0, unread = 0] = stream.left
  if (stream.failure !== undefined) return corrupt(CUT_SHORT)
  // Behind a final block at the end of the message nothing is read.
  const ended = unread === TAIL.length
  const whole = unread === 1 && free === probe.length - 1 && probe[0] === LETTER
  return ended || whole ? output.subarray(0, length) : corrupt(CUT_SHORT)
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
