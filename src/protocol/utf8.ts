import type { Platform } from './platform.ts'

/**
 * Incremental UTF-8 validation (RFC 3629, RFC 6455 section 8.1): text may be split anywhere, and a byte that
 * makes it invalid is found where it stands, not at the end of the message.
 *
 * The state between two bytes is a small integer. It is 0 between characters; else it says how many bytes are
 * missing and which values the next one may have:
 *
 *   bits 0-1    bytes missing, 1 to 3
 *   bits 2-9    lowest value of the next byte
 *   bits 10-17  highest value of the next byte
 */

/** The state before the first byte, and at every border between characters. */
export const UTF8_START = 0

const state = (missing: number, lowest: number, highest: number): number => missing | (lowest << 2) | (highest << 10)

/** What is expected once the second byte has passed: any continuation bytes. Index: how many are missing. */
const CONTINUATION = [UTF8_START, state(1, 0x80, 0xbf), state(2, 0x80, 0xbf), state(3, 0x80, 0xbf)] as const

/** State after each first byte of a character; -1 where no character can begin. */
const LEAD = new Int32Array(256).fill(-1)
LEAD.fill(UTF8_START, 0x00, 0x80)
LEAD.fill(CONTINUATION[1], 0xc2, 0xe0) // C0 and C1 could only begin overlong forms
LEAD.fill(CONTINUATION[2], 0xe0, 0xf0)
LEAD.fill(CONTINUATION[3], 0xf0, 0xf5) // F5 and above could only begin what lies over U+10FFFF
LEAD[0xe0] = state(2, 0xa0, 0xbf) // below: overlong
LEAD[0xed] = state(2, 0x80, 0x9f) // above: surrogates
LEAD[0xf0] = state(3, 0x90, 0xbf) // below: overlong
LEAD[0xf4] = state(3, 0x80, 0x8f) // above: over U+10FFFF

/**
 * Continues validation over `bytes` from `start` to `end`. Returns the new state, 0 when it ends between two
 * characters, or `-1 - index` of the first byte that no well-formed text could have there.
 */
export function utf8Validate(bytes: Uint8Array, start: number, end: number, state: number): number {
  let at = start
  let now = state
  while (at < end) {
    const byte = bytes[at]!
    if (now === UTF8_START) {
      if (byte >= 0x80) {
        now = LEAD[byte]!
        if (now < 0) return -1 - at
      } else if ((at & 3) === 0) {
        // ASCII by fours: 9 us instead of 31 for 16 KiB. Tried at every fourth byte only, for the sake of other text.
        while (at + 4 < end && (bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]! | bytes[at + 4]!) < 0x80) at += 4
      }
    } else {
      if (byte < ((now >> 2) & 0xff) || byte > now >> 10) return -1 - at
      now = CONTINUATION[(now & 3) - 1]!
    }
    at++
  }
  return now
}

/** Below this many bytes the call into the platform costs more than it saves. */
const LONG = 128

/** As `utf8Validate`, with the platform's own check for all of a long piece but the characters cut at its ends. */
export function utf8ValidateLong(
  platform: Platform,
  bytes: Uint8Array,
  start: number,
  end: number,
  state: number,
): number {
  if (end - start < LONG) return utf8Validate(bytes, start, end, state)
  let now = state
  let at = start
  while (now !== UTF8_START) {
    now = utf8Validate(bytes, at, at + 1, now)
    if (now < 0) return now
    at++
  }
  const tail = lastCharacter(bytes, end)
  if (platform.isUtf8(bytes, at, tail)) return utf8Validate(bytes, tail, end, UTF8_START)
  return utf8Validate(bytes, at, end, UTF8_START)
}

/** Where the last character begins if it is of several bytes, else `end`. */
function lastCharacter(bytes: Uint8Array, end: number): number {
  for (let at = end - 1; at >= end - 3; at--) if (bytes[at]! >= 0xc0) return at
  return end
}
