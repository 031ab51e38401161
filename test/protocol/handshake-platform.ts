import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { maskCopy, maskInPlace } from '../../src/protocol/mask.ts'
import type { Platform } from '../../src/protocol/platform.ts'

/** A platform whose random bytes count from 1, so that keys are known. */
export const countingPlatform: Platform = {
  allocate: (length) => new Uint8Array(length).fill(0xee),
  randomFill: (bytes) => {
    for (let index = 0; index < bytes.length; index++) bytes[index] = index + 1
  },
  sha1: (bytes) => new Uint8Array(createHash('sha1').update(bytes).digest()),
  maskCopy,
  maskInPlace,
  utf8Length: (text) => Buffer.byteLength(text),
  utf8Write: (target, offset, text) => Buffer.from(target.buffer, target.byteOffset, target.length).write(text, offset),
  asciiWrite: (target, offset, text) => void target.set(Buffer.from(text, 'latin1'), offset),
  utf8Decode: (bytes, start, end) => Buffer.from(bytes).toString('utf8', start, end),
  asciiDecode: (bytes, start, end) => Buffer.from(bytes).toString('latin1', start, end),
  isAscii: () => true,
  isUtf8: () => true,
}

/** What `run` throws. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown.')
}

/** Any UTF-16 code units, control characters and lone surrogates included, with more of ASCII than of the rest. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  const unit = fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff }))
  return fc.array(unit, { maxLength }).map((units) => String.fromCharCode(...units))
}
