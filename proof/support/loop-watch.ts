/** Notices when this process's event loop did not run, so that times can be judged for what was nobody's fault. */

/** Milliseconds between two looks. */
const EVERY = 5
/** Milliseconds by which a look may be late before that counts: timers are not exact on an idle machine either. */
const USUAL = 3
/** A turn of the loop that took less than this may have gone unnoticed. */
export const UNNOTICED = EVERY + USUAL
/** Milliseconds after which a stall is forgotten. */
const REMEMBERED = 60_000

/** From the last look in time to the one that was late, on the clock of `monotonic`: the stall was somewhere in between. */
export interface Stall {
  from: number
  to: number
}

/** Milliseconds on the machine's monotonic clock, which all its processes share. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Looks at the event loop of the process that it is in, from when it is made until `stop`. */
export class LoopWatch {
  private readonly stalls: Stall[] = []
  private looked = monotonic()
  private readonly timer = setInterval(() => this.look(), EVERY)

  /** The stalls that ended after `from`, the one that is under way included. */
  since(from: number): Stall[] {
    const stalls = this.stalls.filter(({ to }) => to > from)
    const now = monotonic()
    if (now > this.looked + UNNOTICED) stalls.push({ from: this.looked, to: now })
    return stalls
  }

  /** Forgets what was so far. */
  forget(): void {
    this.stalls.length = 0
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    const now = monotonic()
    if (now > this.looked + UNNOTICED) this.stalls.push({ from: this.looked, to: now })
    this.looked = now
    while (this.stalls[0] !== undefined && this.stalls[0].to < now - REMEMBERED) this.stalls.shift()
  }
}

/** Milliseconds of a span of time in which the loop was stalled. */
export function stalledWithin(stalls: readonly Stall[], from: number, to: number): number {
  return stalls.reduce((sum, stall) => sum + Math.max(0, Math.min(stall.to, to) - Math.max(stall.from, from)), 0)
}
