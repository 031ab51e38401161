/** `npm run bench`: see HELP in options.ts, and docs/performance.md. */
import { join } from 'node:path'
import { killChildrenAtExit } from './children.ts'
import { chooseGenerator } from './generator.ts'
import { choosePinning, describeCommit, describeMachine, withCommit } from './machine.ts'
import { measureScenario } from './measure.ts'
import { buildNative } from './native.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { BUILT } from './places.ts'
import type { Report } from './report.ts'
import { type Scenario, type ServerName, takesPart } from './scenarios.ts'
import { markdownTable, terminalTable } from './table.ts'
import { writable } from './writable.ts'

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
  const machine = describeMachine()
  const pinning = choosePinning()
  const generator = chooseGenerator(options.load)
  const remarks: string[] = []
  const tcpEcho = options.servers.includes('tcp') ? buildNative('tcp_echo') : { why: 'not asked for' }
  let servers = options.servers
  if (servers.includes('tcp') && 'why' in tcpEcho) {
    if (options.serversAsked) throw new UsageError(tcpEcho.why)
    remarks.push(`without the TCP floor: ${tcpEcho.why}`)
    servers = servers.filter((server) => server !== 'tcp')
  }
  const scenarios = options.scenarios.filter((one) => servers.some((server) => takesPart(server, one)))
  const baseline = servers[0]
  if (scenarios.length === 0 || baseline === undefined) {
    throw new UsageError(`${servers.join(', ')} can take part in none of these scenarios`)
  }
  if (machine.cores < 2) remarks.push('one core for the server and its load: the figures say little')

  const commit = describeCommit()
  const versions: Record<string, string> = { node: process.versions.node }
  const { rounds, seconds, warmup } = options
  const report: Report = {
    format: 'heartwire-bench/1',
    date: new Date().toISOString(),
    machine,
    versions,
    load: { generator: generator.kind, ...(generator.why !== undefined && { why: generator.why }) },
    pinning: pinning ?? null,
    settings: { rounds, seconds, warmup },
    baseline,
    scenarios: [],
    remarks,
  }
  const json = writable(options.json ?? join(BUILT, 'report.json'), '{}\n')
  const markdown = options.markdown === undefined ? undefined : writable(options.markdown, '')

  process.stderr.write(
    `${scenarios.length} scenario${scenarios.length === 1 ? '' : 's'}, ${about(estimate(scenarios, servers, options))}\n`,
  )
  for (const [i, scenario] of scenarios.entries()) {
    const result = await measureScenario(scenario, servers, {
      rounds,
      seconds,
      warmup,
      generator,
      pinning,
      tcpEcho: 'path' in tcpEcho ? tcpEcho.path : undefined,
      baseline,
      progress: (line) => process.stderr.write(`[${i + 1}/${scenarios.length}] ${line}\n`),
      versions: (found) => Object.assign(versions, withCommit(found, commit)),
    })
    report.scenarios.push(result)
    // After every scenario: what is measured is not lost when the rest is interrupted.
    json.write(`${JSON.stringify(report, undefined, 2)}\n`)
    markdown?.write(markdownTable(report))
  }
  process.stdout.write(terminalTable(report))
  process.stderr.write(`The report is in ${json.path}\n`)
  return report.scenarios.some(({ failures }) => failures.length > 0) ? 1 : 0
}

/** Seconds; starting a server, opening connections and the check take about 0.6 s a run. */
function estimate(scenarios: Scenario[], servers: ServerName[], { rounds, seconds, warmup }: Options): number {
  const runs = scenarios.flatMap((scenario) => servers.filter((server) => takesPart(server, scenario))).length
  return runs * (rounds * (seconds + warmup + 0.5) + 0.6)
}

function about(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.ceil(seconds / 60)} min`
}
