import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'

const TAIL = Buffer.from([0, 0, 0xff, 0xff])

/** Another end of permessage-deflate, of nothing but one zlib stream for each direction, kept from message to message. */
export class ZlibPeer {
  private readonly deflate: Through
  private readonly inflate: Through

  constructor(windowBits = 15) {
    this.deflate = new Through(createDeflateRaw({ windowBits: Math.max(9, windowBits) }))
    this.inflate = new Through(createInflateRaw({ windowBits }))
  }

  async compress(message: Uint8Array): Promise<Uint8Array> {
    // Where nothing has come since the last flush, zlib flushes nothing.
    if (message.length === 0) return Buffer.of(0)
    const all = await this.deflate.send(message)
    return all.subarray(0, all.length - TAIL.length)
  }

  decompress(compressed: Uint8Array): Promise<Uint8Array> {
    return this.inflate.send(Buffer.concat([compressed, TAIL]))
  }
}

/** A stream, and what comes out of it for each piece that goes in. */
class Through {
  private readonly stream: DeflateRaw | InflateRaw
  private chunks: Buffer[] = []

  constructor(stream: DeflateRaw | InflateRaw) {
    this.stream = stream
    stream.on('data', (chunk) => this.chunks.push(chunk))
  }

  send(bytes: Uint8Array): Promise<Buffer> {
    this.chunks = []
    return new Promise((resolve, reject) => {
      this.stream.once('error', reject)
      if (bytes.length > 0) this.stream.write(bytes)
      this.stream.flush(constants.Z_SYNC_FLUSH, () => {
        this.stream.off('error', reject)
        resolve(Buffer.concat(this.chunks))
      })
    })
  }
}
