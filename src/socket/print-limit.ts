export interface PrintLimitOptions {
  /** The time in milliseconds, from a clock that never goes back. */
  now: () => number
  /** How much is printed in a window; 5. */
  limit?: number | undefined
  /** Length of a window in milliseconds; 10_000. */
  window?: number | undefined
}

/** Says whether one more may be printed of what peers can bring about as often as they like, and counts what may not. */
export class PrintLimit {
  private readonly now: () => number
  private readonly limit: number
  private readonly window: number
  private windowEnd = Number.NEGATIVE_INFINITY
  private printed = 0
  private omitted = 0

  constructor({ now, limit = 5, window = 10_000 }: PrintLimitOptions) {
    this.now = now
    this.limit = limit
    this.window = window
  }

  /** Whether one more may be printed now. */
  admits(): boolean {
    const now = this.now()
    if (now >= this.windowEnd) {
      this.windowEnd = now + this.window
      this.printed = 0
    }
    if (this.printed === this.limit) {
      this.omitted++
      return false
    }
    this.printed++
    return true
  }

  /** Milliseconds until more may be printed than now. */
  get remaining(): number {
    return Math.max(0, this.windowEnd - this.now())
  }

  /** How many were left out since this was asked last. */
  takeOmitted(): number {
    const { omitted } = this
    this.omitted = 0
    return omitted
  }
}
