/** The command line of the attacks. */
import { numberOption, readWords, UsageError } from '../support/program.ts'
import { FULL, type Plan, type Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

export interface Options extends Plan {
  scenarios: Scenario[]
  /** Where the results go as JSON, if anywhere. */
  json: string | undefined
  /** Whether the table is printed as Markdown, instead of lines for a terminal. */
  markdown: boolean
}

export const HELP = `Usage: npm run attacks -- [options] [scenario ...]

Attacks a heartwire server on this machine, one scenario after another, while well-behaved clients use it, and checks that
these notice nothing but a delay: all survive, nothing is lost, memory stays within the documented limits, and the server
answers afterwards. Each scenario takes twice the time of its attack.

  --only NAMES       scenarios by name, separated by commas; the same as naming them
  --scale S          attackers and what they do, times S (default 1; 0.01 for a short run)
  --seconds T        how long each attack lasts (default 10), and longer on a machine that is too busy for it
  --json FILE        also write everything that was measured as JSON
  --markdown         print a Markdown table
  --list             print the names of the scenarios
  --help             print this

Exit code 1 when something did not hold.
`

/**
 * @returns the options, or the text to print instead
 * @throws {UsageError} for anything that is not understood
 */
export function parseOptions(argv: readonly string[]): Options | { print: string } {
  const { values, words } = readWords(argv, ['only', 'scale', 'seconds', 'json'], ['markdown', 'list', 'help'])
  if (values.help) return { print: HELP }
  if (values.list) return { print: SCENARIOS.map(({ name, title }) => `${name.padEnd(16)} ${title(FULL)}\n`).join('') }
  if (values.json === '') throw new UsageError('--json takes the name of a file')
  return {
    scale: numberOption('scale', values.scale, 1, { min: 0.001, max: 1 }),
    seconds: numberOption('seconds', values.seconds, 10, { min: 0.2, max: 600 }),
    scenarios: scenarios([...words, ...(values.only?.split(',') ?? [])]),
    json: values.json,
    markdown: values.markdown !== undefined,
  }
}

function scenarios(names: readonly string[]): Scenario[] {
  if (names.length === 0) return [...SCENARIOS]
  for (const name of names) {
    if (SCENARIOS.some((scenario) => scenario.name === name)) continue
    throw new UsageError(`no scenario is called "${name}"; --list prints their names`)
  }
  return SCENARIOS.filter(({ name }) => names.includes(name))
}
