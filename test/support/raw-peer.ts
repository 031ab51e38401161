import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import {
  decodeFrame,
  encodeClosePayload,
  encodeFrame,
  type Frame,
  type FrameFields,
  Opcode,
  portablePlatform,
} from 'heartwire/protocol'
import { onTestFinished } from 'vitest'

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
/** What RFC 6455 section 1.3 answers to that key. */
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** The opening handshake of a client, with some of its headers replaced, or left out. */
export function handshake(
  headers: Record<string, string | string[] | undefined> = {},
  line = 'GET / HTTP/1.1',
): string {
  const all: Record<string, string | string[] | undefined> = {
    Host: 'server.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...headers,
  }
  let text = `${line}\r\n`
  for (const [name, value] of Object.entries(all)) {
    for (const one of value === undefined ? [] : [value].flat()) text += `${name}: ${one}\r\n`
  }
  return `${text}\r\n`
}

/** A masked frame, as a client sends it. */
export function masked(
  opcode: number,
  payload: string | Uint8Array = '',
  fields: Partial<FrameFields> = {},
): Uint8Array {
  return encodeFrame({ opcode, payload: Buffer.from(payload), maskingKey: randomBytes(4), ...fields })
}

export function closePayload(code: number, reason = ''): Uint8Array {
  return encodeClosePayload(portablePlatform, code, reason)
}

/** A client that is nothing but a TCP socket: it sends any bytes, answers nothing, and shows what came. */
export class RawPeer {
  readonly stream: Socket
  /** Every byte that has come and was not taken. */
  bytes: Buffer = Buffer.alloc(0)
  /** How many bytes have come. */
  received = 0
  ended = false
  closed = false
  error: Error | undefined
  private keeps = true
  private wake: (() => void)[] = []

  constructor(stream: Socket) {
    this.stream = stream
    const changed = () => {
      for (const wake of this.wake.splice(0)) wake()
    }
    stream.on('data', (chunk) => {
      this.received += chunk.length
      if (this.keeps) this.bytes = Buffer.concat([this.bytes, chunk])
      changed()
    })
    stream.on('end', () => {
      this.ended = true
      changed()
    })
    stream.on('error', (error) => {
      this.error = error
    })
    stream.on('close', () => {
      this.closed = true
      changed()
    })
  }

  /** Connects to a port or a Unix socket; the direction of sending stays open when the other end has ended its own. */
  static async dial(where: number | string): Promise<RawPeer> {
    const stream =
      typeof where === 'number'
        ? connect({ port: where, host: '127.0.0.1', allowHalfOpen: true })
        : connect({ path: where, allowHalfOpen: true })
    stream.setNoDelay(true)
    const peer = new RawPeer(stream)
    onTestFinished(() => void stream.destroy())
    await new Promise<void>((resolve, reject) => stream.once('connect', resolve).once('error', reject))
    return peer
  }

  /** Connects and shakes hands; `early` goes out in the same write. */
  static async open(
    where: number | string,
    headers: Record<string, string | string[] | undefined> = {},
    line?: string,
    early: Uint8Array = Buffer.alloc(0),
  ): Promise<RawPeer> {
    const peer = await RawPeer.dial(where)
    peer.write(Buffer.concat([Buffer.from(handshake(headers, line)), early]))
    const head = await peer.head()
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`The handshake was refused: ${head}`)
    return peer
  }

  write(bytes: string | Uint8Array): void {
    this.stream.write(bytes)
  }

  send(opcode: number, payload?: string | Uint8Array, fields?: Partial<FrameFields>): void {
    this.write(masked(opcode, payload, fields))
  }

  sendClose(code: number, reason = ''): void {
    this.send(Opcode.Close, closePayload(code, reason))
  }

  /** Waits until what this gives for the bytes at hand is something; the bytes are not taken. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (this.closed)
        throw new Error(`The connection has ended with ${this.bytes.length} bytes unread.`, { cause: this.error })
      await new Promise<void>((resolve) => this.wake.push(resolve))
    }
  }

  take(length: number): Buffer {
    const taken = this.bytes.subarray(0, length)
    this.bytes = this.bytes.subarray(length)
    return taken
  }

  /** The head of an HTTP answer, up to and with its empty line. */
  async head(): Promise<string> {
    const length = await this.until(() => {
      const at = this.bytes.indexOf('\r\n\r\n')
      return at < 0 ? undefined : at + 4
    })
    return this.take(length).toString('latin1')
  }

  /** Everything up to the end of the other direction. */
  async rest(): Promise<string> {
    await this.end()
    return this.take(this.bytes.length).toString('latin1')
  }

  /** Waits for the other end's FIN. */
  async end(): Promise<void> {
    await this.until(() => (this.ended ? true : undefined))
  }

  /** Waits until nothing is left of the connection. */
  async close(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.wake.push(resolve))
  }

  /** Reads on without keeping anything. */
  discard(): void {
    this.keeps = false
    this.bytes = Buffer.alloc(0)
    this.stream.resume()
  }

  /** The next frame. */
  async frame(): Promise<Frame> {
    const frame = await this.until(() => decodeFrame(this.bytes, 0, 'server'))
    this.take(frame.length)
    return frame
  }

  /** The next frame as its opcode and its payload in words. */
  async text(): Promise<[opcode: number, payload: string]> {
    const { opcode, payload } = await this.frame()
    return [opcode, Buffer.from(payload).toString()]
  }

  /** The code and the reason of the next frame, which has to be a Close frame. */
  async closeFrame(): Promise<[code: number, reason: string]> {
    const { opcode, payload } = await this.frame()
    if (opcode !== Opcode.Close) throw new Error(`Expected a Close frame, got opcode ${opcode}.`)
    if (payload.length === 0) return [1005, '']
    const bytes = Buffer.from(payload)
    return [bytes.readUInt16BE(0), bytes.subarray(2).toString()]
  }
}
