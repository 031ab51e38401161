/** What was recorded, as pairs of a bucket and the count in it. */
export type LatencyCounts = (readonly [bucket: number, count: number])[]

/** How long things took, in buckets a sixty-fourth of their value wide; recording allocates nothing. */
export class Latency {
  private readonly buckets = new Float64Array(64 * 64)
  private total = 0

  /** `count` things that took `microseconds` each. */
  record(microseconds: number, count: number): void {
    const value = Math.max(0, Math.min(Math.floor(microseconds), 2 ** 31))
    const shift = value < 128 ? 0 : 31 - Math.clz32(value) - 6
    const bucket = shift * 64 + (value >>> shift)
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + count
    this.total += count
  }

  /** For another process, which can `merge` it. */
  get counts(): LatencyCounts {
    return [...this.buckets.entries()].filter(([, count]) => count > 0)
  }

  merge(counts: LatencyCounts): void {
    for (const [bucket, count] of counts) {
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + count
      this.total += count
    }
  }

  clear(): void {
    this.buckets.fill(0)
    this.total = 0
  }

  /** The time that the share `q` (0 to 1) stayed under, in microseconds; 0 when nothing was recorded. */
  quantile(q: number): number {
    const wanted = Math.min(Math.floor(q * this.total), this.total - 1)
    let seen = 0
    for (const [bucket, count] of this.buckets.entries()) {
      seen += count
      if (seen <= wanted) continue
      if (bucket < 128) return bucket
      const shift = (bucket >> 6) - 1
      return ((bucket & 63) + 64.5) * 2 ** shift
    }
    return 0
  }
}
