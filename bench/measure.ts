/** Runs a scenario: a check of each server, then paired rounds. */
import { type ContestantName, LIMITS, startContestant } from './contestants.ts'
import type { Figure, Sample } from './figures.ts'
import { type Generator, holdConnections, type LoadRun, runLoad } from './generator.ts'
import type { Pinning } from './machine.ts'
import { FIRST, restingMemory } from './memory.ts'
import { type Reading, read, spent } from './reading.ts'
import type { ScenarioResult, ServerResult } from './report.ts'
import { runRounds } from './rounds.ts'
import { type Scenario, takesPart, timesAsLong } from './scenarios.ts'
import type { ServerProcess } from './server-process.ts'
import { ENOUGH, type Estimate, estimate, pairedRatios } from './stats.ts'

export interface Setup {
  rounds: number
  seconds: number
  warmup: number
  /** Messages a second of the latency scenario; half of what the slowest can do if there is none. */
  rate: number | undefined
  generator: Generator
  pinning: Pinning | undefined
  uws: string | undefined
  /** Whose ratios to the others are reported. */
  subjects: readonly ContestantName[]
  /** Called with what is being done. */
  progress(line: string): void
}

/** Of a scenario: memory and storms take long and vary little, so that fewer rounds do. */
export function roundsOf({ mode }: Scenario, rounds: number): number {
  return mode === 'idle' || mode === 'storm' ? Math.min(rounds, Math.max(ENOUGH, Math.round(rounds / 3))) : rounds
}

export async function measureScenario(
  scenario: Scenario,
  servers: readonly ContestantName[],
  setup: Setup,
): Promise<ScenarioResult> {
  const rounds = roundsOf(scenario, setup.rounds)
  const most = new Map<ContestantName, number>()
  let rate = scenario.mode === 'latency' ? setup.rate : undefined
  const { samples, failures } = await runRounds<ContestantName, Sample>(
    servers.filter((server) => takesPart(server, scenario)),
    rounds,
    {
      async check(server) {
        await check(server, scenario, setup)
        if (scenario.mode === 'latency') most.set(server, await mostPerSecond(server, scenario, setup))
      },
      round(server) {
        if (scenario.mode === 'latency') rate ??= Math.max(1, Math.round(Math.min(...most.values()) / 2))
        return measure(server, scenario, setup, rate)
      },
      progress: (server, what) => setup.progress(`${scenario.name}  ${server}  ${what}`),
    },
  )
  return {
    ...scenario,
    rounds,
    ...(rate !== undefined && { rate }),
    results: summarize(samples, setup.subjects),
    failures: failures.map(({ contestant, error }) => ({ server: contestant, error })),
  }
}

/** A short run in which every byte that comes back is compared: what is fast has to be right first. */
async function check(server: ContestantName, scenario: Scenario, setup: Setup): Promise<void> {
  if (scenario.mode === 'idle' || scenario.mode === 'storm') return
  await withServer(server, scenario, setup, async ({ ready: { port } }) => {
    await runLoad(setup.generator, {
      ...basics(server, scenario, setup, port),
      seconds: 0.1,
      warmup: 0.05,
      verify: true,
    })
  })
}

/** How many messages a second there are when each waits for the one before it. */
function mostPerSecond(server: ContestantName, scenario: Scenario, setup: Setup): Promise<number> {
  return withServer(server, scenario, setup, async ({ ready: { port } }) => {
    const { perSecond } = await runLoad(setup.generator, basics(server, scenario, setup, port))
    return perSecond ?? 0
  })
}

/** A fresh server, its warm-up, and the measured time. */
function measure(server: ContestantName, scenario: Scenario, setup: Setup, rate: number | undefined): Promise<Sample> {
  return withServer(server, scenario, setup, async (process) => {
    const { port } = process.ready
    if (scenario.mode === 'idle') return measureMemory(process, scenario, setup)
    const readings: Reading[] = []
    const note = async () => void readings.push(await read(process))
    const result = await runLoad(setup.generator, {
      ...basics(server, scenario, setup, port),
      ...(rate !== undefined && { rate }),
      begin: note,
      end: note,
    })
    const [first, last] = readings
    if (first === undefined || last === undefined) throw new Error('the server did not report its CPU time')
    const { cpu, wait } = spent(first, last, setup.pinning !== undefined)
    const perSecond = result.perSecond ?? scenario.connections / (last.usage.time - first.usage.time)
    return { ...result, perCpuSecond: perSecond / cpu, cpu, wait, rss: last.usage.rss }
  })
}

async function measureMemory(
  server: ServerProcess,
  { connections }: Scenario,
  { generator, pinning }: Setup,
): Promise<Sample> {
  const hold = (count: number) =>
    holdConnections(generator, { port: server.ready.port, connections: count, core: pinning?.load })
  const releaseFirst = await hold(FIRST)
  const before = await restingMemory(server)
  const release = await hold(connections)
  const rss = await restingMemory(server)
  await Promise.all([releaseFirst(), release()])
  return { perConnection: (rss - before) / connections, rss }
}

function basics(server: ContestantName, scenario: Scenario, setup: Setup, port: number): LoadRun {
  const { seconds, warmup, pinning } = setup
  const times = timesAsLong(scenario)
  const raw = LIMITS.includes(server)
  return { scenario, port, seconds: times * seconds, warmup: times * warmup, core: pinning?.load, raw }
}

async function withServer<T>(
  server: ContestantName,
  { mode, handler }: Scenario,
  { pinning, uws }: Setup,
  run: (process: ServerProcess) => Promise<T>,
): Promise<T> {
  const work = mode === 'publish' || mode === 'handshake' ? mode : 'echo'
  const process = await startContestant(server, { work, handler, compression: 'off' }, { core: pinning?.server, uws })
  try {
    return await run(process)
  } finally {
    await process.stop()
  }
}

export function summarize(
  samples: ReadonlyMap<ContestantName, readonly Sample[]>,
  subjects: readonly ContestantName[],
): ServerResult[] {
  return [...samples].map(([server, rounds]) => {
    const keys = Object.keys(rounds[0] ?? {}) as Figure[]
    const of = (list: readonly Sample[], key: Figure) => list.map((sample) => sample[key] ?? Number.NaN)
    const summary: ServerResult['summary'] = {}
    for (const key of keys) summary[key] = estimate(of(rounds, key))
    const ratios: ServerResult['ratios'] = {}
    for (const subject of subjects) {
      const own = samples.get(subject)
      if (subject === server || own === undefined) continue
      const found: Partial<Record<Figure, Estimate>> = {}
      for (const key of keys) {
        const base = of(rounds, key)
        // A server that never waited, or used no memory, has no ratio to it.
        if (base.every((value) => value > 0)) found[key] = estimate(pairedRatios(of(own, key), base))
      }
      ratios[subject] = found
    }
    return { server, samples: [...rounds], summary, ratios }
  })
}
