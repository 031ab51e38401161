/** Latencies in milliseconds, gathered at no cost that grows with their number. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

export interface LatencySummary {
  count: number
  p50: number
  p99: number
  max: number
}

/** To three digits; anything below a microsecond counts as one. */
export class Latencies {
  private readonly histogram: RecordableHistogram = createHistogram({ figures: 3 })

  add(milliseconds: number): void {
    this.histogram.record(Math.max(1, Math.round(milliseconds * 1e3)))
  }

  /** Zeros when there was nothing. */
  summary(): LatencySummary {
    const { histogram } = this
    if (histogram.count === 0) return { count: 0, p50: 0, p99: 0, max: 0 }
    return {
      count: histogram.count,
      p50: histogram.percentile(50) / 1e3,
      p99: histogram.percentile(99) / 1e3,
      max: histogram.max / 1e3,
    }
  }

  /** The summary, after which it begins anew. */
  take(): LatencySummary {
    const summary = this.summary()
    this.histogram.reset()
    return summary
  }
}
