import type { QueueOptions, SendData } from './options.ts'

/** Messages that wait for a connection, within bounds. */
export class Queue {
  readonly #options: Required<QueueOptions>
  #messages: { data: SendData; size: number }[] = []
  #bytes = 0

  constructor(options: Required<QueueOptions>) {
    this.#options = options
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes a message as it is now.
   * @returns what was dropped for want of room, which may be this message
   * @throws DOMException `QuotaExceededError` when there is no room, and nothing is to be dropped for it
   */
  add(given: SendData): SendData[] {
    const { maxMessages, maxBytes, overflow } = this.#options
    const data = copyOf(given)
    const size = sizeOf(data)
    const isFull = () => this.#messages.length + 1 > maxMessages || this.#bytes + size > maxBytes
    if (isFull() && overflow === 'reject') {
      throw new DOMException('The queue of messages is full.', 'QuotaExceededError')
    }
    const dropped: SendData[] = []
    if (overflow === 'drop-oldest' && maxMessages >= 1 && size <= maxBytes) {
      while (isFull()) {
        const oldest = this.take()
        if (oldest === undefined) break
        dropped.push(oldest)
      }
    }
    if (isFull()) return [data]
    this.#messages.push({ data, size })
    this.#bytes += size
    return dropped
  }

  /** The oldest message, which leaves the queue. */
  take(): SendData | undefined {
    const first = this.#messages.shift()
    this.#bytes -= first?.size ?? 0
    return first?.data
  }

  /** All messages, which leave the queue. */
  takeAll(): SendData[] {
    const all = this.#messages.map(({ data }) => data)
    this.#messages = []
    this.#bytes = 0
    return all
  }
}

function sizeOf(data: SendData): number {
  if (typeof data === 'string') return new TextEncoder().encode(data).length
  return data instanceof Blob ? data.size : data.byteLength
}

/** Memory may be written to again while the message waits; WebSocket takes what is there when `send` is called. */
function copyOf(data: SendData): SendData {
  if (typeof data === 'string' || data instanceof Blob) return data
  if (!ArrayBuffer.isView(data)) return data.slice(0)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
}
