import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Transport, TransportSink } from './transport.ts'

/** Finds a stream's transport, so that its listeners can be shared by all streams instead of made for each. */
const transportOf = Symbol('heartwire.transport')
type Carrier = Duplex & { [transportOf]?: NodeTransport }

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** A transport over a Node socket, plain or TLS, or any other Duplex of bytes. */
export class NodeTransport implements Transport {
  readonly remoteAddress: string | undefined
  private readonly stream: Carrier
  private sink: TransportSink | undefined
  private error: Error | undefined
  private readonly onWritten: () => void
  /** Whether the sink waits for `onWritten`. */
  private holds = false
  private writes = 0

  /** @param remoteAddress where it is known better than by the stream, which may have something between it and the peer */
  constructor(stream: Duplex, remoteAddress?: string) {
    this.stream = stream
    this.remoteAddress = remoteAddress ?? (stream instanceof Socket ? stream.remoteAddress : undefined)
    this.onWritten = () => {
      this.writes--
      if (!this.holds || this.writes > 0) return
      this.holds = false
      this.sink?.onWritten()
    }
  }

  start(sink: TransportSink): void {
    this.sink = sink
    const stream = this.stream
    stream[transportOf] = this
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
    this.writes++
    this.stream.write(bytes, this.onWritten)
    return this.taken()
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    const stream = this.stream
    stream.cork()
    for (const piece of pieces) {
      this.writes++
      stream.write(piece, this.onWritten)
    }
    stream.uncork()
    return this.taken()
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  end(): void {
    this.stream.end()
  }

  destroy(): void {
    this.stream.destroy()
  }

  /** A stream that has nothing left to write gave it all to the kernel within the call. */
  private taken(): boolean {
    this.holds = this.stream.writableLength > 0
    return !this.holds
  }

  /** @internal */ receive(chunk: Uint8Array): void {
    this.sink?.onData(chunk)
  }

  /** @internal */ ended(): void {
    this.sink?.onEnd()
  }

  /** @internal */ failed(error: Error): void {
    this.error = error
  }

  /** @internal */ closed(): void {
    const sink = this.sink
    this.sink = undefined
    sink?.onClose(this.error !== undefined && RESETS.has((this.error as NodeJS.ErrnoException).code ?? ''), this.error)
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
