import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { isReset, type Transport, type TransportSink } from './transport.ts'

/** Finds a stream's transport, so that its listeners can be shared by all streams instead of made for each. */
const transportOf = Symbol('heartwire.transport')
type Carrier = Duplex & { [transportOf]?: NodeTransport }

/** Most bytes that Node is given at once, so that a long write to a slow peer shows that it goes on. */
const SLICE = 256 * 1024
/** The same for a peer that is so slow that it would show nothing for too long. More writes cost a fast one much. */
const SLOW_SLICE = 16 * 1024
/** Milliseconds for which a slice was held up that make a peer slow. */
const SLOW = 1_000
const EMPTY = Buffer.alloc(0)

/** A transport over a Node socket, plain or TLS, or any other Duplex of bytes. */
export class NodeTransport implements Transport {
  readonly remoteAddress: string | undefined
  private readonly stream: Carrier
  /** Whether chunks have to be copied: a stream in memory may share them with whoever is at its other end. */
  private readonly copies: boolean
  /**
   * Whether writes go without a callback, as those of a plain socket can, which mostly are done within the call: a tenth
   * of what a small message costs to send. When one is held up, an empty write behind it tells its end.
   */
  private readonly quiet: boolean
  private sink: TransportSink | undefined
  private error: Error | undefined
  private readonly onWritten: (error?: Error | null) => void
  /** Node's writes that have not called back. */
  private writes = 0
  /** Whether the sink waits for `onWritten`. */
  private holds = false
  /** What Node has not been given yet. */
  private rest: Uint8Array[] = []
  private slice = SLICE
  private heldSince = 0
  /** Whether the stream is to end behind the rest. */
  private endsAfter = false

  /** @param remoteAddress where it is known better than by the stream, which may have something between it and the peer */
  constructor(stream: Duplex, remoteAddress?: string) {
    this.stream = stream
    this.copies = !(stream instanceof Socket)
    this.quiet = stream instanceof Socket && !(stream instanceof TLSSocket)
    this.remoteAddress = remoteAddress ?? (stream instanceof Socket ? stream.remoteAddress : undefined)
    this.onWritten = (error) => {
      this.writes--
      // What a stream that failed let go of has not been taken. Node tells some of those writes no error.
      if (this.holds && this.writes === 0 && !error && !this.stream.destroyed) this.goOn()
    }
  }

  start(sink: TransportSink): void {
    this.sink = sink
    const stream = this.stream
    stream[transportOf] = this
    // The connection ends its direction itself. Node's TLS would do it first, and fail what is still to be written.
    stream.allowHalfOpen = true
    if (stream instanceof Socket) {
      stream.setNoDelay(true)
      stream.setTimeout(0)
    }
    stream.on('error', onError)
    stream.on('close', onClose)
    stream.on('end', onEnd)
    stream.on('data', onData)
    // What happened before there were listeners is not told again.
    if (stream.destroyed) process.nextTick(() => onClose.call(stream))
    else if (stream.readableEnded) process.nextTick(() => onEnd.call(stream))
    else stream.resume()
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length > this.slice) return this.writeAll([bytes])
    this.give(bytes)
    this.holds = this.heldUp()
    return !this.holds
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    this.rest = [...pieces]
    this.holds = !this.writeRest()
    return !this.holds
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  end(): void {
    if (this.rest.length > 0) this.endsAfter = true
    else this.endStream()
  }

  destroy(): void {
    this.stream.destroy()
  }

  /** Gives Node a slice at a time; false when it holds one back. */
  private writeRest(): boolean {
    const { stream, rest } = this
    let at = 0
    while (at < rest.length) {
      stream.cork()
      for (let room = this.slice; room > 0 && at < rest.length; ) {
        const piece = rest[at]!
        if (piece.length <= room) {
          this.give(piece)
          at++
        } else {
          this.give(piece.subarray(0, room))
          rest[at] = piece.subarray(room)
        }
        room -= piece.length
      }
      try {
        stream.uncork()
      } catch (error) {
        this.threw(error)
      }
      if (this.heldUp()) {
        this.rest = rest.slice(at)
        return false
      }
    }
    this.rest = []
    this.slice = SLICE
    return true
  }

  private give(bytes: Uint8Array): void {
    if (this.quiet) return this.hand(bytes)
    this.writes++
    this.hand(this.copies ? Buffer.from(bytes) : bytes, this.onWritten)
  }

  private hand(bytes: Uint8Array, done?: (error?: Error | null) => void): void {
    try {
      this.stream.write(bytes, done)
    } catch (error) {
      this.threw(error)
    }
  }

  private endStream(): void {
    try {
      this.stream.end()
    } catch (error) {
      this.threw(error)
    }
  }

  /** A stream of an application's own has thrown where it ought to have told an error: that ends it, and nobody else. */
  private threw(error: unknown): void {
    this.stream.destroy(error instanceof Error ? error : new Error('The stream threw something.', { cause: error }))
  }

  /** Whether what was given has to be waited for: a stream with nothing left to write gave it all to the kernel. */
  private heldUp(): boolean {
    if (this.stream.writableLength === 0) return false
    this.heldSince = performance.now()
    if (this.quiet) {
      this.writes++
      this.hand(EMPTY, this.onWritten)
    }
    return true
  }

  private goOn(): void {
    this.slice = performance.now() - this.heldSince < SLOW ? SLICE : SLOW_SLICE
    if (this.rest.length > 0) {
      this.sink?.onProgress()
      const taken = this.writeRest()
      if (this.endsAfter && this.rest.length === 0) this.endStream()
      if (!taken) return
    }
    this.holds = false
    this.sink?.onWritten()
  }

  /** @internal */ receive(chunk: Uint8Array): void {
    this.sink?.onData(this.copies ? Buffer.from(chunk) : chunk)
  }

  /** @internal */ ended(): void {
    const { stream } = this
    if (!this.quiet || stream.writableEnded || stream.writableLength > 0) return this.sink?.onEnd()
    // Node takes a reset that comes together with bytes for an end. To write nothing tells them apart, at once.
    this.hand(EMPTY, (error) => {
      if (!error) this.sink?.onEnd()
    })
  }

  /** @internal */ failed(error: Error): void {
    this.error = error
  }

  /** @internal */ closed(): void {
    const sink = this.sink
    this.sink = undefined
    this.rest = []
    sink?.onClose(isReset(this.error), this.error)
  }
}

function onData(this: Carrier, chunk: Uint8Array): void {
  this[transportOf]?.receive(chunk)
}

function onEnd(this: Carrier): void {
  this[transportOf]?.ended()
}

function onError(this: Carrier, error: Error): void {
  this[transportOf]?.failed(error)
}

function onClose(this: Carrier): void {
  this[transportOf]?.closed()
}
