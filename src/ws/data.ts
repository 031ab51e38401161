/** What `send`, `ping` and `pong` take. */
export type BufferLike =
  | string
  | Buffer
  | DataView
  | number
  | ArrayBufferView
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  | Blob
  | readonly unknown[]
  | { valueOf(): ArrayBuffer | SharedArrayBuffer | Uint8Array | readonly number[] | string }
  | { [Symbol.toPrimitive](hint: string): string }

export const EMPTY = Buffer.alloc(0)

/** The engine's memory is Node's Buffers, but for what is empty. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return bytes.length === 0 ? EMPTY : (bytes as Buffer)
}

/** Bytes over the same memory where there is one, as `Buffer.from` makes them otherwise. */
export function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.from(data as Uint8Array)
}

/** What is sent for a value: text as a string, anything else as bytes; nothing for what is false. */
export function payloadOf(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data
  if (typeof data === 'number') return String(data)
  return data ? bytesOf(data) : EMPTY
}

/** Whether it is a Blob or a File, of whatever realm. */
export function isBlob(data: unknown): data is Blob {
  if (typeof data !== 'object' || data === null || !('arrayBuffer' in data)) return false
  const tag = Object.prototype.toString.call(data)
  return tag === '[object Blob]' || tag === '[object File]'
}

/** An ArrayBuffer with exactly these bytes, the same one where it has no more. */
export function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
