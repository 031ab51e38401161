import { nodePlatform } from '../../src/platform/node.ts'
import type { ConnectionWire } from '../../src/protocol/connection.ts'
import { MaskKeySource } from '../../src/protocol/mask-key-source.ts'
import type { SenderShared } from '../../src/protocol/sender.ts'
import { SlabPool } from '../../src/protocol/slab.ts'

/** What a process has once; tests that share none are apart from each other. */
export function freshShared(platform = nodePlatform, now = () => 0): SenderShared {
  return { platform, slabs: new SlabPool(platform), keys: new MaskKeySource(platform), now }
}

/**
 * A wire that keeps what it is given. While `holding` is set it takes one write and lets go of it with `release`: the
 * bytes are read only then, so that memory that was written over too early shows. It throws when it is misused.
 */
export class FakeWire implements ConnectionWire {
  /** Whether the next write is to be held. */
  holding = false
  ended = false
  destroyed = false
  /** How many times a write was called. */
  writes = 0
  private taken: Uint8Array[] = []
  private held: readonly Uint8Array[] | undefined

  write(bytes: Uint8Array): boolean {
    return this.writeAll([bytes])
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    if (this.held !== undefined) throw new Error('A write while the wire held one.')
    if (this.ended) throw new Error('A write after the end.')
    if (this.destroyed) throw new Error('A write after the wire was destroyed.')
    if (pieces.some((piece) => piece.length === 0)) throw new Error('An empty write.')
    this.writes++
    if (this.holding) this.held = pieces
    else this.take(pieces)
    return !this.holding
  }

  end(): void {
    if (this.ended) throw new Error('A second end.')
    this.ended = true
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Lets go of what is held. The sender, or the connection, is to be told then. */
  release(): void {
    if (this.held === undefined) throw new Error('Nothing is held.')
    const held = this.held
    this.held = undefined
    this.take(held)
  }

  get holds(): boolean {
    return this.held !== undefined
  }

  /** Everything that was taken, from the first byte on. */
  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.taken))
  }

  /** What was taken since this was asked last. */
  news(): Uint8Array {
    const { bytes } = this
    this.taken = []
    return bytes
  }

  private take(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.taken.push(new Uint8Array(piece))
  }
}
