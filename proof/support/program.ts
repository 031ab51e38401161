/** What the programs have in common: how they read their options, and how they end. */
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { joinNegatives, UsageError } from '../../bench/options.ts'

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

/** What was given: options as text, flags, which take no value, as `'yes'`; and words that belong to no option. */
export interface Given {
  values: Record<string, string | undefined>
  words: string[]
}

/** @throws {UsageError} for what is not among the names and flags */
export function readWords(argv: readonly string[], names: readonly string[], flags: readonly string[]): Given {
  try {
    const { values, positionals } = parseArgs({
      args: joinNegatives(argv),
      allowPositionals: true,
      options: Object.fromEntries([
        ...names.map((name) => [name, { type: 'string' as const }]),
        ...flags.map((name) => [name, { type: 'boolean' as const }]),
      ]),
    })
    const texts = Object.entries(values).map(([name, value]) => [name, value === true ? 'yes' : String(value)])
    return { values: Object.fromEntries(texts), words: positionals }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node's explanation of how to pass such a value all the same is of no use here.
    throw new UsageError(`${message.split(/\.\s|\n/)[0]}; --help lists the options`)
  }
}

/** The same for a program that takes nothing but options. */
export function readOptions(
  argv: readonly string[],
  names: readonly string[],
  flags: readonly string[],
): Given['values'] {
  const { values, words } = readWords(argv, names, flags)
  if (words.length > 0) throw new UsageError(`"${words[0]}" belongs to no option; --help lists the options`)
  return values
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
 * Finds out before minutes of work, and not after them, that a file cannot be written. One that is there stays as it is.
 * @throws {UsageError}
 */
export function writable(path: string): void {
  must(path, () => closeSync(openSync(path, 'a')))
}

/**
 * The same for a folder, which is made where there is none.
 * @throws {UsageError}
 */
export function writableFolder(path: string): void {
  must(path, () => {
    mkdirSync(path, { recursive: true })
    accessSync(path, constants.W_OK)
  })
}

function must(path: string, tried: () => void): void {
  try {
    tried()
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`)
  }
}
