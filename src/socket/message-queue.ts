import { type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import { TimeoutError } from '../protocol/error.ts'
import { checkTime } from './check.ts'
import { MessageStream } from './message-stream.ts'
import type { MessageType } from './options.ts'

/** What the queue asks of the connection it is filled by. */
export interface MessageSource {
  /** Holds the peer back, or lets it go on. */
  holdMessages(hold: boolean): void
  /** Whether the next message is to be read in pieces. */
  readInPieces(inPieces: boolean): void
}

export interface ReceiveOptions {
  /** Ends the wait; the promise rejects with the signal's reason. Nothing is lost. */
  signal?: AbortSignal | undefined
  /** Milliseconds to wait; then the promise rejects with a TimeoutError. Nothing is lost. */
  timeout?: number | undefined
}

export interface QueuedMessage {
  data: string | Uint8Array
  type: MessageType
}

interface Waiter {
  /** Set for who waits to read a message in pieces. */
  stream: ((stream: MessageStream) => void) | undefined
  whole: ((message: QueuedMessage) => void) | undefined
  fail(error: unknown): void
}

/** Bytes kept for a consumer before the peer is held back. */
const CAPACITY = 64 * 1024
/** What a message counts for beside its payload, so that a queue of tiny ones is bounded as well. */
const OVERHEAD = 64

/** Messages that are pulled: by `receive`, `receiveStream`, `for await` and the Duplex. First come, first served. */
export class MessageQueue {
  private readonly source: MessageSource
  /** What nobody has asked for yet; a message that began to be read in pieces stands here when its reader gave up. */
  private messages: (QueuedMessage | MessageStream)[] = []
  private size = 0
  private readonly waiters: Waiter[] = []
  /** The message that is being read in pieces. */
  private stream: MessageStream | undefined
  private ended: CloseInfo | undefined

  constructor(source: MessageSource) {
    this.source = source
  }

  /** The next message; rejects with a ConnectionClosedError when none can come any more. */
  next(options: ReceiveOptions = {}): Promise<QueuedMessage> {
    const message = this.shift()
    if (message !== undefined) return message instanceof MessageStream ? message.whole() : Promise.resolve(message)
    return this.wait<QueuedMessage>(options, (resolve, fail) => ({ stream: undefined, whole: resolve, fail }))
  }

  /** The next message, to be read piece by piece. */
  nextStream(options: ReceiveOptions = {}): Promise<MessageStream> {
    const message = this.shift()
    if (message !== undefined)
      return Promise.resolve(message instanceof MessageStream ? message : MessageStream.of(message))
    return this.wait<MessageStream>(options, (resolve, fail) => ({ stream: resolve, whole: undefined, fail }))
  }

  /** A whole message has arrived. */
  push(message: QueuedMessage): void {
    const waiter = this.waiters.shift()
    if (waiter === undefined) {
      this.messages.push(message)
      this.size += sizeOf(message)
    } else {
      waiter.whole?.(message)
      waiter.stream?.(MessageStream.of(message))
    }
    this.updateHold()
  }

  /** A piece of a message has arrived. */
  pushPiece(type: MessageType, piece: Uint8Array, last: boolean): void {
    if (this.stream === undefined) {
      this.stream = new MessageStream(type, () => this.updateHold())
      // Who asked for pieces may have given up since the message began.
      const waiter = this.waiters.shift()
      if (waiter === undefined) this.messages.push(this.stream)
      else if (waiter.stream !== undefined) waiter.stream(this.stream)
      else this.stream.whole().then(waiter.whole, waiter.fail)
    }
    this.stream.push(piece, last)
    if (last) this.stream = undefined
    this.updateHold()
  }

  /** Whether as much is kept as may be: the peer is to be held back. */
  get full(): boolean {
    return (this.waiters.length === 0 && this.size >= CAPACITY) || (this.stream?.full ?? false)
  }

  /** The rest of the message that is read in pieces will not come. */
  breakOff(error: unknown): void {
    this.stream?.fail(error)
    this.stream = undefined
  }

  /** Nothing more will come. What has come can still be read. */
  end(info: CloseInfo): void {
    this.ended = info
    const error = new ConnectionClosedError(info)
    this.stream?.fail(error)
    for (const waiter of this.waiters.splice(0)) waiter.fail(error)
  }

  private shift(): QueuedMessage | MessageStream | undefined {
    const message = this.messages.shift()
    if (message !== undefined && !(message instanceof MessageStream)) this.size -= sizeOf(message)
    if (message !== undefined) this.updateHold()
    return message
  }

  private wait<T>(
    { signal, timeout }: ReceiveOptions,
    make: (resolve: (value: T) => void, fail: (error: unknown) => void) => Waiter,
  ): Promise<T> {
    if (this.ended !== undefined) return Promise.reject(new ConnectionClosedError(this.ended))
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (timeout !== undefined) checkTime('timeout', timeout)
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const giveUp = (error: unknown) => {
        done()
        const index = this.waiters.indexOf(waiter)
        if (index >= 0) this.waiters.splice(index, 1)
        this.updateHold()
        reject(error)
      }
      const onAbort = () => giveUp(signal?.reason)
      const waiter = make((value) => {
        done()
        resolve(value)
      }, giveUp)
      if (timeout !== undefined) {
        timer = setTimeout(() => giveUp(new TimeoutError('TIMEOUT', `No message came within ${timeout} ms.`)), timeout)
      }
      signal?.addEventListener('abort', onAbort)
      this.waiters.push(waiter)
      this.updateHold()
    })
  }

  private updateHold(): void {
    this.source.readInPieces(
      this.messages.length === 0 && this.stream === undefined && this.waiters[0]?.stream !== undefined,
    )
    this.source.holdMessages(this.full)
  }
}

function sizeOf({ data }: QueuedMessage): number {
  return data.length + OVERHEAD
}
