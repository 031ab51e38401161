/** Reads an input from its beginning; where it has ended, everything is 0. */
export class Input {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get ended(): boolean {
    return this.at >= this.bytes.length
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0
  }

  /** At most so many bytes. */
  take(length: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + length)
    this.at += taken.length
    return taken
  }

  rest(): Uint8Array {
    return this.take(this.bytes.length)
  }
}

/** Cuts bytes into chunks of sizes that the seed decides. Each is memory of its own, for whoever reads it to write to. */
export function* chunksOf(bytes: Uint8Array, seed: number): Generator<Uint8Array> {
  let state = seed
  for (let at = 0; at < bytes.length; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    // Mostly a few bytes, sometimes many.
    const size = 1 + ((state >>> 16) % ((state & 0x700) === 0 ? 5_000 : 24))
    yield Uint8Array.from(bytes.subarray(at, at + size))
    at += size
  }
}
