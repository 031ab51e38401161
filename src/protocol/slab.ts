import type { Platform } from './platform.ts'

/** A block of memory that frames are encoded into, one behind the other. */
export interface Slab {
  readonly bytes: Uint8Array
  /** Where the next frame goes. */
  at: number
  /** How many senders have frames in it that the wire has not taken. At none, it is filled from the start again. */
  users: number
}

export const SLAB_SIZE = 64 * 1024

/**
 * The memory that all connections of a process encode their small frames into, so that what one turn sends to one
 * socket lies in one piece and is written at once, without an allocation a message.
 */
export class SlabPool {
  private slab: Slab
  private keeps = false
  private readonly platform: Platform

  constructor(platform: Platform) {
    this.platform = platform
    this.slab = this.fresh()
  }

  /** A slab with room for `length` bytes (at most SLAB_SIZE) from `at`. */
  withRoom(length: number): Slab {
    // A full slab is not kept: it is collected when the last frame in it has been written.
    if (SLAB_SIZE - this.slab.at < length) this.slab = this.fresh()
    return this.slab
  }

  /** A sender has nothing in it any more. */
  release(slab: Slab): void {
    slab.users--
    if (slab.users === 0 && !this.keeps) slab.at = 0
  }

  /** Until `reuse`, nothing that is in a slab is written over. */
  keep(): void {
    this.keeps = true
  }

  reuse(): void {
    this.keeps = false
    if (this.slab.users === 0) this.slab.at = 0
  }

  private fresh(): Slab {
    return { bytes: this.platform.allocate(SLAB_SIZE), at: 0, users: 0 }
  }
}
