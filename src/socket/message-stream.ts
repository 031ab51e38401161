import { TextDecoder } from 'node:util'
import type { MessageType } from './options.ts'

/** Bytes of a message that are kept for its reader before the peer is held back. */
const CAPACITY = 64 * 1024
/** What a piece counts for beside its length, so that a message in tiny ones is bounded as well. */
const OVERHEAD = 64

/**
 * A message that is read piece by piece, without being held in memory: text as strings, binary as `Uint8Array`s.
 * A reader that takes its time holds the peer back. What is not read, because the loop was left early, is discarded.
 */
export class MessageStream implements AsyncIterable<string | Uint8Array> {
  readonly type: MessageType
  private readonly decoder: TextDecoder | undefined
  private readonly onRead: () => void
  private pieces: (string | Uint8Array)[] = []
  private size = 0
  private finished = false
  private cancelled = false
  private error: unknown
  private wake: (() => void) | undefined

  /** @internal */
  constructor(type: MessageType, onRead: () => void) {
    this.type = type
    this.onRead = onRead
    this.decoder = type === 'text' ? new TextDecoder('utf-8', { ignoreBOM: true }) : undefined
  }

  /** @internal A message that arrived whole. */
  static of(message: { data: string | Uint8Array; type: MessageType }): MessageStream {
    const stream = new MessageStream(message.type, () => {})
    if (message.data.length > 0) stream.pieces.push(message.data)
    stream.finished = true
    return stream
  }

  /** @internal */
  get full(): boolean {
    return !this.cancelled && this.size >= CAPACITY
  }

  /** @internal */
  push(piece: Uint8Array, last: boolean): void {
    this.finished = last
    if (!this.cancelled) {
      const decoded = this.decoder === undefined ? piece : this.decoder.decode(piece, { stream: !last })
      if (decoded.length > 0) {
        this.pieces.push(decoded)
        this.size += decoded.length + OVERHEAD
      }
    }
    this.wake?.()
  }

  /** @internal */
  fail(error: unknown): void {
    this.finished = true
    this.error = error
    this.wake?.()
  }

  /** @internal All pieces as one message. */
  async whole(): Promise<{ data: string | Uint8Array; type: MessageType }> {
    if (this.type === 'text') {
      let text = ''
      for await (const piece of this) text += piece
      return { data: text, type: this.type }
    }
    const pieces: Uint8Array[] = []
    for await (const piece of this) if (typeof piece !== 'string') pieces.push(piece)
    return { data: Buffer.concat(pieces), type: this.type }
  }

  /** Discards what is left of the message. */
  cancel(): void {
    this.cancelled = true
    this.pieces = []
    this.size = 0
    this.onRead()
  }

  /** The pieces. Throws a ConnectionClosedError when the connection ends before the message does. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void, undefined> {
    try {
      for (;;) {
        const piece = this.pieces.shift()
        if (piece !== undefined) {
          this.size -= piece.length + OVERHEAD
          this.onRead()
          yield piece
        } else if (this.finished) {
          if (this.error !== undefined) throw this.error
          return
        } else {
          await new Promise<void>((resolve) => {
            this.wake = resolve
          })
        }
      }
    } finally {
      this.cancel()
    }
  }
}
