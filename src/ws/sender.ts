import { encodeFrame, encodeFrameHeader } from '../protocol/frame.ts'
import { shared } from '../socket/runtime.ts'

export interface FrameOptions {
  /** Whether it is the last frame of its message. */
  fin?: boolean | undefined
  /** Fills the masking key. */
  generateMask?: ((mask: Buffer) => void) | undefined
  mask?: boolean | undefined
  opcode: number
  /** Whether `data` must not be written to. It never is. */
  readOnly?: boolean | undefined
  rsv1?: boolean | undefined
}

/** Frames for those who encode them once and send them to many, as socket.io's adapters do. */
export class Sender {
  /** A frame as a list of buffers that follow each other: its header, and its payload. */
  static frame(data: string | Buffer, options: FrameOptions): Buffer[] {
    const { fin = false, rsv1 = false, opcode, mask = false, generateMask } = options
    const payload = typeof data === 'string' ? Buffer.from(data) : data
    const maskingKey = mask ? newMaskingKey(generateMask) : undefined
    const header = asBuffer(encodeFrameHeader({ fin, rsv1, opcode, maskingKey, payloadLength: payload.length }))
    if (!mask) return [header, payload]
    const frame = asBuffer(encodeFrame({ opcode, maskingKey, payload }))
    return [header, frame.subarray(header.length)]
  }
}

export function newMaskingKey(generateMask: ((mask: Buffer) => void) | undefined): Buffer {
  const key = Buffer.alloc(4)
  if (generateMask === undefined) shared.platform.randomFill(key)
  else generateMask(key)
  return key
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
