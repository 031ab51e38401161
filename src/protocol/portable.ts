import { maskCopy, maskInPlace } from './mask.ts'
import type { Platform } from './platform.ts'
import { sha1 } from './sha1.ts'
import { UTF8_START, utf8Validate } from './utf8.ts'

/** `crypto.getRandomValues` refuses more than this at a time. */
const RANDOM_AT_ONCE = 65_536
/** Up to so many bytes or characters a loop is faster than a call of TextDecoder or TextEncoder. */
const SHORT = 32

const encoder = new TextEncoder()
// A byte order mark is part of a message's text; TextDecoder drops it unless told otherwise.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A Platform of web APIs only: `crypto`, `TextEncoder`, `TextDecoder`. For browsers, workers and runtimes without
 * Node's modules.
 */
export const portablePlatform: Platform = {
  allocate(length) {
    return new Uint8Array(length)
  },

  randomFill(bytes) {
    for (let at = 0; at < bytes.length; at += RANDOM_AT_ONCE) {
      // Through memory of its own: getRandomValues takes none that is shared.
      const random = new Uint8Array(Math.min(RANDOM_AT_ONCE, bytes.length - at))
      bytes.set(globalThis.crypto.getRandomValues(random), at)
    }
  },

  sha1,

  maskCopy,
  maskInPlace,

  utf8Length(text) {
    let length = text.length
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit < 0x80) continue
      length += unit < 0x800 ? 1 : 2
      // The two units of a surrogate pair make 4 bytes; the second one adds nothing to what the first one added.
      if (isPair(unit, text.charCodeAt(i + 1))) i++
    }
    return length
  },

  utf8Write(target, offset, text) {
    if (text.length <= SHORT && writeShortAscii(target, offset, text)) return text.length
    return encoder.encodeInto(text, target.subarray(offset)).written
  },

  asciiWrite(target, offset, text) {
    encoder.encodeInto(text, target.subarray(offset))
  },

  utf8Decode(bytes, start, end) {
    return decoder.decode(bytes.subarray(start, end))
  },

  asciiDecode(bytes, start, end) {
    if (end - start <= SHORT) return decodeShortAscii(bytes, start, end)
    return decoder.decode(bytes.subarray(start, end))
  },

  isAscii,

  isUtf8(bytes, start, end) {
    return utf8Validate(bytes, start, end, UTF8_START) === UTF8_START
  },
}

/** Whether all bytes are below 0x80. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let seen = 0
  for (let at = start; at < end; at++) seen |= bytes[at]!
  return seen < 0x80
}

/** Decodes a few bytes that are known to be ASCII without leaving JavaScript. */
export function decodeShortAscii(bytes: Uint8Array, start: number, end: number): string {
  const make = String.fromCharCode
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8) {
    text += make(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!,
    )
  }
  if (at + 4 <= end) {
    text += make(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
    at += 4
  }
  for (; at < end; at++) text += make(bytes[at]!)
  return text
}

/** Writes a short text at `offset` without leaving JavaScript; false when it is not ASCII, and must be written anew. */
export function writeShortAscii(target: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) return false
    target[offset + i] = unit
  }
  return true
}

function isPair(unit: number, next: number): boolean {
  return (unit & 0xfc00) === 0xd800 && (next & 0xfc00) === 0xdc00
}
