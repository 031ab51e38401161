import type { PreparedMessage } from './prepared.ts'

/** What is to be sent: text as a string, binary as bytes, either one prepared. */
export type Sendable = string | Uint8Array | PreparedMessage

/** Frames that are encoded already, in pieces that follow each other. */
export class EncodedFrames {
  readonly pieces: readonly Uint8Array[]
  /** Bytes of all pieces. */
  readonly length: number

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  }
}

/** A frame that waits; it is encoded when its turn comes. */
export interface Waiting {
  firstByte: number
  data: Sendable | EncodedFrames
  /** Bytes of the payload. */
  size: number
  /** Set for the place in the queue of a message that is sent in fragments: called when its turn comes. */
  begin: (() => void) | undefined
  /** Set for a message whose place a newer one with the same key takes. */
  key: string | undefined
  /** Set for a message that is not to be encoded as an extension says. */
  asIs: boolean
  /** When it began to wait; 0 where there was no `maxQueueAge` then. */
  since: number
}

/** What waits until the wire takes more, in order. */
export class SendQueue {
  /** Bytes of all payloads. */
  size = 0
  private readonly items: (Waiting | undefined)[] = []
  private head = 0
  private keyed: Map<string, Waiting> | undefined

  get length(): number {
    return this.items.length - this.head
  }

  get first(): Waiting | undefined {
    return this.items[this.head]
  }

  push(waiting: Waiting): void {
    this.items.push(waiting)
    this.size += waiting.size
    if (waiting.key === undefined) return
    this.keyed ??= new Map()
    this.keyed.set(waiting.key, waiting)
  }

  /** The message that waits with this key. */
  withKey(key: string): Waiting | undefined {
    return this.keyed?.get(key)
  }

  /** Puts a newer message in the place of one that waits: a key that changes all the time still has its turn. */
  replace(older: Waiting, newer: Waiting): void {
    this.size += newer.size - older.size
    Object.assign(older, newer)
  }

  shift(): Waiting | undefined {
    const next = this.items[this.head]
    if (next === undefined) return undefined
    // Nothing is held of what has been sent, though the places are only removed when they are many.
    this.items[this.head++] = undefined
    if (this.head >= 1024 && this.head * 2 > this.items.length) {
      this.items.splice(0, this.head)
      this.head = 0
    }
    this.left(next)
    return next
  }

  /** Takes out what `leaves` says, wherever it stands. */
  remove(leaves: (waiting: Waiting) => boolean): Waiting[] {
    const removed: Waiting[] = []
    let kept = 0
    for (let i = this.head; i < this.items.length; i++) {
      const waiting = this.items[i]!
      if (leaves(waiting)) removed.push(waiting)
      else this.items[kept++] = waiting
    }
    this.items.length = kept
    this.head = 0
    for (const waiting of removed) this.left(waiting)
    return removed
  }

  private left(waiting: Waiting): void {
    this.size -= waiting.size
    if (waiting.key !== undefined) this.keyed?.delete(waiting.key)
  }
}
