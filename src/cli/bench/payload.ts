const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** Bytes at the beginning of a numbered message: eight hexadecimal digits for its connection, and as many for itself. */
export const NUMBER_LENGTH = 16

/** Bytes by chance, the same in each run, so that compression finds nothing in them; letters and digits for a text. */
export function makePayload(size: number, type: 'text' | 'binary'): Uint8Array {
  const bytes = Buffer.alloc(size)
  let state = 0x2545f491
  for (let index = 0; index < size; index++) {
    // Marsaglia's xorshift.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = type === 'text' ? LETTERS.charCodeAt((state >>> 8) & 63) : (state >>> 8) & 255
  }
  return bytes
}

/** The payload with the numbers of a connection and of a message of it at its beginning. */
export function numbered(payload: Uint8Array, connection: number, message: number): Uint8Array {
  const copy = Buffer.from(payload)
  copy.write(hex(connection) + hex(message), 'latin1')
  return copy
}

function hex(number: number): string {
  return (number >>> 0).toString(16).padStart(NUMBER_LENGTH / 2, '0')
}
