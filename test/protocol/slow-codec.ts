import type { DecodeFailure, MessageCodec, MessageDecoder, MessageEncoder } from '../../src/protocol/message-codec.ts'
import { PreparedMessage } from '../../src/protocol/prepared.ts'
import type { Sendable } from '../../src/protocol/send-queue.ts'

/** What makes a message long, so that a test says when it is done. */
const LONG = 100

interface Job<T> {
  bytes: Uint8Array
  done(result: T): void
}

/** Turns messages around, byte by byte, which a reader can tell; a first byte of 0 makes decoding fail. */
export class SlowCodec implements MessageCodec {
  readonly extensions = 'x-reversed'
  /** Messages that are long, from when they are being encoded until a test has done it. */
  readonly encoding: Job<Uint8Array | undefined>[] = []
  readonly decoding: Job<Uint8Array | DecodeFailure>[] = []

  readonly encoder: MessageEncoder = {
    reservedBit: 0x40,
    isLong: (message) => bytesOf(message).length >= LONG,
    encode: (message) => reversed(bytesOf(message)),
    encodeLater: (message, done) => start(this.encoding, bytesOf(message), done),
  }

  readonly decoder: MessageDecoder = {
    reservedBit: 0x40,
    encodedLimit: (maxPayload) => maxPayload + 10,
    decode: (encoded, maxPayload) => (encoded.length >= LONG ? undefined : decode(encoded, maxPayload)),
    decodeLater: (encoded, maxPayload, done) => start(this.decoding, encoded, () => done(decode(encoded, maxPayload))),
  }

  /** Does what has waited longest. */
  finishEncoding(): void {
    const job = this.encoding.shift()
    job?.done(reversed(job.bytes))
  }

  finishDecoding(): void {
    const job = this.decoding.shift()
    job?.done(job.bytes)
  }
}

export function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse()
}

function start<T>(jobs: Job<T>[], bytes: Uint8Array, done: (result: T) => void): () => void {
  const job = { bytes: Uint8Array.from(bytes), done }
  jobs.push(job)
  return () => {
    const index = jobs.indexOf(job)
    if (index >= 0) jobs.splice(index, 1)
  }
}

function decode(encoded: Uint8Array, maxPayload: number): Uint8Array | DecodeFailure {
  if (encoded[0] === 0) return { code: 'INVALID_COMPRESSED_DATA', what: 'sent what is no message' }
  if (encoded.length > maxPayload) return { code: 'MESSAGE_TOO_LARGE', what: 'sent too much' }
  return reversed(encoded)
}

function bytesOf(message: Sendable): Uint8Array {
  return typeof message === 'string'
    ? Buffer.from(message)
    : message instanceof PreparedMessage
      ? message.payload
      : message
}
