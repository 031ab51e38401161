import type { Section } from './arguments.ts'

/** One command of the command line. */
export interface Command {
  readonly name: string
  /** What it does, for the list of all commands. */
  readonly summary: string
  /** What follows its name: `[options] URL`. */
  readonly usage: string
  /** What stands between usage and options in its help. */
  readonly about: string
  readonly sections: readonly Section[]
  /** What stands at the end of its help. */
  readonly more?: string
  /**
   * Does it.
   * @returns the exit code
   * @throws UsageError for arguments that cannot be used
   */
  run(argv: readonly string[]): Promise<number>
}
