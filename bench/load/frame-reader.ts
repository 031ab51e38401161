/** What a load generator in TypeScript knows of RFC 6455: the messages in a stream of server frames. */

export interface MessageSink {
  /** The first frame of a data message. `compressed`: its bit RSV1 is set (RFC 7692 section 6). */
  begin(opcode: number, compressed: boolean): void
  /** A piece of its payload; the bytes are only good during the call. */
  piece(bytes: Buffer): void
  end(): void
  ping(payload: Buffer): void
  close(payload: Buffer): void
}

/** A frame may be cut anywhere. */
export class FrameReader {
  private readonly sink: MessageSink
  private readonly header = Buffer.alloc(10)
  private headerLength = 0
  private opcode = 0
  private fin = false
  /** Payload bytes of the frame that are still to come. */
  private remaining = 0
  private inMessage = false
  private controlPayload: Buffer[] = []

  constructor(sink: MessageSink) {
    this.sink = sink
  }

  /**
   * @returns how many messages ended in `bytes`.
   * @throws {Error} when `bytes` are not frames from a server.
   */
  push(bytes: Buffer): number {
    let messages = 0
    let at = 0
    while (at < bytes.length) {
      if (this.remaining === 0) {
        at += this.readHeader(bytes, at)
        if (this.headerLength > 0) break
      }
      const taken = Math.min(this.remaining, bytes.length - at)
      if (taken > 0) this.takePayload(bytes.subarray(at, at + taken))
      at += taken
      if (this.remaining === 0 && this.endFrame()) messages++
    }
    return messages
  }

  /** Reads as much of a header as there is; `headerLength` is 0 when it is complete. */
  private readHeader(bytes: Buffer, at: number): number {
    const { header } = this
    const before = this.headerLength
    const have = before + bytes.copy(header, before, at, at + header.length - before)
    const length7 = have < 2 ? 0 : header.readUInt8(1)
    if (length7 > 127) throw new Error('the server sent a masked frame')
    const need = length7 < 126 ? 2 : length7 === 126 ? 4 : 10
    if (have < need) {
      this.headerLength = have
      return have - before
    }
    this.headerLength = 0
    const first = header.readUInt8(0)
    this.fin = first >= 0x80
    this.opcode = first & 0x0f
    this.remaining = need === 2 ? length7 : need === 4 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2))
    if (this.opcode >= 8) this.controlPayload = []
    else this.beginData((first & 0x40) !== 0)
    return need - before
  }

  private beginData(compressed: boolean): void {
    if ((this.opcode === 0) !== this.inMessage) throw new Error('the server sent a fragment out of turn')
    if (this.opcode === 0) return
    this.inMessage = true
    this.sink.begin(this.opcode, compressed)
  }

  private takePayload(piece: Buffer): void {
    this.remaining -= piece.length
    if (this.opcode >= 8) this.controlPayload.push(Buffer.from(piece))
    else this.sink.piece(piece)
  }

  /** Whether a data message ended. */
  private endFrame(): boolean {
    if (this.opcode >= 8) {
      if (this.opcode === 9) this.sink.ping(Buffer.concat(this.controlPayload))
      else if (this.opcode === 8) this.sink.close(Buffer.concat(this.controlPayload))
      return false
    }
    if (!this.fin) return false
    this.inMessage = false
    this.sink.end()
    return true
  }
}
