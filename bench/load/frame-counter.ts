/** Counts what an echo server sends, when every message is the same, and checks it. */
import { FrameReader, type MessageSink } from './frame-reader.ts'

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
export class FrameCounter implements MessageSink {
  /** Messages that were not what was sent. */
  errors = 0
  private readonly expected: ExpectedMessage
  private readonly control: ControlFrames
  private readonly reader: FrameReader
  private opcode = 0
  private length = 0

  constructor(expected: ExpectedMessage, control: ControlFrames) {
    this.expected = expected
    this.control = control
    this.reader = new FrameReader(this)
  }

  /**
   * @returns how many messages ended in `bytes`.
   * @throws {Error} when `bytes` are not frames from a server.
   */
  push(bytes: Buffer): number {
    return this.reader.push(bytes)
  }

  begin(opcode: number): void {
    this.opcode = opcode
    this.length = 0
  }

  piece(bytes: Buffer): void {
    const { payload, verify } = this.expected
    const start = this.length
    this.length += bytes.length
    // A message that is too long is found by its length, at its end.
    if (verify && this.length <= payload.length && bytes.compare(payload, start, this.length) !== 0) this.errors++
  }

  end(): void {
    const { opcode, payload } = this.expected
    if (this.length !== payload.length || this.opcode !== opcode) this.errors++
  }

  ping(payload: Buffer): void {
    this.control.ping(payload)
  }

  close(): void {
    this.control.close()
  }
}
