/** `npm run bench:bytes`: see HELP, and docs/performance.md. */
import { parseArgs } from 'node:util'
import { killChildrenAtExit } from '../children.ts'
import { chooseGenerator } from '../generator.ts'
import { file, number, UsageError } from '../options.ts'
import { writable } from '../writable.ts'
import { measureClasses, measureSums, type Setup } from './measure.ts'
import { bytesTables } from './table.ts'

const HELP = `Usage: npm run bench:bytes -- [options]

Measures what an idle connection of a heartwire server takes, and what of it is for which objects: what there is more
with many connections than without them.

  --connections N    (default 10000)
  --transport NAME   native or node (default native)
  --markdown FILE    also write the tables as Markdown
  --help             print this
`

killChildrenAtExit()

try {
  await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench:bytes: ${error.message}\n`)
  process.exitCode = 2
}

async function run(argv: readonly string[]): Promise<void> {
  const values = read(argv)
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const { transport = 'native' } = values
  if (transport !== 'native' && transport !== 'node') throw new UsageError('--transport takes native or node')
  const path = file('--markdown', values.markdown)
  const markdown = path === undefined ? undefined : writable(path, '')
  const connections = number('--connections', values.connections, 10_000, { min: 100, max: 25_000, whole: true })
  const setup: Setup = { transport, connections, generator: chooseGenerator(undefined) }
  const tables = bytesTables(await measureSums(setup), await measureClasses(setup))
  markdown?.write(tables)
  process.stdout.write(tables)
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        connections: { type: 'string' },
        transport: { type: 'string' },
        markdown: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}; --help lists the options`)
  }
}
