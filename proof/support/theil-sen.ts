/** How a noisy series grows: the median of the slopes between all pairs of points (Theil–Sen). */

export interface Point {
  x: number
  y: number
}

/** More points than this are thinned: the pairs are as many as the square. */
const MOST_POINTS = 1000

/**
 * The slope of the line through the points. Up to 29 % of them may be anything at all without moving it far, so that a burst
 * here and there does not count, and what never comes back down does.
 *
 * @returns 0 for fewer than two different `x`.
 */
export function theilSenSlope(points: readonly Point[]): number {
  const every = Math.ceil(points.length / MOST_POINTS)
  const some = points.filter((_, i) => i % every === 0)
  const slopes: number[] = []
  for (const [i, a] of some.entries()) {
    for (const b of some.slice(i + 1)) if (b.x !== a.x) slopes.push((b.y - a.y) / (b.x - a.x))
  }
  if (slopes.length === 0) return 0
  const sorted = Float64Array.from(slopes).sort()
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

/** By how much the points, which are in the order of `x`, grew from the first to the last, by the slope above. */
export function growth(points: readonly Point[]): number {
  return theilSenSlope(points) * ((points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0))
}
