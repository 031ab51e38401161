import { createHdrHistogram } from '../hdr.ts'

/** How long things took, in milliseconds. */
export interface Latency {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p75: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** A histogram as plain data, for another process: times in microseconds, each followed by how often it was recorded. */
export interface HistogramData {
  readonly counts: Float64Array
  readonly max: number
}

/** How long things took, to three digits, from a microsecond on; takes 200 KiB or so however many there are. */
export class Histogram {
  private readonly hdr = createHdrHistogram(3)
  /** In microseconds; exact, which no bucket is. */
  private max = 0

  static from({ counts, max }: HistogramData): Histogram {
    const histogram = new Histogram()
    for (let index = 0; index < counts.length; index += 2) {
      histogram.hdr.recordValueWithCount(counts[index] ?? 0, counts[index + 1] ?? 0)
    }
    histogram.max = max
    return histogram
  }

  get data(): HistogramData {
    const { hdr, max } = this
    const counts: number[] = []
    const end = hdr.totalCount === 0 ? 0 : hdr.countsArrayIndex(hdr.maxValue) + 1
    for (let index = 0; index < end; index++) {
      const count = hdr.getCountAtIndex(index)
      if (count > 0) counts.push(hdr.valueFromIndex(index), count)
    }
    return { counts: Float64Array.from(counts), max }
  }

  record(milliseconds: number): void {
    const microseconds = Math.max(1, Math.round(milliseconds * 1e3))
    if (microseconds > this.max) this.max = microseconds
    this.hdr.recordValue(microseconds)
  }

  add(other: Histogram): void {
    if (other.count === 0) return
    this.hdr.add(other.hdr)
    this.max = Math.max(this.max, other.max)
  }

  reset(): void {
    this.hdr.reset()
    this.max = 0
  }

  get count(): number {
    return this.hdr.totalCount
  }

  /** The time that this percentage stayed under; 0 when there is none. */
  percentile(percent: number): number {
    if (this.count === 0) return 0
    return Math.min(this.hdr.getValueAtPercentile(percent), this.max) / 1e3
  }

  /** Undefined when nothing was recorded. */
  summary(): Latency | undefined {
    if (this.count === 0) return undefined
    return {
      count: this.count,
      mean: Math.round(this.hdr.mean) / 1e3,
      p50: this.percentile(50),
      p75: this.percentile(75),
      p90: this.percentile(90),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      max: this.max / 1e3,
    }
  }
}
