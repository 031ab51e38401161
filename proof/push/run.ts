/** `npm run push`: see HELP in options.ts, and docs/push.md. */
import { writeFileSync } from 'node:fs'
import { describeMachine } from '../../bench/machine.ts'
import { runProgram, writable } from '../support/program.ts'
import { heartwireVersion } from '../support/version.ts'
import { measureMode } from './measure.ts'
import { HELP, parseOptions } from './options.ts'
import { isComplete, markdown, type Report } from './report.ts'

await runProgram('push', async (argv) => {
  const options = parseOptions(argv)
  if (options === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  const { json, markdown: table, ...settings } = options
  for (const file of [json, table]) if (file !== undefined) writable(file)
  const progress = (line: string) => void process.stderr.write(`${line}\n`)
  const report: Report = {
    format: 'heartwire-push/1',
    date: new Date().toISOString(),
    machine: describeMachine(),
    versions: { node: process.versions.node, heartwire: heartwireVersion() },
    settings,
    results: [],
  }
  for (const mode of options.modes) report.results.push(await measureMode(mode, options, progress))
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 1)}\n`)
  if (table !== undefined) writeFileSync(table, markdown(report))
  process.stdout.write(markdown(report))
  return isComplete(report) ? 0 : 1
})
