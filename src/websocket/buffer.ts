/** The bytes as an ArrayBuffer of their own: those of a small message lie in one with others. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteLength } = bytes
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer
  return new Uint8Array(bytes).buffer
}
