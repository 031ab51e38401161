import { copyOf } from './copy.ts'
import { ArgumentError } from './error.ts'
import { encodeFrame } from './frame.ts'
import { Opcode } from './opcode.ts'
import type { Platform } from './platform.ts'

/** A message that is encoded once and can be sent to any number of sockets. Made by `prepare`. */
export class PreparedMessage {
  /** The opcode, 1 or 2. */
  readonly opcode: number
  /** The payload; a text as UTF-8. */
  readonly payload: Uint8Array
  private encoded: Uint8Array | undefined

  /** @internal */
  constructor(opcode: number, payload: Uint8Array) {
    this.opcode = opcode
    this.payload = payload
  }

  /** The whole frame as a server sends it. A client masks the payload anew for each frame (RFC 6455 section 5.3). */
  get frame(): Uint8Array {
    this.encoded ??= encodeFrame({ opcode: this.opcode, payload: this.payload })
    return this.encoded
  }
}

/** Anything that `send` takes as a message: text, or bytes in any of the platform's wrappings. */
export type MessageData = string | Uint8Array | ArrayBuffer | ArrayBufferView

/** Encodes a message once. The bytes given are copied. */
export function prepareMessage(platform: Platform, data: MessageData, type?: 'text' | 'binary'): PreparedMessage {
  if (typeof data === 'string') {
    const payload = platform.allocate(platform.utf8Length(data))
    platform.utf8Write(payload, 0, data)
    return new PreparedMessage(type === 'binary' ? Opcode.Binary : Opcode.Text, payload)
  }
  return new PreparedMessage(type === 'text' ? Opcode.Text : Opcode.Binary, copyOf(bytesOf(data)))
}

/** A message's bytes as a `Uint8Array` over the same memory; anything that is not bytes throws an ArgumentError. */
export function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const what = data === null ? 'null' : typeof data === 'object' ? Object.prototype.toString.call(data) : typeof data
  throw new ArgumentError(`A message is a string, a Uint8Array, an ArrayBuffer or a view of one, not ${what}.`)
}
