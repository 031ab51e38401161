/** The shape of the JSON report. */
import type { ContestantName } from './contestants.ts'
import type { Figure, Sample } from './figures.ts'
import type { Machine, Pinning } from './machine.ts'
import type { Scenario } from './scenarios.ts'
import type { Estimate } from './stats.ts'

/** All rounds of one server in one scenario. */
export interface ServerResult {
  server: ContestantName
  /** Round by round. */
  samples: Sample[]
  /** Over the rounds. */
  summary: Partial<Record<Figure, Estimate>>
  /**
   * The figures of each subject of the report divided by those of this server, round by round; not there for the
   * subject itself.
   */
  ratios: Partial<Record<ContestantName, Partial<Record<Figure, Estimate>>>>
}

export interface ScenarioResult extends Scenario {
  rounds: number
  /** Messages a second, of a `latency` scenario. */
  rate?: number
  results: ServerResult[]
  /** Servers that could not be measured, and why. */
  failures: { server: ContestantName; error: string }[]
}

export interface Report {
  format: 'heartwire-bench/2'
  /** When it began, ISO 8601. */
  date: string
  machine: Machine
  versions: Record<string, string>
  /** Which load generator it was, and why if it is not `wsload`. */
  load: { generator: 'wsload' | 'ts'; why?: string }
  /** `null` when processes were left to run where the system likes. */
  pinning: Pinning | null
  settings: { rounds: number; seconds: number; warmup: number }
  /** Whose ratios to the others are reported. */
  subjects: ContestantName[]
  /** Servers that are not there, and how to get them. */
  missing: { server: ContestantName; why: string }[]
  scenarios: ScenarioResult[]
  /** Things that a reader has to know, a sentence each. */
  remarks: string[]
}
