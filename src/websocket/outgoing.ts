import { CloseCode } from '../protocol/close-code.ts'
import type { Link } from '../socket/link.ts'
import { queueTask } from './task.ts'

/** What is sent in its turn: a Blob has to be read first, and what comes after it waits. */
type Item =
  | { readonly data: string | Uint8Array; readonly size: number }
  | { readonly blob: Blob }
  | { readonly close: number; readonly reason: string }

/** A message that the wire has not taken, as far as is known. */
interface Unsent {
  readonly size: number
  /** The byte of the connection with which its frame ends. */
  readonly end: number
}

/** What a WebSocket sends, in order, and `bufferedAmount`: how many bytes of it have not been transmitted yet. */
export class Outgoing {
  private link: Link | undefined
  private amount = 0
  private waiting: Item[] = []
  private unsent: Unsent[] = []
  /** In the task in which something was sent it counts as not transmitted, whatever has become of it. */
  private sentInThisTask = false
  private awaitsDrain = false

  /** Bytes of messages, without what frames add to them. */
  get bufferedAmount(): number {
    this.settle()
    return this.amount
  }

  /** The connection is open. */
  begin(link: Link): void {
    this.link = link
  }

  /** A message. On a connection that is not open it counts, and goes nowhere. */
  send(data: string | Uint8Array | Blob): void {
    if (data instanceof Blob) {
      this.amount += data.size
      this.enqueue({ blob: data })
    } else {
      const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
      this.amount += size
      if (this.waiting.length === 0) this.give(data, size)
      else this.enqueue({ data, size })
    }
  }

  /** The Close frame, behind all that was sent. Nothing can be sent after it. */
  close(code: number | undefined, reason: string): void {
    const close = code ?? CloseCode.NoStatusReceived
    if (this.waiting.length === 0) this.link?.close(close, reason)
    else this.enqueue({ close, reason })
  }

  /** The connection has ended: what was not transmitted never will be. */
  end(): void {
    this.link = undefined
    this.waiting = []
    this.unsent = []
  }

  private enqueue(item: Item): void {
    if (this.link === undefined || this.link.connection.state !== 'open') return
    if (this.waiting.push(item) === 1) void this.work()
  }

  private async work(): Promise<void> {
    for (let item = this.waiting[0]; item !== undefined; item = this.waiting[0]) {
      if ('blob' in item) {
        const bytes = await this.read(item.blob)
        if (bytes !== undefined) this.give(bytes, bytes.length)
      } else if ('data' in item) {
        this.give(item.data, item.size)
      } else {
        this.link?.close(item.close, item.reason)
      }
      this.waiting.shift()
      if (this.link?.connection.state !== 'open') this.waiting = []
    }
  }

  private async read(blob: Blob): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await blob.arrayBuffer())
    } catch (error) {
      // As for one of a file that was changed since.
      const cause = error instanceof Error ? error : new Error(String(error))
      this.link?.connection.fail(CloseCode.InternalError, 'a message could not be read', 'handler-error', cause)
      return undefined
    }
  }

  private give(data: string | Uint8Array, size: number): void {
    const { link } = this
    if (link === undefined) return
    const result = link.send(data, undefined)
    if (result !== 'ok' && result !== 'slow') return
    const { sender } = link.connection
    this.unsent.push({ size, end: sender.bytesTaken + sender.bufferedAmount })
    if (this.sentInThisTask) return
    this.sentInThisTask = true
    queueTask(() => this.afterTask())
  }

  private afterTask(): void {
    this.sentInThisTask = false
    this.settle()
    if (this.unsent.length === 0 || this.awaitsDrain) return
    this.awaitsDrain = true
    const drained = () => {
      this.awaitsDrain = false
      this.settle()
    }
    this.link?.outbound.drained(undefined).then(drained, () => {})
  }

  /** Takes off what the wire has taken meanwhile. */
  private settle(): void {
    const { link, unsent } = this
    if (link === undefined || unsent.length === 0 || this.sentInThisTask) return
    const { sender } = link.connection
    // What was discarded, or held by a transport that is gone, was not transmitted.
    if (sender.hasDiscarded || link.info !== undefined) return
    // A message that waited and was then compressed ended before the byte that was noted.
    const taken = sender.bufferedAmount === 0 ? Number.POSITIVE_INFINITY : sender.bytesTaken
    let count = 0
    for (const { size, end } of unsent) {
      if (end > taken) break
      this.amount -= size
      count++
    }
    unsent.splice(0, count)
  }
}
