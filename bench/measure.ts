/** Runs scenarios: for each a check, then paired rounds in alternating order. */
import { type Generator, runLoad } from './generator.ts'
import type { Pinning } from './machine.ts'
import { type Reading, read, spent } from './reading.ts'
import type { Sample, ScenarioResult, ServerResult } from './report.ts'
import { type Scenario, type ServerName, takesPart } from './scenarios.ts'
import { ServerProcess } from './server-process.ts'
import { ratioSpread, spread } from './stats.ts'

export interface Setup {
  rounds: number
  seconds: number
  warmup: number
  generator: Generator
  pinning: Pinning | undefined
  tcpEcho: string | undefined
  /** Ratios are to this one. */
  baseline: ServerName
  /** Called with what is being done. */
  progress(line: string): void
  /** Called with the versions that a server reports. */
  versions(found: Record<string, string>): void
}

/** A failing server is left out of the rest of the scenario; the others go on. */
export async function measureScenario(
  scenario: Scenario,
  servers: readonly ServerName[],
  setup: Setup,
): Promise<ScenarioResult> {
  const failures: ScenarioResult['failures'] = []
  const samples = new Map<ServerName, Sample[]>()
  for (const server of servers) if (takesPart(server, scenario)) samples.set(server, [])

  /** One run; a failure ends the server's part. */
  const attempt = async (server: ServerName, what: string, run: () => Promise<void>): Promise<void> => {
    setup.progress(`${scenario.name}  ${server}  ${what}`)
    try {
      await run()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      failures.push({ server, error: message })
      samples.delete(server)
      setup.progress(`${scenario.name}  ${server}  failed: ${message}`)
    }
  }

  for (const server of [...samples.keys()]) await attempt(server, 'check', () => check(server, scenario, setup))
  for (let round = 0; round < setup.rounds; round++) {
    // Whoever runs second finds a warmer (or hotter) machine: they take turns at that.
    const order = round % 2 === 0 ? [...samples.keys()] : [...samples.keys()].reverse()
    for (const server of order) {
      await attempt(server, `round ${round + 1}/${setup.rounds}`, async () => {
        const sample = await measure(server, scenario, setup)
        samples.get(server)?.push(sample)
      })
    }
  }
  return { ...scenario, results: summarize(samples, setup.baseline), failures }
}

/** A short run in which every byte that comes back is compared: what is fast has to be right first. */
async function check(server: ServerName, scenario: Scenario, setup: Setup): Promise<void> {
  const process = await startServer(server, scenario, setup)
  try {
    await runLoad(setup.generator, {
      scenario,
      port: process.ready.port,
      seconds: 0.1,
      warmup: 0.05,
      core: setup.pinning?.load,
      raw: server === 'tcp',
      verify: true,
    })
  } finally {
    await process.stop()
  }
}

/** A fresh server, its warm-up, and the measured time. */
async function measure(server: ServerName, scenario: Scenario, setup: Setup): Promise<Sample> {
  const process = await startServer(server, scenario, setup)
  try {
    const readings: Reading[] = []
    const { perSecond, p50, p99, idle } = await runLoad(setup.generator, {
      scenario,
      port: process.ready.port,
      seconds: setup.seconds,
      warmup: setup.warmup,
      core: setup.pinning?.load,
      raw: server === 'tcp',
      async begin() {
        readings.push(await read(process))
      },
      async end() {
        readings.push(await read(process))
      },
    })
    const [first, last] = readings
    if (first === undefined || last === undefined) throw new Error('the server did not report its CPU time')
    const { cpu, wait } = spent(first, last, setup.pinning !== undefined)
    return { perSecond, perCpuSecond: perSecond / cpu, cpu, wait, rss: last.usage.rss, p50, p99, loadIdle: idle }
  } finally {
    await process.stop()
  }
}

async function startServer(server: ServerName, scenario: Scenario, setup: Setup): Promise<ServerProcess> {
  const process = await ServerProcess.start(server, scenario, { core: setup.pinning?.server, tcpEcho: setup.tcpEcho })
  setup.versions(process.ready.versions)
  return process
}

function summarize(samples: ReadonlyMap<ServerName, Sample[]>, baseline: ServerName): ServerResult[] {
  const base = samples.get(baseline)
  return [...samples].map(([server, rounds]) => {
    const of = (key: keyof Sample) => rounds.map((sample) => sample[key])
    const ratio = (key: keyof Sample) =>
      ratioSpread(
        of(key),
        (base ?? []).map((sample) => sample[key]),
      )
    return {
      server,
      samples: rounds,
      summary: {
        perSecond: spread(of('perSecond')),
        perCpuSecond: spread(of('perCpuSecond')),
        cpu: spread(of('cpu')),
        wait: spread(of('wait')),
        rss: spread(of('rss')),
        p50: spread(of('p50')),
        p99: spread(of('p99')),
        loadIdle: spread(of('loadIdle')),
      },
      ...(base !== undefined &&
        server !== baseline && { ratio: { perSecond: ratio('perSecond'), perCpuSecond: ratio('perCpuSecond') } }),
    }
  })
}
