import { connect, type Socket } from 'node:net'
import { portablePlatform, Receiver } from 'heartwire/protocol'

/** How a connection is opened. */
export interface Dial {
  path?: string
  /** Further header lines, each with its line end. */
  headers?: string
  /** What is sent in place of a handshake, if anything is. */
  head?: string
  /** The handshake is done. */
  opened?(client: RawClient): void
}

/**
 * A client of plain TCP. It sends any bytes, shakes hands by hand, and tells in one word what it was answered: the HTTP
 * status of a refusal, the code of a Close frame, or
 * - `open`: the connection was open when this end left it,
 * - `unanswered`: there was no answer to the handshake when this end left it,
 * - `ended` and `reset`: the server ended or reset it without a word,
 * - the code of an error, such as `ECONNREFUSED`.
 */
export class RawClient {
  /** Resolves when nothing is left of the connection. */
  readonly ended: Promise<string>
  private readonly socket: Socket
  private readonly opened: ((client: RawClient) => void) | undefined
  private head = ''
  private receiver: Receiver | undefined
  private outcome: string | undefined

  constructor(port: number, { path = '/', headers = '', head, opened }: Dial) {
    this.opened = opened
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.socket = socket
    socket.write(head ?? handshake(port, path, headers), 'latin1')
    socket.on('data', (chunk: Buffer) => this.read(chunk))
    socket.on('end', () => {
      this.outcome ??= 'ended'
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that is written to after its last Close frame resets, as it should.
      this.outcome ??= error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : (error.code ?? error.message)
    })
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.outcome ?? 'ended')))
  }

  /** Whether it was answered for good, so that nothing more is to be sent. */
  get over(): boolean {
    return this.outcome !== undefined
  }

  /** Whether the handshake was answered, or will not be. */
  get answered(): boolean {
    return this.receiver !== undefined || this.over
  }

  write(bytes: Uint8Array | string): void {
    if (!this.over) this.socket.write(bytes)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Ends the connection, and reads on until the server has done the same. */
  leave(): void {
    this.outcome ??= this.receiver === undefined ? 'unanswered' : 'open'
    this.socket.end()
  }

  /** Ends the connection at once. */
  cut(): void {
    this.leave()
    this.socket.destroy()
  }

  /** Resets the connection. */
  reset(): void {
    this.outcome ??= 'reset by the attacker'
    this.socket.resetAndDestroy()
  }

  private read(chunk: Buffer): void {
    if (this.receiver !== undefined) return this.receiver.receive(chunk)
    this.head += chunk.toString('latin1')
    const end = this.head.indexOf('\r\n\r\n')
    if (end < 0) return
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.head)?.[1] ?? 'no HTTP'
    if (status !== '101') {
      this.outcome ??= status
      this.socket.end()
      return
    }
    const rest = Buffer.from(this.head.slice(end + 4), 'latin1')
    this.head = ''
    this.receiver = this.newReceiver()
    this.opened?.(this)
    if (rest.length > 0) this.receiver.receive(rest)
  }

  private newReceiver(): Receiver {
    const nothing = () => {}
    return new Receiver(
      { side: 'client', platform: portablePlatform, maxPayload: 2 ** 30, maxFragments: 2 ** 30, text: 'bytes' },
      {
        onText: nothing,
        onBinary: nothing,
        onPiece: nothing,
        onPing: nothing,
        onPong: nothing,
        onClose: (code) => {
          this.outcome ??= String(code)
          this.socket.end()
        },
        onViolation: () => {
          this.outcome ??= 'broken frames'
          this.socket.destroy()
        },
      },
    )
  }
}

function handshake(port: number, path: string, headers: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`
  )
}
