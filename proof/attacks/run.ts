/** `npm run attacks`: see HELP in options.ts, and docs/security.md. */
import { writeFileSync } from 'node:fs'
import { runProgram, writable } from '../support/program.ts'
import { measure, type Result } from './measure.ts'
import { type Options, parseOptions } from './options.ts'
import { describeResult, describeRun, markdownTable, outcomes } from './table.ts'

await runProgram('attacks', async (argv) => {
  const options = parseOptions(argv)
  if (!('print' in options)) return attack(options)
  process.stdout.write(options.print)
  return 0
})

/** @returns the exit code: 1 when something did not hold. */
async function attack({ scenarios, scale, seconds, json, markdown }: Options): Promise<number> {
  const plan = { scale, seconds }
  const about = describeRun(plan)
  const results: Result[] = []
  let broken = 0
  // Found out before minutes of measuring, not after them.
  if (json !== undefined) writable(json)
  const progress = (line: string) => process.stderr.write(`${line}\n`)
  progress(`${scenarios.length} attacks, about ${Math.ceil(scenarios.length * (seconds * 2 + 2.5))} s`)
  for (const [i, scenario] of scenarios.entries()) {
    progress(`[${i + 1}/${scenarios.length}] ${scenario.name}: ${scenario.title(plan)}`)
    let result: Result
    try {
      result = await measure(scenario, plan)
    } catch (error) {
      // One of the processes is gone, and its server may be why.
      progress(`  FAILED: ${error instanceof Error ? error.message : error}`)
      broken++
      continue
    }
    results.push(result)
    if (json !== undefined) {
      const report = { format: 'heartwire-attacks/1', about, plan, results }
      writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`)
    }
    if (!markdown) process.stdout.write(describeResult(result))
    else progress(`  ${result.failures.join('; ') || `ok: ${outcomes(result.attack.outcomes)}`}`)
  }
  process.stdout.write(markdown ? `${markdownTable(results)}\n${about}\n` : `${about}\n`)
  return broken > 0 || results.some(({ failures }) => failures.length > 0) ? 1 : 0
}
