import { ArgumentError } from '../protocol/error.ts'
import { shown } from '../protocol/quote.ts'
import { checkWord } from './check.ts'
import { checkParts } from './option-names.ts'

/** How much a peer may send in a time: a token bucket. */
export interface RateLimit {
  /** What may come in a second, on average. */
  readonly perSecond: number
  /** What may come at once, after a time in which less came; 1 or more. Default: `perSecond`, and 1 where that is less. */
  readonly burst?: number
  /**
   * What is done with more: `'wait'`: nothing is read until the bucket has refilled, so that TCP holds the peer back;
   * `'drop'`: the message is dropped, and `dropped` is called; `'close'`: the connection is closed with 1008. Default `'wait'`.
   */
  readonly over?: OverRate
}

export type OverRate = 'wait' | 'drop' | 'close'

/** A limit with its defaults filled in. */
export type Rate = Required<RateLimit>

/**
 * @param policies what `over` can be, the default first
 * @throws ArgumentError that names the option and its value
 */
export function resolveRate(
  name: string,
  limit: RateLimit | false,
  policies: readonly [OverRate, ...OverRate[]],
): Rate | false {
  if (limit === false) return false
  checkParts(name, limit, ['perSecond', 'burst', 'over'])
  const { perSecond, burst = Math.max(1, perSecond), over = policies[0] } = limit
  if (!(perSecond > 0 && Number.isFinite(perSecond))) throw bad(`${name}.perSecond`, 'above 0', perSecond)
  if (!(burst >= 1 && Number.isFinite(burst))) throw bad(`${name}.burst`, 'of 1 or more', burst)
  return { perSecond, burst, over: checkWord(`${name}.over`, over, policies) }
}

function bad(name: string, which: string, value: number): ArgumentError {
  return new ArgumentError(`The option ${name} is a number ${which}, not ${shown(value)}.`)
}

/**
 * What a peer has left of a rate. It has no timer: it fills when it is looked at. Whoever finds one in it may take more
 * than there is, and the debt is worked off, so that what is larger than the burst is late and not refused.
 */
export class TokenBucket {
  private tokens: number
  private filledAt: number

  /** @param now milliseconds, on a clock that never goes back */
  constructor(rate: Rate, now: number) {
    this.tokens = rate.burst
    this.filledAt = now
  }

  /** Takes `amount`; false when there is not one in it. */
  take(rate: Rate, amount: number, now: number): boolean {
    this.fill(rate, now)
    if (this.tokens < 1) return false
    this.tokens -= amount
    return true
  }

  /** Takes `amount` more of what was begun, whatever is in it. */
  takeMore(rate: Rate, amount: number, now: number): void {
    this.fill(rate, now)
    this.tokens -= amount
  }

  /** Milliseconds until there is one in it again; 0 when there is. */
  wait(rate: Rate, now: number): number {
    this.fill(rate, now)
    return this.tokens >= 1 ? 0 : ((1 - this.tokens) / rate.perSecond) * 1000
  }

  private fill(rate: Rate, now: number): void {
    this.tokens = Math.min(rate.burst, this.tokens + ((now - this.filledAt) * rate.perSecond) / 1000)
    this.filledAt = now
  }
}
