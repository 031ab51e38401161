/** Runs scenarios: for each a check, then paired rounds in alternating order. */
import { type Generator, runLoad } from './generator.ts'
import { type Pinning, type Scheduled, scheduled } from './machine.ts'
import type { Sample, ScenarioResult, ServerResult } from './report.ts'
import { type Scenario, type ServerName, takesPart } from './scenarios.ts'
import { ServerProcess } from './server-process.ts'
import type { Usage } from './servers/control.ts'
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

/** The figures of the server's process, and when they were asked for by the clock of this one. */
interface Reading {
  at: number
  scheduled: Scheduled
  usage: Usage
}

async function read(process: ServerProcess): Promise<Reading> {
  const at = performance.now() / 1e3
  return { at, scheduled: scheduled(process.ready.pid), usage: await process.usage() }
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
    // A rate by the server's own clock: it does not matter that it answers a moment after it was asked.
    const cpu = (last.usage.cpu - first.usage.cpu) / (last.usage.time - first.usage.time)
    if (!(cpu > 0)) throw new Error('the run was too short for the CPU clock')
    const wait = waitShare(first, last, setup.pinning === undefined ? 0 : cpu)
    return { perSecond, perCpuSecond: perSecond / cpu, cpu, wait, rss: last.usage.rss, p50, p99, loadIdle: idle }
  } finally {
    await process.stop()
  }
}

/**
 * Share of the time in which other processes had the server's core. On one core the main thread also waits for
 * the threads of its own process (garbage collection, compilation); what they used is not counted.
 *
 * @param cpu of all threads on that core, in CPU seconds per second; 0 when they had other cores to run on.
 */
function waitShare(first: Reading, last: Reading, cpu: number): number {
  const time = last.at - first.at
  const waited = (last.scheduled.waited - first.scheduled.waited) / time
  const ran = (last.scheduled.ran - first.scheduled.ran) / time
  // The system books a wait when it is over: what began before the measured time may be in it.
  return Math.min(1, Math.max(0, waited - Math.max(0, cpu - ran)))
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
