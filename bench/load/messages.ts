/** Masked frames ready to be written, and the one message that a load generator sends over and over. */

const MASKING_KEY = [0x37, 0xfa, 0x21, 0x3d] as const

/** The same stream of numbers in every run (xorshift, 32 bits). */
function* numbers(): Generator<number, never> {
  let x = 0x2545f491
  for (;;) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    yield x >>> 0
  }
}

/** `length` bytes: JSON-like ASCII for text, noise for binary. */
export function makePayload(type: 'text' | 'binary', length: number): Buffer {
  const payload = Buffer.alloc(length)
  const random = numbers()
  let at = 0
  while (at < length) {
    const number = random.next().value
    if (type === 'binary') payload[at++] = number >>> 24
    else at += payload.write(`{"id":${number >>> 8},"price":${(number % 100_000) / 100},"ok":true},`, at, 'latin1')
  }
  return payload
}

/**
 * One complete masked data frame, as a client has to send it (RFC 6455 section 5.2).
 *
 * @param compressed sets RSV1: `payload` is a message as permessage-deflate compressed it (RFC 7692 section 6).
 */
export function encodeMaskedFrame(opcode: number, payload: Uint8Array, compressed = false): Buffer {
  const { length } = payload
  const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8
  const start = 2 + lengthBytes + 4
  const frame = Buffer.alloc(start + length)
  frame[0] = 0x80 | (compressed ? 0x40 : 0) | opcode
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2)
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.set(MASKING_KEY, start - 4)
  for (let i = 0; i < length; i++) frame[start + i] = (payload[i] as number) ^ (MASKING_KEY[i & 3] as number)
  return frame
}

/** `copies` of a frame one behind the other, so that several messages are one write. */
export function repeat(frame: Buffer, copies: number): Buffer {
  return Buffer.concat(Array.from({ length: copies }, () => frame))
}
