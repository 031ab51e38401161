import fc from 'fast-check'
import { Random } from '../support/random.ts'
import type { Coverage } from './coverage.ts'
import { minimise } from './minimise.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** An input for which something that must hold does not. */
export interface Finding {
  input: Uint8Array
  /** What was thrown, with its stack. */
  report: string
}

export interface LoopOptions {
  coverage: Coverage
  seed: number
  /** Called before each input is run, so that one that never ends is known. */
  onInput?: (input: Uint8Array) => void
  /** Called for each input that is kept, the first ones given included. */
  onKept?: (input: Uint8Array) => void
}

/** Inputs of one step, at most. */
const AT_ONCE = 32
/** One step in so many makes inputs by structure instead of by mutation. */
const STRUCTURED = 4

/**
 * Coverage-guided fuzzing: inputs that reach new code, or of which something new comes, are kept, and mutated again.
 */
export class Loop {
  readonly corpus: Uint8Array[] = []
  executions = 0
  private readonly target: Target
  private readonly options: LoopOptions
  private readonly random: Random
  private readonly outcomes = new Set<string>()
  private steps = 0

  constructor(target: Target, options: LoopOptions) {
    this.target = target
    this.options = options
    this.random = new Random(options.seed)
  }

  /** Runs inputs, and keeps those that bring something new. */
  async run(inputs: Iterable<Uint8Array>): Promise<Finding | undefined> {
    // What ran to make them is not their doing.
    this.options.coverage.forget()
    for (const input of inputs) {
      const outcome = await this.runOne(input)
      if (!(outcome instanceof Set)) return outcome
      const reached = this.options.coverage.news() > 0
      if (this.isNews(outcome) || reached) this.keep(input)
    }
    return undefined
  }

  /** Makes some inputs, no more than `most`, and runs them. */
  step(most = AT_ONCE): Promise<Finding | undefined> {
    const count = Math.min(most, AT_ONCE)
    const isStructured = this.steps++ % STRUCTURED === 0 || this.corpus.length === 0
    return this.run(isStructured ? this.structured(count) : this.mutated(count))
  }

  /** The smallest input with the same failure. */
  async minimised({ input, report }: Finding): Promise<Finding> {
    let last = { input, report }
    await minimise(input, async (candidate) => {
      const outcome = await this.runOne(candidate)
      if (outcome instanceof Set || kindOf(outcome.report) !== kindOf(report)) return false
      last = outcome
      return true
    })
    return last
  }

  private structured(count: number): Uint8Array[] {
    return fc.sample(this.target.structures, { numRuns: count, seed: this.random.whole(0, 0x7fffffff) })
  }

  private mutated(count: number): Uint8Array[] {
    const { corpus, random, target } = this
    const { dictionary, maxLength } = target
    return Array.from({ length: count }, () => {
      // Half of them from what was found last, as there is most to be found behind it; short ones rather than long ones.
      const among = random.chance(0.5) ? corpus.length : Math.ceil(corpus.length / 8)
      const [one, other] = [1, 2].map(() => corpus[corpus.length - random.whole(1, among)]!)
      const parent = one!.length < other!.length ? one! : other!
      return mutate(parent, random, { corpus, dictionary, maxLength })
    })
  }

  private async runOne(input: Uint8Array): Promise<Set<string> | Finding> {
    this.options.onInput?.(input)
    this.executions++
    try {
      // The input is the fuzzer's: a target may write to what it is given.
      const outcome = this.target.run(Uint8Array.from(input))
      return new Set(outcome instanceof Promise ? await outcome : outcome)
    } catch (error) {
      return { input, report: error instanceof Error ? (error.stack ?? String(error)) : String(error) }
    }
  }

  private isNews(outcome: Set<string>): boolean {
    const before = this.outcomes.size
    for (const one of outcome) this.outcomes.add(one)
    return this.outcomes.size > before
  }

  private keep(input: Uint8Array): void {
    this.corpus.push(input)
    this.options.onKept?.(input)
  }
}

/** What two findings have in common when they are the same: the first line, without what depends on the input. */
function kindOf(report: string): string {
  const [first = ''] = report.split('\n')
  return first.replace(/"[^"]*"|\d+/g, '#').slice(0, 120)
}
