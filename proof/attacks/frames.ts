import { encodeFrame, type FrameFields } from 'heartwire/protocol'

/** Random enough for frames that are made once and sent a thousand times. */
const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

/** A client's frame. */
export function frame(
  opcode: number,
  payload: Uint8Array = new Uint8Array(0),
  fields: Partial<FrameFields> = {},
): Buffer {
  return Buffer.from(encodeFrame({ opcode, payload, maskingKey: KEY, ...fields }))
}

/** The same bytes so many times. */
export function repeat(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes)
}
