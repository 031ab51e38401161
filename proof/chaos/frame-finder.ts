import { decodeFrameHeader } from 'heartwire/protocol'
import type { Place } from './plan.ts'

const END_OF_HEAD = '\r\n\r\n'

/** Follows the bytes of one direction, the HTTP head and then frames, to know where in a frame it is. */
export class FrameFinder {
  /** How much of the end of the head has been seen; undefined behind it. */
  private headSeen: number | undefined = 0
  private frame = 0
  /** The bytes of a header that is not complete. */
  private header: number[] = []
  /** Bytes of the payload that are still to come. */
  private remaining = 0
  /** Bytes of the payload that come before the place; -1 when it is not in this frame, or has been passed. */
  private ahead = -1

  /**
   * Looks for a place in the next bytes of the stream. Returns how many come before it, and has followed only those; or
   * -1 when it is not among them, and has followed them all.
   */
  find(bytes: Uint8Array, place: Place): number {
    for (let at = 0; at < bytes.length; ) {
      if (this.headSeen !== undefined) {
        this.followHead(bytes[at++] as number, this.headSeen)
      } else if (this.remaining > 0) {
        const step = Math.min(this.remaining, bytes.length - at, this.ahead >= 0 ? this.ahead : this.remaining)
        at += step
        this.remaining -= step
        if (this.ahead < 0) continue
        this.ahead -= step
        if (this.ahead > 0) continue
        this.ahead = -1
        return at
      } else {
        const begins = this.header.length === 0
        if (begins && place.at === 'before' && this.frame + 1 >= place.frame) return at
        this.followHeader(bytes[at++] as number, place)
        if (begins && place.at === 'header' && this.frame >= place.frame) return at
        if (this.ahead !== 0) continue
        this.ahead = -1
        return at
      }
    }
    return -1
  }

  private followHead(byte: number, seen: number): void {
    const next = byte === END_OF_HEAD.charCodeAt(seen) ? seen + 1 : byte === END_OF_HEAD.charCodeAt(0) ? 1 : 0
    this.headSeen = next === END_OF_HEAD.length ? undefined : next
  }

  private followHeader(byte: number, { frame, at }: Place): void {
    if (this.header.push(byte) === 1) this.frame++
    const complete = decodeFrameHeader(Uint8Array.from(this.header))
    if (complete === undefined) return
    this.header = []
    this.remaining = complete.payloadLength
    if (typeof at === 'number' && this.frame >= frame && this.remaining > 0)
      this.ahead = Math.floor(at * this.remaining)
  }
}
