/** `npm run bench:flame`: see HELP, and docs/performance.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killChildrenAtExit } from '../children.ts'
import { chooseGenerator } from '../generator.ts'
import { choosePinning, describeCommit } from '../machine.ts'
import { file, number, UsageError } from '../options.ts'
import { BUILT } from '../places.ts'
import { chooseProfiler, record, type Setup } from './record.ts'
import { drawFlame } from './svg.ts'
import { buildTree } from './tree.ts'
import { WORKLOADS, type Workload } from './workloads.ts'

const USUAL_PLACE = join(BUILT, 'flame')
/** Share of the time below which a frame is not drawn. */
const LEAST = 0.005

const HELP = `Usage: npm run bench:flame -- [options]

Profiles a heartwire server under load, and draws where its CPU time goes: flame-NAME.svg for each workload.

  --only LIST        some of ${WORKLOADS.map(({ name }) => name).join(', ')}
  --seconds S        recorded time of each (default 5)
  --profiler KIND    perf or cpu-prof (default perf where it can be used; cpu-prof sees JavaScript only)
  --charts DIR       where to write the pictures (default build/bench/flame)
  --quick            1 s each, after a shorter warm-up: does everything run?
  --help             print this
`

killChildrenAtExit()

try {
  await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench:flame: ${error.message}\n`)
  process.exitCode = 2
}

async function run(argv: readonly string[]): Promise<void> {
  const values = read(argv)
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const quick = values.quick ?? false
  const setup: Setup = {
    seconds: number('--seconds', values.seconds, quick ? 1 : 5, { min: 0.5, max: 600, whole: false }),
    warmup: quick ? 0.5 : 5,
    profiler: chooseProfiler(profiler(values.profiler)),
    generator: chooseGenerator(undefined),
    pinning: choosePinning(),
  }
  const { kind, why } = setup.profiler
  if (values.profiler === 'perf' && kind !== 'perf') throw new UsageError(why ?? 'perf cannot be used')
  process.stderr.write(`${kind}${why === undefined ? '' : ` (${why})`}\n`)
  const place = file('--charts', values.charts) ?? USUAL_PLACE
  mkdirSync(place, { recursive: true })
  for (const workload of workloads(values.only)) {
    const path = join(place, `flame-${workload.name}.svg`)
    writeFileSync(path, await picture(workload, setup))
    process.stderr.write(`${path}\n`)
  }
}

async function picture({ title, scenario }: Workload, setup: Setup): Promise<string> {
  const stacks = await record(scenario, setup)
  const commit = describeCommit()
  const { seconds, profiler } = setup
  const how = profiler.kind === 'perf' ? `${stacks.length} samples by perf` : 'by V8, without the kernel'
  const of = commit === undefined ? '' : `; heartwire ${commit}`
  return drawFlame(buildTree(stacks, LEAST), {
    title,
    text: `Where the server's CPU time goes: ${seconds} s, ${how}; Node ${process.versions.node}${of}.`,
  })
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        seconds: { type: 'string' },
        profiler: { type: 'string' },
        charts: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}; --help lists the options`)
  }
}

function workloads(list: string | undefined): Workload[] {
  if (list === undefined) return [...WORKLOADS]
  return list.split(',').map((name) => {
    const found = WORKLOADS.find((workload) => workload.name === name.trim())
    if (found === undefined) throw new UsageError(`--only takes some of ${WORKLOADS.map((one) => one.name).join(', ')}`)
    return found
  })
}

function profiler(kind: string | undefined): 'perf' | 'cpu-prof' | undefined {
  if (kind === undefined || kind === 'perf' || kind === 'cpu-prof') return kind
  throw new UsageError(`--profiler takes perf or cpu-prof, not "${kind}"`)
}
