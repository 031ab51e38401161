/**
 * Masking (RFC 6455 section 5.3): octet `i` of the payload XOR octet `i` modulo 4 of the masking key.
 * Masking and unmasking are the same operation. A key is an int32 whose low byte is the key's first byte.
 */

/** Below this many bytes a byte loop is faster than making a view of the words. */
const WORDWISE_FROM = 96

/** Turns a key into the word that the machine's byte order asks for, without asking which that is. */
const keyBytes = new Uint8Array(4)
const keyWord = new Int32Array(keyBytes.buffer)

/** Reads the four bytes at `at` as a masking key. */
export function maskKey(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Writes a key as its four bytes. */
export function writeMaskKey(target: Uint8Array, at: number, key: number): void {
  target[at] = key
  target[at + 1] = key >>> 8
  target[at + 2] = key >>> 16
  target[at + 3] = key >>> 24
}

/** The key as it applies to a payload that continues `by` bytes further on. */
export function rotateKey(key: number, by: number): number {
  const bits = (by & 3) << 3
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits))
}

/** Masks or unmasks `bytes` from `start` to `end`; the byte at `start` is met by the key's first byte. */
export function maskInPlace(bytes: Uint8Array, start: number, end: number, key: number): void {
  if (end - start < WORDWISE_FROM) maskBytes(bytes, start, end, bytes, start, key)
  else maskWords(bytes, start, end, key)
}

/** Masks or unmasks `source` from `start` to `end` into `target` at `at`. The two must not overlap. */
export function maskCopy(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  key: number,
): void {
  const length = end - start
  if (length < WORDWISE_FROM) {
    maskBytes(source, start, end, target, at, key)
  } else {
    target.set(source.subarray(start, end), at)
    maskWords(target, at, at + length, key)
  }
}

/** Unmasks in place and tells whether all the unmasked bytes are ASCII. */
export function unmaskInPlaceAscii(bytes: Uint8Array, start: number, end: number, key: number): boolean {
  maskInPlace(bytes, start, end, key)
  let seen = 0
  for (let i = start; i < end; i++) seen |= bytes[i]!
  return seen < 0x80
}

function maskBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, key: number): void {
  const k1 = key >>> 8
  const k2 = key >>> 16
  const k3 = key >>> 24
  let from = start
  let to = at
  for (; from + 4 <= end; from += 4, to += 4) {
    target[to] = source[from]! ^ key
    target[to + 1] = source[from + 1]! ^ k1
    target[to + 2] = source[from + 2]! ^ k2
    target[to + 3] = source[from + 3]! ^ k3
  }
  for (let shift = 0; from < end; shift += 8) target[to++] = source[from++]! ^ (key >>> shift)
}

function maskWords(bytes: Uint8Array, start: number, end: number, key: number): void {
  const head = -(bytes.byteOffset + start) & 3
  maskBytes(bytes, start, start + head, bytes, start, key)
  const first = start + head
  const count = (end - first) >> 2
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, count)
  const rotated = rotateKey(key, head)
  keyBytes[0] = rotated
  keyBytes[1] = rotated >>> 8
  keyBytes[2] = rotated >>> 16
  keyBytes[3] = rotated >>> 24
  const word = keyWord[0]!
  let i = 0
  for (const last = count - 7; i < last; i += 8) {
    words[i]! ^= word
    words[i + 1]! ^= word
    words[i + 2]! ^= word
    words[i + 3]! ^= word
    words[i + 4]! ^= word
    words[i + 5]! ^= word
    words[i + 6]! ^= word
    words[i + 7]! ^= word
  }
  for (; i < count; i++) words[i]! ^= word
  const rest = first + count * 4
  maskBytes(bytes, rest, end, bytes, rest, rotated)
}
