/** What a publication costs the server, by the number of those who get it. */
import { type ContestantName, startContestant } from '../contestants.ts'
import { type Generator, runLoad } from '../generator.ts'
import type { Pinning } from '../machine.ts'
import { runRounds } from '../rounds.ts'
import { SCENARIOS, type Scenario, timesAsLong } from '../scenarios.ts'
import type { ServerProcess } from '../server-process.ts'
import type { Usage } from '../servers/control.ts'
import { type Estimate, estimate } from '../stats.ts'
import { WarmServers } from '../warm-servers.ts'

/** All are Node programs, which tell what was their own time and what was the kernel's. */
export const SERVERS = ['heartwire', 'heartwire-node', 'ws'] as const satisfies readonly ContestantName[]

export interface Setup {
  rounds: number
  /** Measured time of a round; four times as long with 10,000 subscribers or more. */
  seconds: number
  warmup: number
  generator: Generator
  pinning: Pinning | undefined
  progress(line: string): void
}

/** Of one publication, in microseconds of CPU time. */
export interface Cost {
  user: number
  system: number
}

export interface Result {
  subscribers: number
  server: ContestantName
  user: Estimate
  system: Estimate
}

/** Time for all connections of a load to get going, behind which it is measured. */
const LEAD = 0.2

/** @throws {Error} when a server fails */
export async function measurePublish(subscribers: number, setup: Setup): Promise<Result[]> {
  const scenario = scenarioFor(subscribers)
  const warm = new WarmServers(
    (server) =>
      startContestant(
        server,
        { work: 'publish', handler: 'sync', compression: 'off' },
        { core: setup.pinning?.server },
      ),
    async (_server, process) => void (await load(process, scenario, setup, setup.warmup)),
  )
  try {
    const { samples, failures } = await runRounds<ContestantName, Cost>(SERVERS, setup.rounds, {
      round: (server, round) => warm.use(server, round, (process) => load(process, scenario, setup, LEAD)),
      progress: (server, what) => setup.progress(`${subscribers.toLocaleString('en')}  ${server}  ${what}`),
    })
    const [failure] = failures
    if (failure !== undefined) throw new Error(`${failure.contestant}: ${failure.error}`)
    return [...samples].map(([server, costs]) => ({
      subscribers,
      server,
      user: estimate(costs.map(({ user }) => user)),
      system: estimate(costs.map(({ system }) => system)),
    }))
  } finally {
    await warm.stopAll()
  }
}

async function load(process: ServerProcess, scenario: Scenario, setup: Setup, warmup: number): Promise<Cost> {
  const readings: Usage[] = []
  const note = async () => void readings.push(await process.usage())
  const { perSecond } = await runLoad(setup.generator, {
    scenario,
    port: process.ready.port,
    seconds: setup.seconds * timesAsLong(scenario),
    warmup,
    core: setup.pinning?.load,
    raw: false,
    begin: note,
    end: note,
  })
  const [first, last] = readings
  if (first === undefined || last === undefined || perSecond === undefined) throw new Error('the load told nothing')
  return costOf(first, last, perSecond / scenario.connections)
}

/**
 * @param perSecond publications
 * @throws {Error} when the server has not told what the kernel's part was
 */
export function costOf(first: Usage, last: Usage, perSecond: number): Cost {
  if (first.system === undefined || last.system === undefined)
    throw new Error('the server does not tell its system time')
  const publications = perSecond * (last.time - first.time)
  const system = last.system - first.system
  const user = last.cpu - first.cpu - system
  return { user: (user / publications) * 1e6, system: (system / publications) * 1e6 }
}

function scenarioFor(connections: number): Scenario {
  const found = SCENARIOS.find(({ mode }) => mode === 'publish')
  if (found === undefined) throw new Error('There is no scenario that publishes.')
  return { ...found, name: `publish/64B/${connections}`, connections }
}
