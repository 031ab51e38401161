import { Opcode } from './opcode.ts'
import { SendQueue, type Waiting } from './send-queue.ts'

/** What a sender has that cannot go into a batch yet. It is there only while there is something. */
export class Backlog {
  /** Messages, a Close frame, and places of messages in fragments, in order. */
  readonly queue = new SendQueue()
  /** Pongs among the frames that go ahead of the queue. */
  pongsAhead = 0
  /** The answer to the newest ping, where there are too many to answer each. */
  newestPong: Uint8Array | undefined
  /** A message is being sent in fragments: others wait until it has ended. */
  fragmenting = false
  /** The message at which the encoder is: others wait until it is done. */
  encoding: Waiting | undefined
  giveUpEncoding: (() => void) | undefined

  /** Frames that go ahead of the queue. */
  private readonly ahead: Waiting[] = []
  private aheadSize = 0

  /** Bytes of payload. */
  get size(): number {
    return this.queue.size + this.aheadSize + (this.encoding === undefined ? 0 : this.encoding.size)
  }

  /** How many frames and messages wait. */
  get count(): number {
    return this.queue.length + this.ahead.length
  }

  get isEmpty(): boolean {
    if (this.fragmenting || this.encoding !== undefined || this.newestPong !== undefined) return false
    return this.ahead.length === 0 && this.queue.length === 0
  }

  /** Whether a message, or a part of one, is in it. */
  get hasMessages(): boolean {
    if (this.fragmenting || this.encoding !== undefined) return true
    const { first } = this.queue
    return this.ahead.some(isOfMessage) || (first !== undefined && isOfMessage(first))
  }

  goAhead(frame: Waiting): void {
    if ((frame.firstByte & 0x0f) === Opcode.Pong) this.pongsAhead++
    this.ahead.push(frame)
    this.aheadSize += frame.size
  }

  /** Takes all that goes ahead. */
  takeAhead(): Waiting[] {
    this.pongsAhead = 0
    this.aheadSize = 0
    return this.ahead.splice(0)
  }
}

/** Whether it is a message, a part of one, or the place of one, and not a control frame. */
export function isOfMessage({ firstByte }: Waiting): boolean {
  return (firstByte & 0x0f) < Opcode.Close
}
