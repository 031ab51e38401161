/** Notices when this process's event loop did not run, so that times can be judged for what was nobody's fault. */

/** Milliseconds between two looks. */
const EVERY = 5
/** Milliseconds by which a look may be late before that counts: timers are not exact on an idle machine either. */
const USUAL = 3
/** A turn of the loop that took less than this may have gone unnoticed. */
export const UNNOTICED = EVERY + USUAL
/** Milliseconds after which a stall is forgotten. */
const REMEMBERED = 120_000

/** The event loop did nothing, from and to on the clock of `monotonic`. */
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
  private expected = monotonic() + EVERY
  private readonly timer = setInterval(() => this.look(), EVERY)

  /** The stalls that ended after `from`, the one that is under way included. */
  since(from: number): Stall[] {
    const late = this.stalls.filter(({ to }) => to > from)
    const now = monotonic()
    if (now > this.expected + USUAL) late.push({ from: this.expected, to: now })
    return late
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    const now = monotonic()
    if (now > this.expected + USUAL) this.stalls.push({ from: this.expected, to: now })
    this.expected = now + EVERY
    while (this.stalls[0] !== undefined && this.stalls[0].to < now - REMEMBERED) this.stalls.shift()
  }
}

/** Milliseconds of a span of time in which the loop was stalled. */
export function stalledWithin(stalls: readonly Stall[], from: number, to: number): number {
  return stalls.reduce((sum, stall) => sum + Math.max(0, Math.min(stall.to, to) - Math.max(stall.from, from)), 0)
}
