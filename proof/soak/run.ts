/** `npm run soak`: see HELP in options.ts, and docs/soak.md. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeMachine } from '../../bench/machine.ts'
import { PROJECT } from '../../bench/places.ts'
import { Child } from '../support/child.ts'
import { runProgram, writable, writableFolder } from '../support/program.ts'
import { Random } from '../support/random.ts'
import { heartwireVersion } from '../support/version.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { markdown, picture, type Report, summarize } from './report.ts'
import { judge, SETTLING } from './verdict.ts'
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
  writableFolder(out)
  const files = { json: join(out, 'report.json'), markdown: join(out, 'report.md'), picture: join(out, 'soak.svg') }
  for (const file of Object.values(files)) writable(file)
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
  const settling = Math.min(SETTLING, (minutes * 60) / 3)
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
  writeFileSync(files.json, `${JSON.stringify(report, undefined, 1)}\n`)
  writeFileSync(files.markdown, markdown(report))
  writeFileSync(files.picture, picture(report))
  process.stdout.write(markdown(report))
  progress(`The report is in ${out}`)
  return report.ok ? 0 : 1
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}
