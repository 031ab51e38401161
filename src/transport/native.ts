import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { copyOf } from '../protocol/copy.ts'
import { gather, sendOutgoing } from './gathering.ts'
import { Happened, type Native, nativeOfThread, type Occupant } from './native-loop.ts'
import { isReset, type Transport, type TransportSink } from './transport.ts'

/**
 * A transport over a socket that the native addon reads and writes. What all of them receive in a turn of the event loop
 * comes in one call; what is sent goes to the kernel at once, from where it lies.
 */
export class NativeTransport implements Transport, Occupant {
  readonly remoteAddress: string | undefined
  private readonly native: Native
  /** Below 0 when it is closed. */
  private slot: number
  private sink: TransportSink | undefined
  private reads = false
  /** What the kernel has not taken. */
  private rest: Uint8Array[] = NOTHING
  /** Its own direction is to end behind the rest. */
  private endsAfter = false
  private ended = false
  private peerEnded = false
  /** What came before this was made. */
  private early: Uint8Array | undefined
  private error: Error | undefined
  /** Bytes of the rest of which the sink does not know. */
  private unheard = 0

  private constructor(loop: Native, slot: number, remoteAddress: string | undefined, early: Uint8Array | undefined) {
    this.native = loop
    this.slot = slot
    this.remoteAddress = remoteAddress
    this.early = early
    loop.occupants[slot] = this
  }

  /**
   * Takes a plain socket from Node, which is destroyed: the connection goes on.
   * @param early what was read from it already
   * @returns undefined, with nothing changed, when that cannot be done: without the addon, for TLS and any other stream, for
   * a socket that has something to write still, and when there is no file descriptor left
   */
  static takeOver(stream: Duplex, early: readonly Uint8Array[], remoteAddress?: string): NativeTransport | undefined {
    if (!(stream instanceof Socket) || stream instanceof TLSSocket) return undefined
    if (stream.destroyed || stream.writableLength > 0 || stream.writableEnded || stream.readableEnded) return undefined
    const fd = (stream as Socket & { _handle?: { fd?: number } })._handle?.fd
    if (fd === undefined || fd < 0) return undefined
    const native = nativeOfThread()
    if (native === undefined) return undefined
    const slot = native.adopt(fd)
    if (slot < 0) return undefined
    const address = remoteAddress ?? stream.remoteAddress
    stream.setNoDelay(true)
    // Node may have read more than it has told.
    const pieces = [...early]
    for (let piece = stream.read(); piece !== null; piece = stream.read()) pieces.push(piece)
    stream.destroy()
    return new NativeTransport(native, slot, address, pieces.length > 0 ? Buffer.concat(pieces) : undefined)
  }

  /**
   * Takes a connection that a listener has accepted.
   * @param read how many bytes of it have been made use of
   */
  static ofVisitor(native: Native, slot: number, read: number): NativeTransport {
    const transport = new NativeTransport(native, slot, native.peer(slot), undefined)
    const error = native.take(slot, read)
    if (error < 0) transport.close(transport.errorOf(error, 'read'))
    return transport
  }

  /** Tells nobody of anything, until it is started again. */
  stop(): void {
    this.sink = undefined
    this.pause()
  }

  /** Gives back what came before it is started again. */
  unread(early: Uint8Array): void {
    this.early = early
  }

  start(sink: TransportSink): void {
    this.sink = sink
    if (this.slot < 0) process.nextTick(tellClose, this)
    if (this.early !== undefined) process.nextTick(() => this.receiveEarly())
    this.resume()
  }

  write(bytes: Uint8Array): boolean {
    // What was gathered goes first.
    sendOutgoing()
    if (this.rest.length > 0) return this.writeAll([bytes])
    if (this.slot < 0) return false
    const taken = this.native.write(this.slot, bytes, 0, bytes.length)
    if (taken === bytes.length) return true
    this.hold([bytes], taken)
    return false
  }

  gather(bytes: Uint8Array, from: number, to: number): boolean {
    if (this.rest.length > 0 || this.slot < 0) return false
    return gather(this.native, this.slot, bytes, from, to)
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    sendOutgoing()
    if (this.slot < 0) return false
    this.rest = this.rest.length > 0 ? [...this.rest, ...pieces] : [...pieces]
    return this.writeRest()
  }

  pause(): void {
    this.reads = false
    this.watch()
  }

  resume(): void {
    this.reads = true
    this.watch()
  }

  end(): void {
    sendOutgoing()
    if (this.rest.length > 0) this.endsAfter = true
    else this.endOwn()
  }

  destroy(): void {
    sendOutgoing()
    this.close(undefined)
  }

  /** @internal Keeps what was gathered and not taken: a copy, since a slab is not kept for it. */
  keep(bytes: Uint8Array, from: number, to: number, taken: number): void {
    if (taken < 0) return this.close(this.errorOf(taken, 'write'))
    this.rest = [...this.rest, copyOf(bytes, from + taken, to)]
    this.unheard += to - from - taken
    this.watch()
  }

  /** @internal */
  tellHeld(): void {
    const length = this.unheard
    this.unheard = 0
    if (length > 0) this.sink?.onHeld?.(length)
  }

  /** @internal */
  tellClose(): void {
    const { sink } = this
    // Once, whoever was told to.
    this.sink = undefined
    sink?.onClose(isReset(this.error), this.error)
  }

  /** @internal */
  happened(what: number, length: number): void {
    if (what >= 0) {
      const { buffer } = this.native.arena
      this.sink?.onData(new Uint8Array(buffer, what, length))
    } else if (what === Happened.Writable) {
      this.goOn()
    } else if (what === Happened.End) {
      this.peerEnded = true
      this.sink?.onEnd()
      if (this.ended) this.close(undefined)
    } else {
      this.close(this.errorOf(length, 'read'))
    }
  }

  private receiveEarly(): void {
    const { early } = this
    this.early = undefined
    if (early !== undefined && this.slot >= 0) this.sink?.onData(early)
  }

  /** The kernel took only some bytes of these, or none, or there was an error. */
  private hold(pieces: Uint8Array[], taken: number): void {
    if (taken < 0) return this.close(this.errorOf(taken, 'write'))
    let left = taken
    let first = 0
    while (first < pieces.length && left >= pieces[first]!.length) left -= pieces[first++]!.length
    this.rest = pieces.slice(first)
    if (left > 0) this.rest[0] = this.rest[0]!.subarray(left)
    this.watch()
  }

  /** Gives the kernel what it takes of the rest. Whether that was all. */
  private writeRest(): boolean {
    while (this.rest.length > 0) {
      const pieces = this.rest
      const some = pieces.length > MOST_PIECES ? pieces.slice(0, MOST_PIECES) : pieces
      const taken = this.native.writeAll(this.slot, some)
      const all = some.reduce((sum, { length }) => sum + length, 0)
      if (taken !== all) {
        this.hold(pieces, taken)
        return false
      }
      this.rest = pieces.slice(some.length)
    }
    this.rest = NOTHING
    return true
  }

  private goOn(): void {
    this.sink?.onProgress()
    if (!this.writeRest()) return
    if (this.endsAfter) this.endOwn()
    this.sink?.onWritten()
  }

  private endOwn(): void {
    if (this.ended || this.slot < 0) return
    this.ended = true
    // That there is nobody any more is told by reading.
    this.native.end(this.slot)
    if (this.peerEnded) this.close(undefined)
  }

  private watch(): void {
    if (this.slot >= 0) this.native.watch(this.slot, this.reads, this.rest.length > 0)
  }

  private close(error: Error | undefined): void {
    if (this.slot < 0) return
    this.native.occupants[this.slot] = undefined
    this.native.close(this.slot)
    this.slot = -1
    this.rest = NOTHING
    this.early = undefined
    this.error = error
    if (this.sink !== undefined) process.nextTick(tellClose, this)
  }

  private errorOf(number: number, syscall: string): Error {
    const code = this.native.addon.errorName(number)
    return Object.assign(new Error(`${syscall} ${code}`), { errno: number, code, syscall })
  }
}

/** As many as the addon takes at once. */
const MOST_PIECES = 64
const NOTHING: Uint8Array[] = []

function tellClose(transport: NativeTransport): void {
  transport.tellClose()
}
