import type { Sendable } from './send-queue.ts'

/** Encodes messages as an extension says (RFC 6455 section 9), before they are framed. */
export interface MessageEncoder {
  /** The reserved bit that marks an encoded message, as it lies in the first byte of its first frame: RSV1 is 0x40. */
  readonly reservedBit: number
  /** Whether encoding takes so long that it is to be done by `encodeLater`. */
  isLong(message: Sendable): boolean
  /**
   * Encodes a whole message; undefined to send it as it is. What is returned may be written over by the next call, but for
   * a prepared message.
   */
  encode(message: Sendable): Uint8Array | undefined
  /**
   * As `encode`, into memory of its own, and tells when it is done, never at once. Until then nothing else is to be encoded.
   * Returns what gives it up: then it may never be done, and nothing else is encoded.
   */
  encodeLater(message: Sendable, done: (encoded: Uint8Array | undefined) => void): () => void
}

/** Decodes what a MessageEncoder made, once the whole message is there. */
export interface MessageDecoder {
  readonly reservedBit: number
  /** Most bytes of an encoded message that may still come to `maxPayload` bytes: what cannot be made smaller grows. */
  encodedLimit(maxPayload: number): number
  /**
   * Decodes to at most `maxPayload` bytes. What is returned may be written over by the next call. Undefined when that takes
   * so long that it is to be done by `decodeLater`.
   */
  decode(encoded: Uint8Array, maxPayload: number): Uint8Array | DecodeFailure | undefined
  /**
   * As `decode`, and tells when it is done, never at once; `encoded` is only there during the call. Until then nothing else
   * is to be decoded. Returns what gives it up: then it may never be done, and nothing else is decoded.
   */
  decodeLater(encoded: Uint8Array, maxPayload: number, done: (decoded: Uint8Array | DecodeFailure) => void): () => void
}

/** Why a message cannot be decoded: the rule it breaks, and the rest of a sentence that begins with the peer. */
export interface DecodeFailure {
  readonly code: 'INVALID_COMPRESSED_DATA' | 'MESSAGE_TOO_LARGE' | 'COMPRESSION_RATIO'
  readonly what: string
}

/** What an agreed extension does to the messages of one connection, in both directions. */
export interface MessageCodec {
  readonly encoder: MessageEncoder
  readonly decoder: MessageDecoder
  /** What was agreed on, as in a Sec-WebSocket-Extensions header. */
  readonly extensions: string
}
