import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import { copyOf } from '../protocol/copy.ts'
import type { PreparedMessage } from '../protocol/prepared.ts'
import { MEM_LEVEL, RawZlib, type Zlib } from './raw-zlib.ts'
import { startJob } from './thread-pool.ts'

/** An empty stored block, with which each message ends and which is not sent (RFC 7692 section 7.2.1). */
const TAIL_LENGTH = 4

/** What a connection's compressed message may be in another's: nothing of it depends on the connection. */
interface PreparedDeflate {
  bytes: Uint8Array | undefined
  /** Who waits for it, while it is being compressed. */
  waiting: Waiting | undefined
}

type Waiting = Set<(bytes: Uint8Array | undefined) => void>

/**
 * Compresses messages with one window size and one level, for all connections of the thread that have agreed on them. It
 * keeps nothing from one message to the next; what came before is given as `history`.
 */
export class Deflate {
  private readonly settings: { windowBits: number; level: number }
  private readonly stream: RawZlib | undefined
  private output = EMPTY
  private readonly zlib: Zlib | undefined
  /** Those for the thread pool that have nothing to do: as many as it has worked on at the same time, which is four at most. */
  private readonly idle: RawZlib[] = []
  private readonly prepared = new WeakMap<PreparedMessage, PreparedDeflate>()

  constructor(windowBits: number, level: number, zlib: Zlib | undefined) {
    this.settings = { windowBits, level }
    this.zlib = zlib
    if (zlib !== undefined) this.stream = new RawZlib(zlib, 'deflate', this.settings)
  }

  /**
   * Compresses at once.
   * @returns what is written over by the next call; undefined if zlib cannot
   */
  compress(data: Uint8Array, history: Uint8Array | undefined): Uint8Array | undefined {
    const { stream } = this
    if (stream === undefined) return withoutTail(deflateRawSync(data, this.options(data, history)))
    const room = mostCompressed(data.length)
    if (this.output.length < room) this.output = Buffer.allocUnsafeSlow(room)
    stream.begin(history)
    stream.write(data, 0, data.length, this.output, 0, this.output.length)
    const [free = 0, unread] = stream.left
    if (stream.failure !== undefined || unread !== 0 || free === 0) return undefined
    return this.output.subarray(0, this.output.length - free - TAIL_LENGTH)
  }

  /** Compresses in the thread pool, into memory of its own. Returns what gives it up, if it has not begun. */
  compressLater(
    data: Uint8Array,
    history: Uint8Array | undefined,
    done: (compressed: Uint8Array | undefined) => void,
  ): () => void {
    const { zlib } = this
    if (zlib !== undefined)
      return startJob((ended) => this.compressWith(this.longStream(zlib), data, history, ended, done))
    return startJob((ended) => {
      deflateRaw(data, this.options(data, history), (error, compressed) => {
        ended()
        // A copy, since a small result may be a part of a large piece of memory.
        done(error === null ? copyOf(withoutTail(compressed)) : undefined)
      })
    })
  }

  private compressWith(
    stream: RawZlib,
    data: Uint8Array,
    history: Uint8Array | undefined,
    ended: () => void,
    done: (compressed: Uint8Array | undefined) => void,
  ): void {
    const output = Buffer.allocUnsafeSlow(mostCompressed(data.length))
    stream.begin(history)
    stream.writeLater(data, output, () => {
      const [free = 0, unread] = stream.left
      const failed = stream.failure !== undefined || unread !== 0 || free === 0
      if (!failed) this.idle.push(stream)
      ended()
      // A copy, since the output has room for what does not get smaller.
      done(failed ? undefined : copyOf(output, 0, output.length - free - TAIL_LENGTH))
    })
  }

  private longStream(zlib: Zlib): RawZlib {
    return this.idle.pop() ?? new RawZlib(zlib, 'deflate', this.settings)
  }

  /** Whether a prepared message has been compressed. */
  has(message: PreparedMessage): boolean {
    const prepared = this.prepared.get(message)
    return prepared !== undefined && prepared.waiting === undefined
  }

  /** Compresses a prepared message, once for all connections. */
  compressPrepared(message: PreparedMessage): Uint8Array | undefined {
    const prepared = this.prepared.get(message)
    if (prepared !== undefined && prepared.waiting === undefined) return prepared.bytes
    const compressed = this.compress(message.payload, undefined)
    const bytes = compressed === undefined ? undefined : copyOf(compressed)
    this.prepared.set(message, { bytes, waiting: undefined })
    return bytes
  }

  /** Compresses a prepared message in the thread pool, once for all connections. Returns what no longer tells this one. */
  compressPreparedLater(message: PreparedMessage, done: (compressed: Uint8Array | undefined) => void): () => void {
    const waiting = this.prepared.get(message)?.waiting ?? this.prepareLater(message)
    waiting.add(done)
    return () => void waiting.delete(done)
  }

  private prepareLater(message: PreparedMessage): Waiting {
    const waiting: Waiting = new Set()
    const prepared: PreparedDeflate = { bytes: undefined, waiting }
    this.prepared.set(message, prepared)
    this.compressLater(message.payload, undefined, (compressed) => {
      prepared.bytes = compressed
      prepared.waiting = undefined
      for (const tell of waiting) tell(compressed)
    })
    return waiting
  }

  private options(data: Uint8Array, dictionary: Uint8Array | undefined) {
    return {
      ...this.settings,
      memLevel: MEM_LEVEL,
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: Math.min(Math.max(mostCompressed(data.length), 64), 64 * 1024),
      ...(dictionary === undefined ? {} : { dictionary }),
    }
  }
}

const EMPTY = Buffer.alloc(0)

function withoutTail(compressed: Uint8Array): Uint8Array {
  return compressed.subarray(0, compressed.length - TAIL_LENGTH)
}

/** zlib's own bound for any settings (deflateBound in deflate.c), and a flush. */
function mostCompressed(length: number): number {
  return length + ((length + 7) >>> 3) + ((length + 63) >>> 6) + 16
}
