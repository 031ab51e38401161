import { decodeFrameHeader } from '../protocol/frame.ts'

/** A frame of a connection, as an observer sees it. */
export interface ObservedFrame {
  readonly direction: 'in' | 'out'
  readonly fin: boolean
  readonly rsv1: boolean
  readonly rsv2: boolean
  readonly rsv3: boolean
  readonly opcode: number
  readonly masked: boolean
  /** Bytes of the payload. */
  readonly payloadLength: number
  /** The bytes of the header, masking key included. */
  readonly header: Uint8Array
  /** The payload, unmasked. Of a message that is read in pieces, only what was still at hand when the frame ended. */
  readonly payload: Uint8Array
  /** When it was read or encoded, in milliseconds since the epoch. */
  readonly time: number
}

export function observedFrame(direction: 'in' | 'out', header: Uint8Array, payload: Uint8Array): ObservedFrame {
  // The header was written or accepted by heartwire, so it is whole and right.
  const { fin, rsv1, rsv2, rsv3, opcode, masked, payloadLength } = decodeFrameHeader(header)!
  return { direction, fin, rsv1, rsv2, rsv3, opcode, masked, payloadLength, header, payload, time: Date.now() }
}
