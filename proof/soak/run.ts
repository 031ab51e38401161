/** `npm run soak`: see HELP in options.ts, and docs/soak.md. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeCommit, describeMachine } from '../../bench/machine.ts'
import { PROJECT } from '../../bench/places.ts'
import { Child } from '../support/child.ts'
import { runProgram, UsageError } from '../support/program.ts'
import { Random } from '../support/random.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { markdown, picture, type Report, summarize } from './report.ts'
import { judge } from './verdict.ts'
import { Watch } from './watch.ts'

await runProgram('soak', async (argv) => {
  const options = parseOptions(argv)
  if (options !== undefined) return soak(options)
  process.stdout.write(HELP)
  return 0
})

/** @returns the exit code */
async function soak(options: Options): Promise<number> {
  const { minutes, clients, seed, leak } = options
  const out = options.out ?? join(PROJECT, 'build', 'soak')
  const write = writer(out)
  const machine = describeMachine()
  const date = new Date().toISOString()
  progress(`${minutes} min with ${clients} clients, seed ${seed}`)
  const child = new Child(join(dirname(fileURLToPath(import.meta.url)), 'server.js'), [String(leak)], {
    flags: ['--expose-gc'],
  })
  const watch = new Watch(child, new Random(seed), progress)
  const before = await watch.before(Math.min(clients, 50))
  const samples = await watch.traffic(clients, minutes * 60)
  const after = await watch.settled(before)
  const closed = await watch.close()
  await child.stop()

  const { tally } = watch
  const settling = Math.min(60, (minutes * 60) / 3)
  const { lost, corrupted, unexpected, unreported } = tally
  const checks = judge({ samples, settling, lost, corrupted, unexpected, unreported, before, after, closed })
  const report: Report = {
    format: 'heartwire-soak/1',
    date,
    machine,
    versions: { node: process.versions.node, heartwire: heartwireVersion() },
    settings: { minutes, clients, seed, settlingSeconds: settling },
    ok: checks.every(({ ok }) => ok),
    checks,
    totals: {
      connections: tally.opened,
      refused: tally.refused,
      messages: tally.messages,
      causes: tally.causes,
    },
    summary: summarize(samples.filter(({ at }) => at >= settling)),
    problems: tally.problems,
    before,
    after,
    closed,
    samples,
  }
  write('report.json', `${JSON.stringify(report, undefined, 1)}\n`)
  write('report.md', markdown(report))
  write('soak.svg', picture(report))
  process.stdout.write(markdown(report))
  progress(`The report is in ${out}`)
  return report.ok ? 0 : 1
}

function heartwireVersion(): string {
  const { version } = createRequire(import.meta.url)('heartwire/package.json') as { version: string }
  const commit = describeCommit()
  return commit === undefined ? version : `${version} (${commit})`
}

/** Writes files into a folder. Finds out before the traffic, not after it, that it cannot. */
function writer(folder: string): (name: string, text: string) => void {
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'report.md'), '')
  } catch (error) {
    throw new UsageError(`cannot write to ${folder}: ${error instanceof Error ? error.message : error}`)
  }
  return (name, text) => writeFileSync(join(folder, name), text)
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}
