import { expect } from 'vitest'
import type { Side } from '../../src/protocol/error.ts'
import { decodeFrame, encodeFrame, type Frame, type FrameFields } from '../../src/protocol/frame.ts'
import { isControl, Opcode, opcodeName } from '../../src/protocol/opcode.ts'

/** Any key does where a test gives bytes in; this one leaves no byte as it is, and shows its order. */
export const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)

export type Payload = string | Uint8Array | readonly number[]

export function bytes(payload: Payload): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : Uint8Array.from(payload)
}

/** Bytes written as hexadecimal digits; spaces are left out. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

/** Builds frames as one side sends them: masked for a client, as they are for a server. */
export class FrameMaker {
  readonly side: Side

  constructor(side: Side) {
    this.side = side
  }

  frame(opcode: number, payload: Payload = '', fields: Partial<FrameFields> = {}): Uint8Array {
    const maskingKey = this.side === 'client' ? KEY : undefined
    return encodeFrame({ opcode, payload: bytes(payload), maskingKey, ...fields })
  }

  text(payload: Payload = '', fin = true): Uint8Array {
    return this.frame(Opcode.Text, payload, { fin })
  }

  binary(payload: Payload = '', fin = true): Uint8Array {
    return this.frame(Opcode.Binary, payload, { fin })
  }

  /** A continuation frame; the last one unless told otherwise. */
  more(payload: Payload = '', fin = true): Uint8Array {
    return this.frame(Opcode.Continuation, payload, { fin })
  }

  ping(payload: Payload = ''): Uint8Array {
    return this.frame(Opcode.Ping, payload)
  }

  pong(payload: Payload = ''): Uint8Array {
    return this.frame(Opcode.Pong, payload)
  }

  /** A Close frame; without a code, one without a payload. */
  close(code?: number, reason: Payload = ''): Uint8Array {
    return this.frame(Opcode.Close, code === undefined ? '' : join(Uint8Array.of(code >> 8, code), bytes(reason)))
  }

  /** A header with any length field: 7 bits, and the digits of what follows them. No payload. */
  header(firstByte: number, length7: number, extended = ''): Uint8Array {
    const masked = this.side === 'client'
    return join(
      Uint8Array.of(firstByte, length7 | (masked ? 0x80 : 0)),
      hex(extended),
      masked ? KEY : new Uint8Array(0),
    )
  }

  /** Bytes that one of this side's headers takes. */
  headerLength(payloadLength: number): number {
    return (payloadLength < 126 ? 2 : payloadLength < 65536 ? 4 : 10) + (this.side === 'client' ? 4 : 0)
  }
}

/** All frames in these bytes, which must be whole, and as this side has to send them. */
export function framesOf(stream: Uint8Array, side: Side): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < stream.length; ) {
    const frame = decodeFrame(stream, at, side)
    if (frame === undefined) throw new Error(`The bytes from ${at} are no whole frame.`)
    expect(frame).toMatchObject({ masked: side === 'client', rsv1: false, rsv2: false, rsv3: false })
    frames.push(frame)
    at += frame.length
  }
  return frames
}

/** The frames in words, such as `text "Hello"`, `close 1000 "bye"`, `binary(65536)`; a fragment that others follow ends in `...`. */
export function inWords(stream: Uint8Array, side: Side): string[] {
  return framesOf(stream, side).map(({ opcode, payload, fin }) => {
    const name = opcodeName(opcode)
    const more = fin ? '' : '...'
    if (opcode === Opcode.Close) return `${name}${closeInWords(payload)}${more}`
    if (payload.length > 40) return `${name}(${payload.length})${more}`
    if (opcode === Opcode.Text || opcode === Opcode.Continuation || isControl(opcode)) {
      return `${name} ${JSON.stringify(Buffer.from(payload).toString())}${more}`
    }
    return `${name} ${Buffer.from(payload).toString('hex')}${more}`
  })
}

function closeInWords(payload: Uint8Array): string {
  if (payload.length === 0) return ''
  const reason = Buffer.from(payload.subarray(2)).toString()
  return ` ${payload[0]! * 256 + payload[1]!}${reason === '' ? '' : ` ${JSON.stringify(reason)}`}`
}
