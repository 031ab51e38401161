import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { copyOf } from '../protocol/copy.ts'
import { type Addon, findAddon, type NativeLoop } from './addon.ts'
import { isReset, type Transport, type TransportSink } from './transport.ts'

/** Room for four reads of the largest size. What comes in beyond that in one turn is delivered in several calls. */
const ARENA_SIZE = 256 * 1024
const MOST_RECORDS = 4096
/** Numbers of a record: the slot; where the bytes begin, or what else happened; the number of bytes, or of the error. */
const RECORD = 3
const Happened = { End: -1, Error: -2, Writable: -3, Request: -4, Stranger: -5 } as const

/**
 * What a listener does with those who come: with one that begins with a request, of which this is the head, and with any other.
 * The bytes are there until it returns.
 */
export type Visit = (slot: number, head: Uint8Array | undefined) => void

/** The addon, with the memory that it shares with this thread. No view of it is given to anyone who might keep it. */
export interface Native extends NativeLoop {
  arena: Uint8Array
  addon: Addon
  /** By the listener's id. */
  visits: Map<number, Visit>
}

/** Writes that can be gathered for one call. */
const MOST_OUTGOING = 1024
/** Numbers of one: the slot; from where to where; how many bytes were taken. */
const OUTGOING = 4

const outgoing = new Int32Array(MOST_OUTGOING * OUTGOING)
/** Where the bytes of the writes lie that are gathered. */
let gathered: Uint8Array | undefined
let gatheredCount = 0
let gathers = false

/** From here on what is written from a slab is gathered, until `sendGathered`. The slabs are not to be written over. */
export function gatherWrites(): void {
  gathers = native !== undefined
}

/** Gives the kernel all that was gathered, in one call. */
export function sendGathered(): void {
  gathers = false
  sendOutgoing()
}

function gather(slot: number, bytes: Uint8Array, from: number, to: number): void {
  if (bytes !== gathered || gatheredCount === MOST_OUTGOING) sendOutgoing()
  gathered = bytes
  const at = gatheredCount++ * OUTGOING
  outgoing[at] = slot
  outgoing[at + 1] = from
  outgoing[at + 2] = to
}

function sendOutgoing(): void {
  if (native === undefined || gathered === undefined) return
  const bytes = gathered
  const count = gatheredCount
  gathered = undefined
  gatheredCount = 0
  if (native.send(count, bytes) === 0) return
  const held: NativeTransport[] = []
  for (let at = 0; at < count * OUTGOING; at += OUTGOING) {
    const from = outgoing[at + 1]!
    const to = outgoing[at + 2]!
    const taken = outgoing[at + 3]!
    const transport = transports[outgoing[at]!]
    if (taken === to - from || transport === undefined) continue
    transport.keep(bytes, from, to, taken)
    held.push(transport)
  }
  // Only now, since whoever is told may write at once.
  for (const transport of held) transport.tellHeld()
}

let native: Native | undefined
const transports: (NativeTransport | undefined)[] = []

/** That of this thread; undefined without the addon. */
export function nativeOfThread(): Native | undefined {
  native ??= openNative()
  return native
}

function openNative(): Native | undefined {
  const { addon } = findAddon()
  if (addon === undefined) return undefined
  const arena = new Uint8Array(ARENA_SIZE)
  const records = new Int32Array(MOST_RECORDS * RECORD)
  const visits: Native['visits'] = new Map()
  const onTurn = (count: number) => {
    for (let at = 0; at < count * RECORD; at += RECORD) {
      const slot = records[at]!
      const what = records[at + 1]!
      const length = records[at + 2]!
      try {
        // None when it was closed by what happened to another.
        if (what > Happened.Request) transports[slot]?.happened(what, length)
        else if (what === Happened.Stranger) visits.get(length)?.(slot, undefined)
        else {
          at += RECORD
          visits.get(length)?.(slot, new Uint8Array(arena.buffer, records[at + 1], records[at + 2]))
        }
      } catch (error) {
        // As from a callback of Node's own; what happened to the others is told all the same.
        process.nextTick(rethrow, error)
      }
    }
  }
  return { ...addon.open(arena, records, outgoing, onTurn), arena, addon, visits }
}

function rethrow(error: unknown): never {
  throw error
}

/**
 * A transport over a socket that the native addon reads and writes. What all of them receive in a turn of the event loop
 * comes in one call; what is sent goes to the kernel at once, from where it lies.
 */
export class NativeTransport implements Transport {
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
    transports[slot] = this
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
    if (!gathers || this.rest.length > 0 || this.slot < 0) return false
    gather(this.slot, bytes, from, to)
    return true
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
    transports[this.slot] = undefined
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
