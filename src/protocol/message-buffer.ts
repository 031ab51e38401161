import type { Platform } from './platform.ts'
import { UTF8_START } from './utf8.ts'

const EMPTY = new Uint8Array(0)
const SMALLEST = 256
/** How far the buffer grows beyond what has arrived: a large message is moved fewer times (a tenth of its cost). */
const GROWTH = 4

/** A message that has not arrived whole: one buffer that grows with what has arrived, never with what is announced. */
export class MessageBuffer {
  /** The opcode of the message's first frame. */
  readonly opcode: number
  /** Whether the message is handed on in pieces. */
  readonly inPieces: boolean
  /** Whether an extension has encoded it: its bytes are no text yet. */
  readonly isEncoded: boolean
  bytes: Uint8Array = EMPTY
  /** How many of `bytes` are filled. */
  length = 0
  /** Payload bytes that the frames so far announced. */
  announced = 0
  fragments = 0
  /** Where UTF-8 validation stands behind the last byte. */
  utf8State = UTF8_START
  /** Whether all bytes so far are ASCII, which is decoded faster. */
  ascii = true
  private readonly platform: Platform

  constructor(platform: Platform, opcode: number, inPieces: boolean, isEncoded = false) {
    this.platform = platform
    this.opcode = opcode
    this.inPieces = inPieces && !isEncoded
    this.isEncoded = isEncoded
  }

  /**
   * Makes room for `length` bytes that have arrived and returns where they go, or -1 when there is no memory for them.
   * The buffer grows by a multiple of what has arrived, here and behind it in the chunk of `arrived` bytes, but not past
   * `whole`, the size of the message or, until that is known, the most that it may be.
   */
  reserve(length: number, arrived: number, whole: number): number {
    const at = this.length
    const needed = at + length
    if (needed > this.bytes.length) {
      // A piece is handed on as it is.
      const most = this.inPieces ? needed : whole
      const size = Math.max(needed, Math.min(most, Math.max(needed * GROWTH, arrived, SMALLEST)))
      const grown = this.allocate(size) ?? this.allocate(needed)
      if (grown === undefined) return -1
      grown.set(this.bytes.subarray(0, at))
      this.bytes = grown
    }
    this.length = needed
    return at
  }

  /** Gives away what has been gathered, without slack, and begins anew. */
  take(): Uint8Array {
    const { bytes, length } = this
    this.bytes = EMPTY
    this.length = 0
    if (length === bytes.length) return bytes
    const filled = bytes.subarray(0, length)
    const taken = this.allocate(length)
    taken?.set(filled)
    return taken ?? filled
  }

  /** There may be no memory for a large message, which is no reason to end the process. */
  private allocate(length: number): Uint8Array | undefined {
    try {
      return this.platform.allocate(length)
    } catch {
      return undefined
    }
  }
}
