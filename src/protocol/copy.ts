/** A copy in memory of its own. The `slice` of a Node Buffer is none: it shares the Buffer's memory. */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
