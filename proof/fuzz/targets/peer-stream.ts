import { Duplex } from 'node:stream'

/** The stream that an endpoint is given in place of a socket: what its peer sends is pushed, what it sends is kept. */
export class PeerStream extends Duplex {
  /** What a socket has; that of a proxy that is trusted. */
  readonly remoteAddress = '127.0.0.1'
  /** Called when the endpoint has written something. */
  onWritten: () => void = () => {}
  private readonly pieces: Buffer[] = []

  /** What the endpoint has sent. */
  get written(): Buffer {
    return Buffer.concat(this.pieces)
  }

  /** Settles when both directions are over. */
  get closedForGood(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) resolve()
      else this.once('close', resolve)
    })
  }

  /** Gives the endpoint what its peer sends, and then the end. */
  send(chunks: Iterable<Uint8Array>): void {
    for (const chunk of chunks) this.push(Buffer.from(chunk))
    this.push(null)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.pieces.push(Buffer.from(chunk))
    this.onWritten()
    callback()
  }
}
