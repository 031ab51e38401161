import { maskKey } from './mask.ts'
import type { Platform } from './platform.ts'

const POOL_SIZE = 8 * 1024

/** Where masking keys come from (RFC 6455 section 5.3): each is its four bytes as one number, the first in the lowest bits. */
export interface MaskKeys {
  next(): number
}

/** Masking keys from a strong source of entropy, a fresh one for each frame (RFC 6455 section 10.3), drawn in bulk. */
export class MaskKeySource implements MaskKeys {
  private readonly platform: Platform
  private readonly pool = new Uint8Array(POOL_SIZE)
  private at = POOL_SIZE

  constructor(platform: Platform) {
    this.platform = platform
  }

  next(): number {
    if (this.at === POOL_SIZE) {
      this.platform.randomFill(this.pool)
      this.at = 0
    }
    const key = maskKey(this.pool, this.at)
    this.at += 4
    return key
  }
}
