/** A thread that fuzzes one target, so that whoever started it can end it when an input never ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { CounterCoverage } from './coverage.ts'
import { COUNTERS } from './instrument.ts'
import { Loop } from './loop.ts'
import { TARGETS } from './targets/index.ts'
import { PLANTED } from './targets/planted.ts'
import { type FromThread, LENGTH, RUNS, type ToThread } from './thread.ts'

const { target: name, seed, runs, seconds, inputs, magnitudes, shared } = workerData as ToThread
const state = new Int32Array(shared, 0, 2)
const current = new Uint8Array(shared, 8)
const tell = (message: FromThread) => parentPort!.postMessage(message)

// Where this is not the instrumented copy, there are no counters.
const counters = (globalThis as Record<string, unknown>)[COUNTERS] ?? {}
const coverage = new CounterCoverage(counters as ConstructorParameters<typeof CounterCoverage>[0], magnitudes)
const target = [...TARGETS, ...PLANTED].find((one) => one.name === name)!

const loop = new Loop(target, {
  coverage,
  seed,
  onInput(input) {
    Atomics.add(state, RUNS, 1)
    Atomics.store(state, LENGTH, input.length)
    current.set(input)
  },
  onKept: (input) => tell({ kept: input }),
})

const progress = () => ({
  executions: loop.executions,
  corpus: loop.corpus.length,
  covered: coverage.covered,
  total: coverage.total,
})

// What is thrown behind the back of a target is a finding as well, and what it waits for may never come then.
const onThrown = (error: unknown) => {
  const input = current.slice(0, state[LENGTH])
  const report = `Thrown out of turn: ${error instanceof Error ? error.stack : String(error)}`
  tell({ progress: progress(), done: true, finding: { input, report } })
}
process.on('uncaughtException', onThrown)
process.on('unhandledRejection', onThrown)

let finding = await loop.run(inputs)
tell({ progress: progress() })
const all = loop.executions + runs
const end = performance.now() + seconds * 1_000
for (let at = performance.now(); finding === undefined && loop.executions < all && performance.now() < end; ) {
  finding = await loop.step(all - loop.executions)
  if (performance.now() - at < 1_000) continue
  at = performance.now()
  tell({ progress: progress() })
  // A turn of the loop, also between inputs that wait for nothing.
  await new Promise(setImmediate)
}
tell({ progress: progress(), done: true, finding: finding && (await loop.minimised(finding)) })
