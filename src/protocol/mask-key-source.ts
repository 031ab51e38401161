import { maskKey } from './mask.ts'
import type { Platform } from './platform.ts'

const POOL_SIZE = 8 * 1024

/** Masking keys from a strong source of entropy, a fresh one for each frame (RFC 6455 section 10.3), drawn in bulk. */
export class MaskKeySource {
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
