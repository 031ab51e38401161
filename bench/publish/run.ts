/** `npm run bench:publish`: see HELP, and docs/performance.md. */
import { parseArgs } from 'node:util'
import { killChildrenAtExit } from '../children.ts'
import { chooseGenerator } from '../generator.ts'
import { choosePinning } from '../machine.ts'
import { file, number, UsageError } from '../options.ts'
import { writable } from '../writable.ts'
import { measurePublish, type Result, SERVERS, type Setup } from './measure.ts'
import { publishTable } from './table.ts'

const SUBSCRIBERS = [1, 1000, 15_000]
const QUICK_SUBSCRIBERS = [1, 100]

const HELP = `Usage: npm run bench:publish -- [options]

Measures what a publication of 64 bytes costs the server in CPU time, by the number of its subscribers:
${SERVERS.join(', ')}, each in a process of its own, in turns.

  --subscribers LIST  how many there are (default ${SUBSCRIBERS.join(',')})
  --rounds N          of each (default 15)
  --seconds S         measured time of a round (default 1; four times as long with 10,000 or more)
  --markdown FILE     also write the table as Markdown
  --quick             1 round of 0.5 s with ${QUICK_SUBSCRIBERS.join(' and ')}: does everything run?
  --help              print this
`

killChildrenAtExit()

try {
  await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench:publish: ${error.message}\n`)
  process.exitCode = 2
}

async function run(argv: readonly string[]): Promise<void> {
  const values = read(argv)
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const quick = values.quick ?? false
  const path = file('--markdown', values.markdown)
  const markdown = path === undefined ? undefined : writable(path, '')
  const setup: Setup = {
    rounds: number('--rounds', values.rounds, quick ? 1 : 15, { min: 1, max: 1000, whole: true }),
    seconds: number('--seconds', values.seconds, quick ? 0.5 : 1, { min: 0.1, max: 600, whole: false }),
    warmup: quick ? 0.5 : 2,
    generator: chooseGenerator(undefined),
    pinning: choosePinning(),
    progress: (line) => void process.stderr.write(`${line}\n`),
  }
  const results: Result[] = []
  for (const subscribers of counts(values.subscribers) ?? (quick ? QUICK_SUBSCRIBERS : SUBSCRIBERS)) {
    results.push(...(await measurePublish(subscribers, setup)))
    markdown?.write(publishTable(results))
  }
  process.stdout.write(publishTable(results))
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        subscribers: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        markdown: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}; --help lists the options`)
  }
}

function counts(list: string | undefined): number[] | undefined {
  return list?.split(',').map((one) => number('--subscribers', one, 1, { min: 1, max: 25_000, whole: true }))
}
