import type { Socket } from 'node:net'
import { monotonic } from '../support/loop-watch.ts'
import type { Random } from '../support/random.ts'
import { FrameFinder } from './frame-finder.ts'
import type { Strike, Trouble } from './plan.ts'

/** Bytes that wait in a lane before its source has to wait. */
const MOST = 256 * 1024
/** Milliseconds after which a lane's bytes are no longer passed on one by one: a busy proxy takes long for each. */
const SINGLE = 1_000
/** No ping, and no few of them, are longer. */
const PING = 1024

/** Bytes that were read, or the end of them, and when they are to be passed on. */
interface Piece {
  bytes: Uint8Array | undefined
  due: number
}

/** One direction of a connection through the proxy: from one socket to the other, with what is done to it on the way. */
export class Lane {
  /** When the target was given something last, on the clock of `monotonic`. */
  lastWrite = monotonic()
  /** When it swallowed more than a ping last. */
  lastSwallow = 0
  private readonly source: Socket
  private readonly target: Socket
  private readonly trouble: Trouble
  private readonly random: Random
  private readonly strikes: Strike[]
  private readonly onStrike: (strike: Strike) => void
  private readonly finder = new FrameFinder()
  private queue: Piece[] = []
  private queued = 0
  private lastDue = 0
  private singleBytes: number
  private readonly singleUntil = performance.now() + SINGLE
  /** Something will call `pump` again: a timer, the next turn, or the target's drain. */
  private waits = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private held = false
  private swallows = false

  /** @param strikes those whose places are in this direction */
  constructor(
    source: Socket,
    target: Socket,
    trouble: Trouble,
    strikes: readonly Strike[],
    random: Random,
    onStrike: (strike: Strike) => void,
  ) {
    this.source = source
    this.target = target
    this.trouble = trouble
    this.strikes = [...strikes]
    this.random = random
    this.onStrike = onStrike
    this.singleBytes = trouble.singleBytes
    target.on('drain', () => this.goOn())
  }

  /** Bytes from the source. */
  push(bytes: Uint8Array): void {
    if (this.swallows) {
      if (bytes.length > PING) this.lastSwallow = monotonic()
      return
    }
    this.add(bytes, this.trouble.delay + this.random.next() * this.trouble.jitter)
    this.queued += bytes.length
    if (this.queued > MOST) this.source.pause()
    this.pump()
  }

  /** The source has ended. */
  end(): void {
    if (this.swallows) return
    this.add(undefined, this.trouble.lateClose)
    this.pump()
  }

  /** Nothing moves until `release`. */
  hold(): void {
    this.held = true
    this.source.pause()
  }

  release(): void {
    this.held = false
    if (this.queued <= MOST) this.source.resume()
    this.pump()
  }

  /** From here on everything vanishes. */
  swallow(): void {
    this.swallows = true
    this.queue = []
    this.queued = 0
    clearTimeout(this.timer)
    this.source.resume()
  }

  private add(bytes: Uint8Array | undefined, late: number): void {
    this.lastDue = Math.max(this.lastDue, performance.now() + late)
    this.queue.push({ bytes, due: this.lastDue })
  }

  private goOn(): void {
    this.waits = false
    this.pump()
  }

  private pump(): void {
    while (!this.waits && !this.held) {
      const [piece] = this.queue
      if (piece === undefined) return
      const early = piece.due - performance.now()
      if (early > 0) {
        this.waits = true
        this.timer = setTimeout(() => this.goOn(), early)
      } else if (piece.bytes === undefined) {
        this.queue.shift()
        this.target.end()
      } else {
        this.pass(piece, piece.bytes)
      }
    }
  }

  /** Passes on what may go at once of a piece, up to the place of a strike. */
  private pass(piece: Piece, bytes: Uint8Array): void {
    const single = this.singleBytes > 0 && performance.now() < this.singleUntil
    const [strike] = this.strikes
    let going = single ? bytes.subarray(0, 1) : bytes
    const found = strike === undefined ? -1 : this.finder.find(going, strike.place)
    if (found >= 0) going = going.subarray(0, found)
    if (going.length === bytes.length) this.queue.shift()
    else piece.bytes = bytes.subarray(going.length)
    this.queued -= going.length
    if (going.length > 0) this.lastWrite = monotonic()
    if (going.length > 0 && !this.target.write(going)) {
      this.waits = true
    } else if (single) {
      this.singleBytes--
      this.waits = true
      setImmediate(() => this.goOn())
    }
    if (this.queued <= MOST && !this.held) this.source.resume()
    if (found < 0 || strike === undefined) return
    this.strikes.shift()
    this.onStrike(strike)
  }
}
