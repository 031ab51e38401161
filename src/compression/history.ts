/**
 * The last bytes that went one way: the window to which a message that is compressed with context takeover may refer
 * (RFC 7692 section 7.2). It holds no more than has gone, up to its size.
 */
export class History {
  private readonly size: number
  private bytes: Uint8Array = Buffer.alloc(0)
  private length = 0

  /** @param size in bytes */
  constructor(size: number) {
    this.size = size
  }

  /** The bytes, until the next call of `push`; undefined while there are none. */
  get window(): Uint8Array | undefined {
    return this.length === 0 ? undefined : this.bytes.subarray(0, this.length)
  }

  push(message: Uint8Array): void {
    const { size } = this
    const from = Math.max(0, message.length - size)
    const added = message.length - from
    const kept = Math.min(this.length, size - added)
    this.reserve(kept + added)
    this.bytes.copyWithin(0, this.length - kept, this.length)
    this.bytes.set(from === 0 ? message : message.subarray(from), kept)
    this.length = kept + added
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return
    // Not from the pool: it is kept for long, and would keep the pool's other 8 KiB with it.
    const grown = Buffer.allocUnsafeSlow(Math.min(this.size, Math.max(256, this.bytes.length * 2, length)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
