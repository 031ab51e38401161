/** `npm run bench:compression`: see HELP in options.ts, and docs/performance.md. */
import { join } from 'node:path'
import { killChildrenAtExit } from '../children.ts'
import { choosePinning, describeCommit, describeMachine, withCommit } from '../machine.ts'
import { UsageError } from '../options.ts'
import { BUILT } from '../places.ts'
import { findPresent } from '../rounds.ts'
import { writable } from '../writable.ts'
import type { Contestant } from './contestants.ts'
import { measureEcho, measureMemory, type Setup } from './measure.ts'
import { type Options, parseOptions } from './options.ts'
import type { Report } from './report.ts'
import { startServer } from './servers.ts'
import { markdownReport, terminalReport } from './table.ts'

killChildrenAtExit()

try {
  const options = parseOptions(process.argv.slice(2))
  if ('print' in options) process.stdout.write(options.print)
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench:compression: ${error.message}\n`)
  process.exitCode = 2
}

/** @returns the exit code: 1 when something could not be measured. */
async function run(options: Options): Promise<number> {
  const machine = describeMachine()
  const pinning = choosePinning()
  const { rounds, memoryRounds, amount, seed, connections, held } = options
  const report: Report = {
    format: 'heartwire-compression/1',
    date: new Date().toISOString(),
    machine,
    versions: { node: process.versions.node, zlib: process.versions.zlib ?? 'unknown' },
    pinning: pinning ?? null,
    settings: { rounds, memoryRounds, amount, seed, connections, held },
    skipped: [],
    echo: [],
    memory: [],
    failures: [],
  }
  const json = writable(options.json ?? join(BUILT, 'compression.json'), '{}\n')
  const markdown = options.markdown === undefined ? undefined : writable(options.markdown, '')
  // After every part: what is measured is not lost when the rest is interrupted.
  const save = (): void => {
    json.write(`${JSON.stringify(report, undefined, 2)}\n`)
    markdown?.write(markdownReport(report))
  }
  const parts = options.sizes.length + (memoryRounds > 0 ? 1 : 0)
  const setup = (part: number): Setup => ({
    options,
    pinning,
    progress: (line) => process.stderr.write(`[${part}/${parts}] ${line}\n`),
  })

  const contestants = await present(options.contestants, report)
  for (const [i, size] of options.sizes.entries()) {
    const { results, failures } = await measureEcho(size, contestants, setup(i + 1))
    report.echo.push({ size, results })
    report.failures.push(...failures)
    save()
  }
  if (memoryRounds > 0) {
    const { results, failures } = await measureMemory(contestants, setup(parts))
    report.memory = results
    report.failures.push(...failures)
    save()
  }
  process.stdout.write(terminalReport(report))
  process.stderr.write(`The report is in ${json.path}\n`)
  return report.failures.length > 0 ? 1 : 0
}

/** Those that can be measured here; the others, and all versions, are noted in the report. */
async function present(contestants: readonly Contestant[], report: Report): Promise<Contestant[]> {
  const commit = describeCommit()
  const found = await findPresent(contestants, async (contestant) => {
    const server = await startServer(contestant, undefined)
    Object.assign(report.versions, withCommit(server.ready.versions, commit))
    await server.stop()
  })
  for (const { contestant, why } of found.missing) {
    report.skipped.push({ name: contestant.name, why })
    process.stderr.write(`${contestant.name} skipped: ${why}\n`)
  }
  for (const { contestant, error } of found.failures) {
    report.failures.push({ part: 'start', name: contestant.name, error })
    process.stderr.write(`${contestant.name} failed: ${error}\n`)
  }
  return found.present
}
