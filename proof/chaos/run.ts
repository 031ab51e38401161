/** `npm run chaos`: see HELP in options.ts, and docs/chaos.md. */
import { writeFileSync } from 'node:fs'
import { runProgram, writable } from '../support/program.ts'
import { Conductor, type Violation } from './conductor.ts'
import { type Options, parseOptions } from './options.ts'
import { describePlan, FAULTS, type Plan } from './plan.ts'
import { compareResources } from './resources.ts'
import { faultTable, resourceLine } from './table.ts'

/** Connections before the first look at what the processes hold; their verdicts count as well. */
const WARM_UP = 1_000
/** Milliseconds between two lines about how far it is. */
const PROGRESS = 5_000
/** Violations that are printed one by one; the JSON has them all. */
const PRINTED = 50

await runProgram('chaos', async (argv) => {
  const options = parseOptions(argv)
  if ('print' in options) {
    process.stdout.write(options.print)
    return 0
  }
  return run(options)
})

async function run(options: Options): Promise<number> {
  const { seed, first, connections, concurrency, minutes } = options
  if (options.json !== undefined) writable(options.json)
  const started = performance.now()
  const violations: Violation[] = []
  const violated = (wrong: string, plan?: Plan) => {
    violations.push({ connection: plan?.connection, plan: plan && describePlan(plan), wrong })
    if (violations.length <= PRINTED) process.stderr.write(violationText(options, wrong, plan))
  }
  const conductor = new Conductor(options, violated)
  await conductor.start()
  const atOnce = Math.min(concurrency, connections)
  process.stderr.write(`seed ${seed}, connections at a time: ${atOnce}, minutes at most: ${minutes}\n`)

  const numbers = count(first, first + connections)
  const seconds = () => (performance.now() - started) / 1e3
  const progress = setInterval(() => {
    const { connections, faulty, messages } = conductor.tally
    process.stderr.write(
      `${seconds().toFixed(0)} s  ${connections} connections, ${faulty} with faults, ${messages} messages, ` +
        `${violations.length} violations\n`,
    )
  }, PROGRESS)
  const inTime = () => seconds() < minutes * 60
  const warmUp = Math.min(WARM_UP, Math.ceil(connections / 4))
  await conductor.run(take(numbers, warmUp), concurrency, inTime)
  const before = await conductor.resources()
  await conductor.run(numbers, concurrency, inTime)
  const after = await conductor.resources()
  clearInterval(progress)
  await conductor.stop()
  for (const wrong of compareResources('client', before.client, after.client)) violated(wrong)
  for (const wrong of compareResources('server', before.server, after.server)) violated(wrong)

  const { tally } = conductor
  const took = seconds()
  process.stdout.write(
    `seed ${seed}: ${tally.connections} connections, ${tally.faulty} of them with faults, ${tally.messages} messages ` +
      `in ${took.toFixed(0)} s\n\n${faultTable(tally.rows())}\n${resourceLine('client', before.client, after.client)}${resourceLine('server', before.server, after.server)}\n` +
      `${violations.length === 0 ? 'Everything held.' : `${violations.length} violations.`}\n`,
  )
  if (options.json !== undefined) {
    const { connections, faulty, messages } = tally
    const figures = {
      options,
      seconds: took,
      connections,
      faulty,
      messages,
      faults: tally.rows(),
      resources: { before, after },
      violations,
    }
    writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`)
  }
  return violations.length === 0 ? 0 : 1
}

function* count(from: number, to: number): Generator<number, void> {
  for (let number = from; number < to; number++) yield number
}

function* take(numbers: Iterator<number>, most: number): Generator<number, void> {
  for (let taken = 0; taken < most; taken++) {
    const { value, done } = numbers.next()
    if (done) return
    yield value
  }
}

function violationText({ seed, faults }: Options, wrong: string, plan: Plan | undefined): string {
  if (plan === undefined) return `VIOLATION  seed ${seed}: ${wrong}\n`
  const repeat = [`--seed ${seed}`, `--first ${plan.connection}`, '--connections 1']
  if (faults.length < FAULTS.length) repeat.push(`--faults ${faults.join(',')}`)
  return (
    `VIOLATION  seed ${seed}, connection ${plan.connection}: ${wrong}\n` +
    `  plan: ${describePlan(plan)}\n  again: npm run chaos -- ${repeat.join(' ')}\n`
  )
}
