/** Tells whether an input has made code run as no input before it did. */
export interface Coverage {
  /** Forgets what has run since `news` was asked last. */
  forget(): void
  /** Looks at what has run since this was asked last, and says how much of it is new. */
  news(): number
  /** Parts of the code, statements and branches, that have run at all. */
  readonly covered: number
  /** All the parts that there are. */
  readonly total: number
}

/** What istanbul's instrumenter keeps of a module: how often each statement has run, and each way out of a branch. */
interface ModuleCounters {
  s: ArrayLike<number> | Record<number, number>
  b: Record<number, ArrayLike<number>>
}

/** Reads the counters that instrumented code adds to. */
export class CounterCoverage implements Coverage {
  covered = 0
  readonly total: number
  private readonly magnitudes: boolean
  private readonly counts: Uint32Array
  /** For each counter the magnitudes that it had, a bit for each. */
  private readonly seen: Uint32Array

  /**
   * @param modules the global in which the modules put their counters when they are loaded. They go on counting in
   * memory that is read in one pass.
   * @param magnitudes whether it counts as new that something runs more often than before
   */
  constructor(modules: Readonly<Record<string, ModuleCounters>>, magnitudes: boolean) {
    this.magnitudes = magnitudes
    const all = Object.values(modules)
    const sizes = all.flatMap(({ s, b }) => [s, ...Object.values(b)]).map((counters) => Object.keys(counters).length)
    this.total = sizes.reduce((sum, size) => sum + size, 0)
    this.counts = new Uint32Array(this.total)
    this.seen = new Uint32Array(this.total)
    let at = 0
    const next = (counters: object): Uint32Array => {
      const from = at
      at += Object.keys(counters).length
      return this.counts.subarray(from, at)
    }
    for (const module of all) {
      module.s = next(module.s)
      for (const id of Object.keys(module.b).map(Number)) module.b[id] = next(module.b[id]!)
    }
  }

  forget(): void {
    this.counts.fill(0)
  }

  news(): number {
    const { counts, seen } = this
    let news = 0
    for (let at = 0; at < counts.length; at++) {
      const times = counts[at]!
      if (times === 0) continue
      const bit = this.magnitudes ? 1 << magnitude(times) : 1
      const known = seen[at]!
      if ((known & bit) !== 0) continue
      if (known === 0) this.covered++
      seen[at] = known | bit
      news++
    }
    counts.fill(0)
    return news
  }
}

/** 1, 2, 3, 4 to 7, 8 to 15 times and so on: how often matters, but less and less. */
function magnitude(times: number): number {
  return times < 4 ? times : Math.min(31, 34 - Math.clz32(times))
}
