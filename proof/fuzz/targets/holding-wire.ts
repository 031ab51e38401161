import type { ConnectionWire } from '../../../src/protocol/connection.ts'
import { must } from '../target.ts'

/** A wire that can hold what it is given, and that says when it is misused. */
export class HoldingWire implements ConnectionWire {
  holding = false
  ended = false
  destroyed = false
  private held: readonly Uint8Array[] | undefined
  private readonly gone: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    return this.writeAll([bytes])
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    must(this.held === undefined, 'a write while the wire holds one')
    must(!this.ended && !this.destroyed, 'a write after the end')
    must(pieces.length > 0 && pieces.every((piece) => piece.length > 0), 'an empty write')
    if (this.holding) this.held = pieces
    else this.let(pieces)
    return !this.holding
  }

  end(): void {
    must(!this.ended, 'a second end')
    this.ended = true
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Whether there was something to let go of. It is read only now, so that memory that was written over shows. */
  release(): boolean {
    this.holding = false
    const { held } = this
    this.held = undefined
    if (held !== undefined) this.let(held)
    return held !== undefined
  }

  get bytes(): Buffer {
    return Buffer.concat(this.gone)
  }

  private let(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.gone.push(Uint8Array.from(piece))
  }
}
