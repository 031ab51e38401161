import { ArgumentError, ProtocolError, type RuleCode, type Side } from './error.ts'
import { maskCopy, maskKey } from './mask.ts'

/** A frame's header, field by field (RFC 6455 section 5.2). */
export interface FrameHeader {
  /** Whether this is the last fragment of its message. */
  fin: boolean
  rsv1: boolean
  rsv2: boolean
  rsv3: boolean
  /** 0x0 to 0xF. */
  opcode: number
  masked: boolean
  /** The 4 bytes of the masking key; undefined when `masked` is false. */
  maskingKey: Uint8Array | undefined
  /** Bytes of payload that follow the header, 0 to 2^53 - 1. */
  payloadLength: number
  /** Bytes that the header itself takes: 2 to 14. */
  headerLength: number
}

/** A frame with its payload, unmasked. */
export interface Frame extends FrameHeader {
  /** The unmasked payload, a copy that belongs to the caller. */
  payload: Uint8Array
  /** Bytes of the whole frame: header and payload. */
  length: number
}

/** What `encodeFrame` and `encodeFrameHeader` take besides a payload or its length. */
export interface FrameFields {
  /** Default true. */
  fin?: boolean
  /** Default false, as are `rsv2` and `rsv3`. */
  rsv1?: boolean
  rsv2?: boolean
  rsv3?: boolean
  /** 0x0 to 0xF, reserved ones included. */
  opcode: number
  /** 4 bytes. The frame is masked if, and only if, this is given. */
  maskingKey?: Uint8Array | undefined
}

const TWO_32 = 0x100000000

/** Bytes that the header of a frame takes: 2, 4 or 10, and 4 more for a masking key. */
export function frameHeaderLength(payloadLength: number, masked: boolean): number {
  return (payloadLength < 126 ? 2 : payloadLength < 65536 ? 4 : 10) + (masked ? 4 : 0)
}

/**
 * Decodes the frame header at `at`. Reserved bits and opcodes, the mask and the rules for control frames are left to
 * the caller to judge: this is the wire format only.
 *
 * Returns undefined when the header is not complete yet.
 *
 * @param from The side that sent the bytes, named in errors. Default: the side that the MASK bit tells of.
 * @throws ProtocolError when the payload length is not given in the fewest bytes (LENGTH_NOT_MINIMAL), has its top bit
 *   set (LENGTH_TOP_BIT), or is over 2^53 - 1 (LENGTH_UNREPRESENTABLE); offsets in it are indices into `bytes`.
 * @throws ArgumentError when `at` is no index.
 */
export function decodeFrameHeader(bytes: Uint8Array, at = 0, from?: Side): FrameHeader | undefined {
  if (!Number.isInteger(at) || at < 0)
    throw new ArgumentError(`The offset of a frame must be 0 or more, not ${String(at)}.`)
  const available = bytes.length - at
  if (available < 2) return undefined
  const first = bytes[at]!
  const second = bytes[at + 1]!
  const masked = (second & 0x80) !== 0
  const length7 = second & 0x7f
  const lengthEnd = length7 < 126 ? 2 : length7 === 126 ? 4 : 10
  if (available < lengthEnd) return undefined

  let payloadLength = length7
  if (lengthEnd === 4) {
    payloadLength = (bytes[at + 2]! << 8) | bytes[at + 3]!
  } else if (lengthEnd === 10) {
    payloadLength = readUint32(bytes, at + 2) * TWO_32 + readUint32(bytes, at + 6)
  }
  if (lengthEnd > 2) checkLength(bytes, at, payloadLength, lengthEnd, from)

  const headerLength = masked ? lengthEnd + 4 : lengthEnd
  if (available < headerLength) return undefined
  return {
    fin: (first & 0x80) !== 0,
    rsv1: (first & 0x40) !== 0,
    rsv2: (first & 0x20) !== 0,
    rsv3: (first & 0x10) !== 0,
    opcode: first & 0x0f,
    masked,
    maskingKey: masked ? new Uint8Array(bytes.subarray(at + lengthEnd, at + headerLength)) : undefined,
    payloadLength,
    headerLength,
  }
}

/**
 * Decodes the frame at `at` and unmasks its payload into a copy. Returns undefined when the frame is not complete yet;
 * otherwise the next frame begins `length` bytes further on.
 *
 * @throws ProtocolError, ArgumentError as `decodeFrameHeader` does.
 */
export function decodeFrame(bytes: Uint8Array, at = 0, from?: Side): Frame | undefined {
  const header = decodeFrameHeader(bytes, at, from)
  if (header === undefined) return undefined
  const length = header.headerLength + header.payloadLength
  if (bytes.length - at < length) return undefined
  const payload = new Uint8Array(header.payloadLength)
  const start = at + header.headerLength
  if (header.masked) maskCopy(bytes, start, at + length, payload, 0, maskKey(bytes, start - 4))
  else payload.set(bytes.subarray(start, at + length))
  return { ...header, payload, length }
}

/**
 * Encodes a frame header. Every flag, every opcode and every length up to 2^53 - 1 can be asked for, so that tests can
 * also build what the RFC forbids; the length always takes the fewest bytes.
 *
 * @throws ArgumentError when a value does not fit its field.
 */
export function encodeFrameHeader(header: FrameFields & { payloadLength: number }): Uint8Array {
  const { payloadLength, maskingKey } = header
  if (!Number.isSafeInteger(payloadLength) || payloadLength < 0) {
    throw new ArgumentError(`A payload length must be a whole number from 0 to 2^53 - 1, not ${String(payloadLength)}.`)
  }
  const bytes = new Uint8Array(frameHeaderLength(payloadLength, maskingKey !== undefined))
  putHeader(bytes, header, payloadLength)
  return bytes
}

/**
 * Encodes a frame. The payload is given unmasked and is left as it is; with a `maskingKey` the frame holds it masked.
 *
 * @throws ArgumentError when a value does not fit its field.
 */
export function encodeFrame(frame: FrameFields & { payload: Uint8Array }): Uint8Array {
  const { payload, maskingKey } = frame
  if (!isBytes(payload)) throw new ArgumentError(`A payload must be a Uint8Array, not ${String(payload)}.`)
  const headerLength = frameHeaderLength(payload.length, maskingKey !== undefined)
  const bytes = new Uint8Array(headerLength + payload.length)
  putHeader(bytes, frame, payload.length)
  if (maskingKey === undefined) bytes.set(payload, headerLength)
  else maskCopy(payload, 0, payload.length, bytes, headerLength, maskKey(maskingKey, 0))
  return bytes
}

/**
 * Writes a header's first byte, MASK bit and payload length at `at` and returns the offset after them, where the
 * masking key or the payload goes. Nothing is checked: `firstByte` holds FIN, RSV1 to RSV3 and the opcode, and there
 * must be room.
 */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  firstByte: number,
  payloadLength: number,
  masked: boolean,
): number {
  const maskBit = masked ? 0x80 : 0
  target[at] = firstByte
  if (payloadLength < 126) {
    target[at + 1] = maskBit | payloadLength
    return at + 2
  }
  if (payloadLength < 65536) {
    target[at + 1] = maskBit | 126
    target[at + 2] = payloadLength >>> 8
    target[at + 3] = payloadLength
    return at + 4
  }
  target[at + 1] = maskBit | 127
  writeUint32(target, at + 2, Math.floor(payloadLength / TWO_32))
  writeUint32(target, at + 6, payloadLength >>> 0)
  return at + 10
}

function putHeader(target: Uint8Array, fields: FrameFields, payloadLength: number): void {
  const { fin = true, rsv1 = false, rsv2 = false, rsv3 = false, opcode, maskingKey } = fields
  if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) {
    throw new ArgumentError(`An opcode must be a whole number from 0 to 15, not ${String(opcode)}.`)
  }
  const firstByte = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode
  const end = writeFrameHeader(target, 0, firstByte, payloadLength, maskingKey !== undefined)
  if (maskingKey === undefined) return
  if (!isBytes(maskingKey)) {
    throw new ArgumentError(`A masking key must be a Uint8Array of 4 bytes, not ${String(maskingKey)}.`)
  }
  if (maskingKey.length !== 4) {
    throw new ArgumentError(`A masking key must have 4 bytes, not ${maskingKey.length}.`)
  }
  target.set(maskingKey, end)
}

/** Whether the value is a Uint8Array, one of another realm (a `vm` context, a test runner's) included. */
function isBytes(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}

/** RFC 6455 section 5.2: the fewest bytes that can hold the length must be used, and its top bit must be 0. */
function checkLength(bytes: Uint8Array, at: number, length: number, lengthEnd: number, from: Side | undefined): void {
  let code: RuleCode
  let what: string
  if (length < 126 || (length < 65536 && lengthEnd === 10)) {
    code = 'LENGTH_NOT_MINIMAL'
    const given = lengthEnd === 4 ? 16 : 64
    what = `gave the payload length ${length} in ${given} bits, although ${length < 126 ? 7 : 16} bits can hold it`
  } else if (length <= Number.MAX_SAFE_INTEGER) {
    return
  } else {
    const exact = (BigInt(readUint32(bytes, at + 2)) << 32n) | BigInt(readUint32(bytes, at + 6))
    if (exact >> 63n === 1n) {
      code = 'LENGTH_TOP_BIT'
      what = `set the top bit of the 64-bit payload length 0x${exact.toString(16).toUpperCase()}`
    } else {
      code = 'LENGTH_UNREPRESENTABLE'
      what = `announced a payload of ${exact} bytes, more than the 2^53 - 1 that can be counted`
    }
  }
  const masked = (bytes[at + 1]! & 0x80) !== 0
  const header = new Uint8Array(bytes.subarray(at, at + lengthEnd + (masked ? 4 : 0)))
  throw new ProtocolError(code, from ?? (masked ? 'client' : 'server'), what, {
    offset: at + 2,
    frameNumber: 1,
    header,
  })
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}
