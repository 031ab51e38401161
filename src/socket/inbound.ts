import { CloseCode } from '../protocol/close-code.ts'
import type { Connection } from '../protocol/connection.ts'
import { RateLimitError, TimeoutError } from '../protocol/error.ts'
import type { Transport } from '../transport/transport.ts'
import type { Behaviour, DropReason } from './options.ts'
import type { Pulse } from './pulse.ts'
import { type OverRate, type Rate, TokenBucket } from './rate-limit.ts'
import { shared } from './runtime.ts'

/** Why nothing is read for now; reading goes on when no reason is left. */
export const Hold = { Application: 1, Opening: 2, Queue: 4, Handler: 8, Rate: 16 } as const

/** Reasons for which one chunk more is read, since they mostly pass before the next one comes. */
const BRIEF = Hold.Handler | Hold.Rate

/** What is to become of a message: it is delivered; the connection is closed for it; it is dropped, and why. */
export type Verdict = 'in' | 'closed' | DropReason

/** What the limits count. */
const COUNTED = { messageRate: 'messages', byteRate: 'bytes', controlRate: 'pings and pongs' } as const
type RateName = keyof typeof COUNTED

/** What the inbound half asks of its link. */
export interface InboundHost {
  readonly connection: Connection
  readonly transport: Transport
  readonly behaviour: Behaviour
  readonly pulse: Pulse
}

/** What comes from the peer: how much of it, and when it is read. */
export class Inbound {
  /** The connection closed while its messages were held, or were to be: they are not waited for. */
  discards = false
  messages = 0

  private readonly host: InboundHost
  private holds = 0
  /** The end of the transport, while what came before it is held back. */
  private pendingEnd: (() => void) | undefined
  /** A message that is read in pieces has begun. */
  private midMessage = false
  /** There once a rate was asked for. */
  private buckets: Partial<Record<RateName, TokenBucket>> | undefined

  constructor(host: InboundHost) {
    this.host = host
  }

  get held(): boolean {
    return this.holds !== 0
  }

  receive(chunk: Uint8Array): void {
    const { connection, transport } = this.host
    connection.receiver.receive(chunk)
    // What was read is kept, and nothing more is read.
    if (this.holds !== 0 && connection.receiver.holds) transport.pause()
    this.waitForDecoder()
  }

  /** A message that took long to decode has been decoded, or given up; it may have brought a reason to hold. */
  onDecoded(): void {
    const { connection, transport, pulse } = this.host
    if (this.holds === 0 && !connection.receiver.decodes) {
      pulse.resume()
      transport.resume()
    }
    if (this.pendingEnd !== undefined) this.deliverHeld()
    this.tellEnd()
  }

  hold(reason: number): void {
    const { connection, transport, behaviour, pulse } = this.host
    if (connection.state === 'closed' || connection.state === 'closing') {
      // The peer's Close frame has to be read: what comes before it cannot wait.
      if ((reason & BRIEF) !== 0) this.discards = true
      return
    }
    const before = this.holds
    this.holds |= reason
    if (before === 0) {
      connection.receiver.pause()
      pulse.suspend()
    }
    if ((this.holds & ~BRIEF) !== 0 && (before & ~BRIEF) === 0) transport.pause()
    // A peer that sends too much is not held for longer than its rate says.
    if (this.isPause(this.holds) && !this.isPause(before)) pulse.limitPause(behaviour.maxPause)
  }

  release(reason: number): void {
    if ((this.holds & reason) === 0) return
    const { connection, transport, pulse } = this.host
    this.holds &= ~reason
    if (!this.isPause(this.holds)) pulse.limitPause(Number.POSITIVE_INFINITY)
    if (this.holds !== 0) return
    pulse.resume()
    connection.receiver.resume()
    // What had been held back may have brought a new reason.
    if (this.holds !== 0 || this.waitForDecoder()) return
    transport.resume()
    // Later, since this may be called amid what was held back.
    if (this.pendingEnd !== undefined) process.nextTick(() => this.tellEnd())
  }

  /** Counts a message, and says whether it is to be delivered. */
  admit(message: string | Uint8Array): Verdict {
    this.noteMessage()
    const { messageRate, byteRate } = this.host.behaviour
    if (messageRate === false && byteRate === false) return 'in'
    const now = shared.now()
    const verdict = this.judge(message, now)
    this.waitForRates(now, ['wait'])
    return verdict
  }

  /**
   * Counts a piece of a message that is read in pieces, and says whether it is to be delivered; if not, the connection is
   * being closed. A message that has begun is never dropped, but what follows may have to wait.
   */
  admitPiece(piece: Uint8Array, last: boolean): boolean {
    const begins = !this.midMessage
    this.midMessage = !last
    if (last) this.noteMessage()
    const { byteRate } = this.host.behaviour
    const now = shared.now()
    if (begins) {
      if (this.judge(piece, now) === 'closed') return false
    } else if (byteRate !== false) {
      this.buckets?.byteRate?.takeMore(byteRate, piece.length, now)
    }
    this.waitForRates(now, ['wait', 'drop'])
    return true
  }

  /** Other rates hold from here on: how long the peer is held back for them is counted anew. */
  ratesChanged(): void {
    if ((this.holds & Hold.Rate) !== 0 && !this.waitForRates(shared.now(), ['wait'])) this.release(Hold.Rate)
  }

  /** Whether this control frame is to be looked at; if not, the connection is being closed. */
  admitControl(): boolean {
    const { controlRate } = this.host.behaviour
    if (controlRate === false) return true
    const now = shared.now()
    return this.meter('controlRate', controlRate, 1, now) !== 'closed'
  }

  /** The time that a rate takes has passed. */
  readAgain(): void {
    this.release(Hold.Rate)
  }

  /** The end of the transport comes behind all that was read before it, even if that waits for `resume` or `open`. */
  afterHeld(end: () => void): void {
    this.pendingEnd = end
    this.tellEnd()
  }

  /** What was held back for a consumer is not lost when the transport ends. */
  deliverHeld(): void {
    if (this.holds === Hold.Queue) this.host.connection.receiver.resume()
  }

  /** The connection is closing: what is held up before the peer's Close frame is no longer waited for. */
  letGo(): void {
    if (this.holds === 0) return
    this.holds = 0
    this.discards = true
    this.host.connection.receiver.resume()
    this.host.transport.resume()
    process.nextTick(() => this.tellEnd())
  }

  /** Why nothing is read, when that has been so for too long. */
  pauseError(): TimeoutError {
    const why =
      (this.holds & Hold.Opening) !== 0
        ? 'the open handler has not settled'
        : (this.holds & Hold.Handler) !== 0
          ? 'the message handler has not settled (serial)'
          : (this.holds & Hold.Application) !== 0
            ? 'the socket was paused'
            : 'its messages were not read: nobody reads them, or whoever does was busy (there is no message handler)'
    return new TimeoutError(
      'PAUSE_TIMEOUT',
      `Nothing was read for ${this.host.behaviour.maxPause} ms (maxPause): ${why}.`,
    )
  }

  /** While a message is being decoded nothing is read, so nobody is judged; `onDecoded` goes on. */
  private waitForDecoder(): boolean {
    const { connection, transport, pulse } = this.host
    if (!connection.receiver.decodes) return false
    transport.pause()
    pulse.suspend()
    return true
  }

  private isPause(holds: number): boolean {
    return (holds & ~Hold.Rate) !== 0
  }

  private noteMessage(): void {
    const { behaviour, pulse } = this.host
    if (this.messages === 0 && behaviour.idleBeforeFirstMessage !== Number.POSITIVE_INFINITY) {
      pulse.expectMessage(Number.POSITIVE_INFINITY)
    }
    this.messages++
  }

  /** What is to become of a message, or of one that begins like this, by the rates. */
  private judge(data: string | Uint8Array, now: number): Verdict {
    const { messageRate, byteRate } = this.host.behaviour
    if (messageRate !== false) {
      const verdict = this.meter('messageRate', messageRate, 1, now)
      if (verdict !== 'in') return verdict === 'over' ? 'message-rate' : verdict
    }
    if (byteRate !== false) {
      const verdict = this.meter('byteRate', byteRate, bytesIn(data), now)
      if (verdict !== 'in') return verdict === 'over' ? 'byte-rate' : verdict
    }
    return 'in'
  }

  private meter(name: RateName, rate: Rate, amount: number, now: number): 'in' | 'over' | 'closed' {
    this.buckets ??= {}
    this.buckets[name] ??= new TokenBucket(rate, now)
    if (this.buckets[name].take(rate, amount, now) || rate.over === 'wait') return 'in'
    if (rate.over === 'drop') return 'over'
    const message = `The peer sends too many ${COUNTED[name]}: more than ${rate.perSecond} in a second and ${rate.burst} at once (${name}).`
    this.host.connection.fail(CloseCode.PolicyViolation, 'sends too much', 'rate-limit', new RateLimitError(message))
    return 'closed'
  }

  /** Reads no more until there is something left of each rate with one of these policies; false when there is. */
  private waitForRates(now: number, over: readonly OverRate[]): boolean {
    const { messageRate, byteRate } = this.host.behaviour
    const until = (rate: Rate | false, bucket: TokenBucket | undefined) =>
      rate !== false && over.includes(rate.over) ? (bucket?.wait(rate, now) ?? 0) : 0
    const wait = Math.max(until(messageRate, this.buckets?.messageRate), until(byteRate, this.buckets?.byteRate))
    if (wait === 0) return false
    this.hold(Hold.Rate)
    this.host.pulse.readAgainIn(wait)
    return true
  }

  private tellEnd(): void {
    if (this.host.connection.receiver.holds) return
    const end = this.pendingEnd
    this.pendingEnd = undefined
    end?.()
  }
}

function bytesIn(message: string | Uint8Array): number {
  return typeof message === 'string' ? shared.platform.utf8Length(message) : message.length
}
