/** Runs a scenario: a check of each server, which warms it up, then paired rounds. */
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
import { WarmServers } from './warm-servers.ts'

export interface Setup {
  rounds: number
  /** Measured time of a run. */
  seconds: number
  /** Load on a process that was started, before it is measured. */
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

/** Seconds of load before the measured time of a run, for all its connections to get going. */
export const LEAD = 0.1

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
  const warm = new WarmServers(
    (server) => start(server, scenario, setup),
    async (server, process) => {
      // Every byte that comes back is compared: what is fast has to be right first.
      await runLoad(setup.generator, {
        ...basics(server, process, scenario, setup),
        warmup: setup.warmup,
        verify: true,
      })
    },
  )
  const most = new Map<ContestantName, number>()
  let rate = scenario.mode === 'latency' ? setup.rate : undefined
  try {
    const { samples, failures } = await runRounds<ContestantName, Sample>(
      servers.filter((server) => takesPart(server, scenario)),
      rounds,
      {
        ...(!isFresh(scenario) && {
          check: (server) =>
            warm.use(server, 0, async (process) => {
              if (scenario.mode !== 'latency') return
              const { perSecond } = await runLoad(setup.generator, basics(server, process, scenario, setup))
              most.set(server, perSecond ?? 0)
            }),
        }),
        round(server, round) {
          if (isFresh(scenario)) return measureFresh(server, scenario, setup)
          if (scenario.mode === 'latency') rate ??= Math.max(1, Math.round(Math.min(...most.values()) / 2))
          return warm.use(server, round, (process) => measureLoad(server, process, scenario, setup, rate))
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
  } finally {
    await warm.stopAll()
  }
}

/** Whether each round is that of a process that has just been started. */
function isFresh({ mode }: Scenario): boolean {
  return mode === 'idle' || mode === 'storm'
}

async function measureFresh(server: ContestantName, scenario: Scenario, setup: Setup): Promise<Sample> {
  const process = await start(server, scenario, setup)
  try {
    if (scenario.mode === 'idle') return await measureMemory(process, scenario, setup)
    return await measureLoad(server, process, scenario, setup, undefined)
  } finally {
    await process.stop()
  }
}

async function measureLoad(
  server: ContestantName,
  process: ServerProcess,
  scenario: Scenario,
  setup: Setup,
  rate: number | undefined,
): Promise<Sample> {
  const readings: Reading[] = []
  const note = async () => void readings.push(await read(process))
  const result = await runLoad(setup.generator, {
    ...basics(server, process, scenario, setup),
    ...(rate !== undefined && { rate }),
    begin: note,
    end: note,
  })
  const [first, last] = readings
  if (first === undefined || last === undefined) throw new Error('the server did not report its CPU time')
  const { cpu, wait } = spent(first, last, setup.pinning !== undefined)
  const perSecond = result.perSecond ?? scenario.connections / (last.usage.time - first.usage.time)
  return { ...result, perCpuSecond: perSecond / cpu, cpu, wait, rss: last.usage.rss }
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

/** A run as it is measured. */
function basics(server: ContestantName, { ready }: ServerProcess, scenario: Scenario, setup: Setup): LoadRun {
  const times = timesAsLong(scenario)
  return {
    scenario,
    port: ready.port,
    seconds: times * setup.seconds,
    warmup: times * LEAD,
    core: setup.pinning?.load,
    raw: LIMITS.includes(server),
  }
}

function start(server: ContestantName, { mode, handler }: Scenario, { pinning, uws }: Setup): Promise<ServerProcess> {
  const work = mode === 'publish' || mode === 'handshake' ? mode : 'echo'
  return startContestant(server, { work, handler, compression: 'off' }, { core: pinning?.server, uws })
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
