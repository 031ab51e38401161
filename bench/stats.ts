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

/**
 * The spread of `values[i] / base[i]`, round by round. Both sides of a round ran right after one another, so what
 * slows the machine down for a while slows both of them down and leaves their ratio alone: the median of the ratios says
 * more than the ratio of the medians.
 *
 * @throws {RangeError} when the two differ in length, are empty, or a base value is not above 0.
 */
export function ratioSpread(values: readonly number[], base: readonly number[]): Spread {
  if (values.length !== base.length) {
    throw new RangeError(`paired rounds are needed, not ${values.length} against ${base.length}`)
  }
  return spread(
    values.map((value, i) => {
      const under = base[i] as number
      if (!(under > 0)) throw new RangeError(`a ratio to ${under} says nothing`)
      return value / under
    }),
  )
}
