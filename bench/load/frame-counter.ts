/** What the load generator in TypeScript knows of RFC 6455: enough to count what an echo server sends, and to check it. */

export interface ExpectedMessage {
  /** 1 for text, 2 for binary. */
  opcode: number
  payload: Uint8Array
  /** Compare every byte of every message, not just its type and length. */
  verify: boolean
}

export interface ControlFrames {
  ping(payload: Buffer): void
  close(): void
}

/** Counts the messages in a stream of server frames. A frame may be cut anywhere. */
export class FrameCounter {
  /** Messages that were not what was sent. */
  errors = 0
  private readonly expected: ExpectedMessage
  private readonly control: ControlFrames
  private readonly header = Buffer.alloc(10)
  private headerLength = 0
  private opcode = 0
  private fin = false
  /** Payload bytes of the frame that are still to come. */
  private remaining = 0
  private inMessage = false
  private messageOpcode = 0
  private messageLength = 0
  private controlPayload: Buffer[] = []

  constructor(expected: ExpectedMessage, control: ControlFrames) {
    this.expected = expected
    this.control = control
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
    else this.beginData()
    return need - before
  }

  private beginData(): void {
    if ((this.opcode === 0) !== this.inMessage) throw new Error('the server sent a fragment out of turn')
    if (this.opcode === 0) return
    this.inMessage = true
    this.messageOpcode = this.opcode
    this.messageLength = 0
  }

  private takePayload(piece: Buffer): void {
    this.remaining -= piece.length
    if (this.opcode >= 8) {
      this.controlPayload.push(Buffer.from(piece))
      return
    }
    const { payload, verify } = this.expected
    const start = this.messageLength
    this.messageLength += piece.length
    // A message that is too long is found by its length, at its end.
    if (verify && this.messageLength <= payload.length && piece.compare(payload, start, this.messageLength) !== 0) {
      this.errors++
    }
  }

  /** Whether a data message ended. */
  private endFrame(): boolean {
    if (this.opcode >= 8) {
      if (this.opcode === 9) this.control.ping(Buffer.concat(this.controlPayload))
      else if (this.opcode === 8) this.control.close()
      return false
    }
    if (!this.fin) return false
    this.inMessage = false
    const { opcode, payload } = this.expected
    if (this.messageLength !== payload.length || this.messageOpcode !== opcode) this.errors++
    return true
  }
}
