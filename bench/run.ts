/** `npm run bench`: see HELP in options.ts, and docs/performance.md. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { drawCharts } from './chart.ts'
import { killChildrenAtExit } from './children.ts'
import { type ContestantName, startContestant } from './contestants.ts'
import { chooseGenerator } from './generator.ts'
import { choosePinning, describeCommit, describeMachine, withCommit } from './machine.ts'
import { LEAD, measureScenario, roundsOf, type Setup } from './measure.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { BUILT } from './places.ts'
import type { Report } from './report.ts'
import { findPresent } from './rounds.ts'
import { type Scenario, takesPart, timesAsLong } from './scenarios.ts'
import { markdownTables, terminalTables } from './table.ts'
import { ROUNDS_EACH } from './warm-servers.ts'
import { writable } from './writable.ts'

const USUAL_JSON = join(BUILT, 'report.json')
const USUAL_CHARTS = join(BUILT, 'charts')

killChildrenAtExit()

try {
  const options = parseOptions(process.argv.slice(2))
  if ('print' in options) process.stdout.write(options.print)
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = 2
}

/** @returns the exit code: 1 when a server could not be measured. */
async function run(options: Options): Promise<number> {
  const save = prepareFiles(options)
  const { rounds, seconds, warmup, rate, uws } = options
  const generator = chooseGenerator(options.load)
  const pinning = choosePinning()
  const machine = describeMachine()
  const { servers, versions, missing } = await findServers(options)
  const scenarios = options.scenarios.filter((one) => servers.some((server) => takesPart(server, one)))
  if (scenarios.length === 0) throw new UsageError(`${servers.join(', ')} can take part in none of these scenarios`)

  const own = servers.filter((server) => server === 'heartwire' || server === 'heartwire-node')
  const subjects = own.length > 0 ? own : servers.slice(0, 1)
  const report: Report = {
    format: 'heartwire-bench/2',
    date: new Date().toISOString(),
    machine,
    versions,
    load: { generator: generator.kind, ...(generator.why !== undefined && { why: generator.why }) },
    pinning: pinning ?? null,
    settings: { rounds, seconds, warmup },
    subjects,
    missing,
    scenarios: [],
    remarks: machine.cores < 2 ? ['one core for the server and its load: the figures say little'] : [],
  }

  const plan = `${scenarios.length} scenario${scenarios.length === 1 ? '' : 's'} with ${servers.length} servers`
  process.stderr.write(`${plan}, ${about(estimateTime(scenarios, servers, options))}\n`)
  const setup: Omit<Setup, 'progress'> = { rounds, seconds, warmup, rate, generator, pinning, uws, subjects }
  for (const [i, scenario] of scenarios.entries()) {
    const progress = (line: string) => void process.stderr.write(`[${i + 1}/${scenarios.length}] ${line}\n`)
    report.scenarios.push(await measureScenario(scenario, servers, { ...setup, progress }))
    // After every scenario: what is measured is not lost when the rest is interrupted.
    save(report)
  }
  process.stdout.write(terminalTables(report))
  process.stderr.write(`The report is in ${options.json ?? USUAL_JSON}, charts in ${options.charts ?? USUAL_CHARTS}\n`)
  return report.scenarios.some(({ failures }) => failures.length > 0) ? 1 : 0
}

/**
 * @returns what writes all of the report.
 * @throws {UsageError} when it cannot be written.
 */
function prepareFiles(options: Options): (report: Report) => void {
  const json = writable(options.json ?? USUAL_JSON, '{}\n')
  const markdown = options.markdown === undefined ? undefined : writable(options.markdown, '')
  const charts = options.charts ?? USUAL_CHARTS
  try {
    mkdirSync(charts, { recursive: true })
  } catch (error) {
    throw new UsageError(`cannot write ${charts}: ${error instanceof Error ? error.message : error}`)
  }
  return (report) => {
    json.write(`${JSON.stringify(report, undefined, 2)}\n`)
    markdown?.write(markdownTables(report))
    for (const [name, svg] of drawCharts(report)) writable(join(charts, `${name}.svg`), svg)
  }
}

/**
 * Those of the servers that are there.
 *
 * @throws {UsageError} when one is not that was asked for by name.
 */
async function findServers({
  servers,
  serversAsked,
  uws,
}: Options): Promise<Pick<Report, 'versions' | 'missing'> & { servers: ContestantName[] }> {
  const commit = describeCommit()
  const versions: Record<string, string> = { node: process.versions.node }
  const found = await findPresent(servers, async (server) => {
    const process = await startContestant(server, { work: 'echo', handler: 'sync', compression: 'off' }, { uws })
    Object.assign(versions, withCommit(process.ready.versions, commit))
    await process.stop()
  })
  const missing = [...found.missing, ...found.failures.map(({ contestant, error }) => ({ contestant, why: error }))]
  const [first] = missing
  if (first !== undefined && serversAsked) throw new UsageError(`${first.contestant} is not there: ${first.why}`)
  for (const { contestant, why } of missing) process.stderr.write(`without ${contestant}: ${why}\n`)
  return {
    servers: found.present,
    versions,
    missing: missing.map(({ contestant, why }) => ({ server: contestant, why })),
  }
}

/** Seconds. */
function estimateTime(
  scenarios: readonly Scenario[],
  servers: readonly ContestantName[],
  { rounds, seconds, warmup }: Options,
): number {
  let total = 0
  for (const scenario of scenarios) {
    // Starting servers and opening connections take their time too; memory has to come to rest.
    const run = timesAsLong(scenario) * (seconds + LEAD) + 0.15
    const process = (rounds / ROUNDS_EACH) * (warmup + seconds + 0.3)
    const all = scenario.mode === 'idle' ? 3.5 : scenario.mode === 'storm' ? 2 : run
    const each = roundsOf(scenario, rounds) * all + (all === run ? process : 0)
    total += servers.filter((server) => takesPart(server, scenario)).length * each
  }
  return total
}

function about(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.ceil(seconds / 60)} min`
}
