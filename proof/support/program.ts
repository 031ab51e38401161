/** What the programs have in common: how they read their options, and how they end. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { UsageError } from '../../bench/options.ts'

export { UsageError }

/**
 * Runs a program and sets the exit code: what `main` returns; 2 with one sentence for a mistake on the command line. An interrupt
 * is an ordinary end, with which child processes end as well.
 */
export async function runProgram(name: string, main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code))
  }
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exitCode = 2
  }
}

/**
 * Options as text; flags, which take no value, as `'yes'`.
 * @throws {UsageError} for what is not among them
 */
export function readOptions(
  argv: readonly string[],
  names: readonly string[],
  flags: readonly string[],
): Record<string, string | undefined> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: Object.fromEntries([
        ...names.map((name) => [name, { type: 'string' as const }]),
        ...flags.map((name) => [name, { type: 'boolean' as const }]),
      ]),
    })
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, value === true ? 'yes' : String(value)]),
    )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node's explanation of how to pass such a value all the same is of no use here.
    throw new UsageError(`${message.split(/\.\s|\n/)[0]}; --help lists the options`)
  }
}

/** @throws {UsageError} for anything but a number in the range */
export function numberOption(
  name: string,
  given: string | undefined,
  preset: number,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
): number {
  if (given === undefined) return preset
  const value = given.trim() === '' ? Number.NaN : Number(given)
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw new UsageError(`--${name} takes a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${given}"`)
}

/**
 * Empties a file, to find out before minutes of work and not after them that it cannot be written.
 * @throws {UsageError}
 */
export function writable(path: string): void {
  try {
    writeFileSync(path, '')
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`)
  }
}
