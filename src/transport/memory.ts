// Not the global one, which tests replace together with the timers.
import { setImmediate } from 'node:timers'
import { copyOf } from '../protocol/copy.ts'
import type { Transport, TransportSink } from './transport.ts'

/** Bytes that one direction holds before its writer has to wait. */
const CAPACITY = 64 * 1024

/**
 * One end of a pair of transports in memory. It behaves as a socket does: bytes arrive in a later turn, in memory of
 * their own; a reader that has paused holds the writer back; an end and a reset can be told apart.
 */
export class MemoryTransport implements Transport {
  readonly remoteAddress = 'memory'
  private peer: MemoryTransport | undefined
  private sink: TransportSink | undefined
  /** What the peer has written and this end has not read. */
  private incoming: Uint8Array[] = []
  private incomingSize = 0
  private peerEnded = false
  private endTold = false
  private writeEnded = false
  private closed = false
  private paused = true
  private scheduled = false
  /** This end's writer waits for the peer to read. */
  private waiting = false

  /** Two transports that are connected to each other. */
  static pair(): [MemoryTransport, MemoryTransport] {
    const a = new MemoryTransport()
    const b = new MemoryTransport()
    a.peer = b
    b.peer = a
    return [a, b]
  }

  start(sink: TransportSink): void {
    this.sink = sink
    this.resume()
  }

  write(bytes: Uint8Array): boolean {
    return this.writeAll([bytes])
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    const peer = this.peer
    if (peer === undefined || peer.closed || this.writeEnded) return true
    for (const piece of pieces) {
      peer.incoming.push(copyOf(piece))
      peer.incomingSize += piece.length
    }
    peer.schedule()
    this.waiting = peer.incomingSize > CAPACITY
    return !this.waiting
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.schedule()
  }

  end(): void {
    if (this.writeEnded) return
    this.writeEnded = true
    if (this.peer !== undefined) {
      this.peer.peerEnded = true
      this.peer.schedule()
    }
    this.schedule()
  }

  destroy(): void {
    this.writeEnded = true
    if (this.peer !== undefined && !this.peer.closed) {
      this.peer.peerEnded = true
      this.peer.schedule()
    }
    this.close(false, undefined)
  }

  /** As a peer's RST does: what is under way is lost, and both ends are gone. */
  reset(): void {
    for (const end of [this, this.peer]) {
      if (end === undefined) continue
      end.incoming = []
      end.incomingSize = 0
      end.close(true, Object.assign(new Error('The connection was reset.'), { code: 'ECONNRESET' }))
    }
  }

  private close(reset: boolean, error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    this.paused = true
    queueMicrotask(() => this.sink?.onClose(reset, error))
    // Whoever writes to an end that is gone need not wait for it.
    this.peer?.wrote()
  }

  private schedule(): void {
    if (this.scheduled || this.paused || this.closed || this.sink === undefined) return
    this.scheduled = true
    // Two ends that answer each other for ever leave their turn to timers and other sockets.
    setImmediate(() => {
      this.scheduled = false
      this.deliver()
    })
  }

  private deliver(): void {
    while (!this.paused && !this.closed && this.incoming.length > 0) {
      const chunk = this.incoming.shift()!
      this.incomingSize -= chunk.length
      this.sink?.onData(chunk)
    }
    if (this.incomingSize <= CAPACITY) this.peer?.wrote()
    if (this.paused || this.closed || this.incoming.length > 0 || !this.peerEnded) return
    if (!this.endTold) {
      this.endTold = true
      this.sink?.onEnd()
    }
    if (this.writeEnded) this.close(false, undefined)
  }

  private wrote(): void {
    if (!this.waiting) return
    this.waiting = false
    queueMicrotask(() => this.sink?.onWritten())
  }
}
