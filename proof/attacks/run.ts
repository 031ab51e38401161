/** `npm run attacks`: see HELP in options.ts, and docs/security.md. */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { measure, type Result } from './measure.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { describeResult, describeRun, markdownTable, outcomes } from './table.ts'

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(code))
}

try {
  const options = parseOptions(process.argv.slice(2))
  if ('print' in options) process.stdout.write(options.print)
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`attacks: ${error.message}\n`)
  process.exitCode = 2
}

/** @returns the exit code: 1 when something did not hold. */
async function run({ scenarios, scale, seconds, json, markdown }: Options): Promise<number> {
  const plan = { scale, seconds }
  const { version } = createRequire(import.meta.url)('heartwire/package.json') as { version: string }
  const about = describeRun(plan, `heartwire ${version}`)
  const results: Result[] = []
  const save = () => {
    if (json !== undefined)
      write(json, `${JSON.stringify({ format: 'heartwire-attacks/1', about, plan, results }, undefined, 2)}\n`)
  }
  // Found out before minutes of measuring, not after them.
  save()
  process.stderr.write(`${scenarios.length} attacks, about ${Math.ceil(scenarios.length * (seconds * 2 + 2.5))} s\n`)
  for (const [i, scenario] of scenarios.entries()) {
    process.stderr.write(`[${i + 1}/${scenarios.length}] ${scenario.name}: ${scenario.title}\n`)
    const result = await measure(scenario, plan)
    results.push(result)
    save()
    if (!markdown) process.stdout.write(describeResult(result))
    else process.stderr.write(`  ${result.failures.join('; ') || `ok: ${outcomes(result.attack.outcomes)}`}\n`)
  }
  if (markdown) process.stdout.write(`${markdownTable(results)}\n${about}\n`)
  else process.stdout.write(`${about}\n`)
  return results.some(({ failures }) => failures.length > 0) ? 1 : 0
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`)
  }
}
