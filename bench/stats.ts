/** Summary figures of a handful of rounds. */

export interface Spread {
  median: number
  min: number
  max: number
  /** First and third quartile. */
  q1: number
  q3: number
}

/**
 * The value below which the share `q` (0 to 1) of `values` lies, interpolated linearly between the two nearest.
 *
 * @throws {RangeError} when there are no values, one of them is not finite, or `q` is outside 0 to 1.
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('a quantile needs at least one value')
  if (!values.every(Number.isFinite)) throw new RangeError('a quantile needs finite values')
  if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile is between 0 and 1, not ${q}`)
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const below = Math.floor(position)
  const low = sorted[below] as number
  const high = sorted[Math.ceil(position)] as number
  return low + (high - low) * (position - below)
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: quantile(values, 0),
    max: quantile(values, 1),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
  }
}

/** A median, and how well it is known. */
export interface Estimate {
  median: number
  /** What the true median lies between with a probability of 95 %; with fewer than six values, the lowest and the highest. */
  low: number
  high: number
}

/** Fewer values than this have no 95 % interval of their median, however much they agree. */
export const ENOUGH = 6

/**
 * The median with its interval by the sign test: it assumes nothing of how the values are distributed, and is exact. A value
 * lies above the true median with probability a half, so what is counted is in how few of all cases as many lie on one side.
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b)
  const cut = signTestCut(sorted.length)
  return { median: median(values), low: sorted[cut] as number, high: sorted[sorted.length - 1 - cut] as number }
}

/** How many values at either end lie outside of the 95 % interval of the median of `n`. */
export function signTestCut(n: number): number {
  let probability = 0.5 ** n
  let outside = 0
  for (let k = 0; k < n / 2; k++) {
    outside += probability
    if (2 * outside > 0.05) return Math.max(0, k - 1)
    probability *= (n - k) / (k + 1)
  }
  return 0
}

/** Whether the two cannot be told apart: the interval of their ratio contains 1. */
export function isLevel({ low, high }: Estimate): boolean {
  return low <= 1 && high >= 1
}

/**
 * `values[i] / base[i]`, round by round. Both sides of a round ran right after one another, so what slows the machine down
 * for a while slows both of them down and leaves their ratio alone: the median of the ratios says more than the ratio of
 * the medians.
 *
 * @throws {RangeError} when the two differ in length, or a base value is not above 0.
 */
export function pairedRatios(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length) {
    throw new RangeError(`paired rounds are needed, not ${values.length} against ${base.length}`)
  }
  return values.map((value, i) => {
    const under = base[i] as number
    if (!(under > 0)) throw new RangeError(`a ratio to ${under} says nothing`)
    return value / under
  })
}
