import { Deflate } from './deflate.ts'
import { Inflate } from './inflate.ts'
import { findZlib, type Zlib } from './raw-zlib.ts'

/** What compresses and decompresses for all connections of a thread. */
export class Engine {
  readonly inflate: Inflate
  private readonly zlib: Zlib | undefined
  private readonly deflates = new Map<number, Deflate>()

  /** @param zlib what is behind Node's streams; without, its public functions do the work */
  constructor(zlib: Zlib | undefined) {
    this.zlib = zlib
    this.inflate = new Inflate(zlib)
  }

  /** One for all connections with the same window and level. */
  deflate(windowBits: number, level: number): Deflate {
    // zlib's raw deflate takes 9 for 8, and then refers back by 250 bytes at most.
    const bits = Math.max(9, windowBits)
    const key = bits * 16 + level
    let deflate = this.deflates.get(key)
    if (deflate === undefined) {
      deflate = new Deflate(bits, level, this.zlib)
      this.deflates.set(key, deflate)
    }
    return deflate
  }
}

let engine: Engine | undefined

/** The one of this thread. */
export function sharedEngine(): Engine {
  engine ??= new Engine(findZlib())
  return engine
}
