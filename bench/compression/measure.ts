/** Runs the contestants: for each size a check of all answers, then interleaved rounds; then memory. */
import { Latency } from '../load/latency.ts'
import type { Pinning } from '../machine.ts'
import { FIRST, restingMemory } from '../memory.ts'
import { type Reading, read, spent } from '../reading.ts'
import { runRounds } from '../rounds.ts'
import type { ServerProcess } from '../server-process.ts'
import { pairedRatios, type Spread, spread } from '../stats.ts'
import { type Contestant, HELD, type Size } from './contestants.ts'
import { LoadProcess } from './load-process.ts'
import type { Options } from './options.ts'
import type { EchoResult, EchoSample, Failure, MemoryResult } from './report.ts'
import { checkAgreed, startServer } from './servers.ts'

export interface Setup {
  options: Options
  pinning: Pinning | undefined
  /** Called with what is being done. */
  progress(line: string): void
}

/** Connections of the check before the rounds. */
const CHECKED = 5

export async function measureEcho(
  size: Size,
  contestants: readonly Contestant[],
  setup: Setup,
): Promise<{ results: EchoResult[]; failures: Failure[] }> {
  const { rounds, connections, amount, seed } = setup.options
  const times = (count: number) => Math.max(1, Math.round(count * amount))
  const run = { bytes: size.bytes, seed, connections, warmup: times(size.warmup), messages: times(size.messages) }
  const check = { ...run, connections: Math.min(CHECKED, connections), warmup: 0, messages: times(size.messages / 4) }
  const agreements = new Map<string, string>()
  const load = new LoadProcess(setup.pinning?.load)
  try {
    const { samples, failures } = await interleave<EchoSample>(size.label, contestants, rounds, setup, {
      check: (contestant) =>
        withServer(contestant, setup, async ({ ready: { port } }) => {
          const { agreed } = await load.echo({ ...check, port, verify: true })
          checkAgreed(contestant, agreed)
          agreements.set(contestant.name, agreed)
          await load.release()
        }),
      round: (contestant) =>
        withServer(contestant, setup, async (server) => {
          const readings: Reading[] = []
          const note = async () => void readings.push(await read(server))
          const measured = await load.echo(
            { ...run, port: server.ready.port, verify: false },
            { begin: note, end: note },
          )
          await load.release()
          const [first, last] = readings as [Reading, Reading]
          const { cpu, wait } = spent(first, last, setup.pinning !== undefined)
          const { messages, seconds, toServer, toClient, plain, compressed, idle } = measured
          const latency = new Latency()
          latency.merge(measured.latency)
          const perSecond = messages / seconds
          return {
            perCpuSecond: perSecond / cpu,
            perSecond,
            cpu,
            wait,
            p50: latency.quantile(0.5),
            p99: latency.quantile(0.99),
            toServer: toServer / messages,
            toClient: toClient / messages,
            ratio: plain / toClient,
            compressed: compressed / messages,
            loadIdle: idle,
          }
        }),
    })
    const perCpu = (list: EchoSample[]) => list.map(({ perCpuSecond }) => perCpuSecond)
    const results = [...samples].map(([contestant, list]) => ({
      ...contestant,
      agreed: agreements.get(contestant.name) ?? '',
      samples: list,
      summary: summarize(list),
      ...toWs(contestant, samples, perCpu),
    }))
    return { results, failures }
  } finally {
    await load.stop()
  }
}

export async function measureMemory(
  contestants: readonly Contestant[],
  setup: Setup,
): Promise<{ results: MemoryResult[]; failures: Failure[] }> {
  const { memoryRounds, held, seed } = setup.options
  const agreements = new Map<string, string>()
  const round = (contestant: Contestant) =>
    withServer(contestant, setup, async (server) => {
      const load = new LoadProcess(setup.pinning?.load)
      try {
        const command = { ...HELD, seed, port: server.ready.port }
        const agreed = await load.hold({ ...command, connections: FIRST })
        checkAgreed(contestant, agreed)
        agreements.set(contestant.name, agreed)
        const before = await restingMemory(server)
        await load.hold({ ...command, connections: held })
        return ((await restingMemory(server)) - before) / held
      } finally {
        await load.stop()
      }
    })
  const { samples, failures } = await interleave<number>('memory', contestants, memoryRounds, setup, { round })
  const results = [...samples].map(([contestant, list]) => ({
    ...contestant,
    agreed: agreements.get(contestant.name) ?? '',
    samples: list,
    summary: spread(list),
    ...toWs(contestant, samples, (values) => values),
  }))
  return { results, failures }
}

/** A fresh server for a single run. */
async function withServer<T>(
  contestant: Contestant,
  setup: Setup,
  run: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await startServer(contestant, setup.pinning?.server)
  try {
    return await run(server)
  } finally {
    await server.stop()
  }
}

/** The rounds of a part of the benchmark. */
async function interleave<Sample>(
  part: string,
  contestants: readonly Contestant[],
  rounds: number,
  setup: Setup,
  run: { check?(contestant: Contestant): Promise<void>; round(contestant: Contestant): Promise<Sample> },
): Promise<{ samples: Map<Contestant, Sample[]>; failures: Failure[] }> {
  const progress = ({ name }: Contestant, what: string) => setup.progress(`${part}  ${name}  ${what}`)
  const { samples, failures } = await runRounds<Contestant, Sample>(contestants, rounds, { ...run, progress })
  return { samples, failures: failures.map(({ contestant: { name }, error }) => ({ part, name, error })) }
}

/** The ratio to `ws` in the same mode, where there is one. */
function toWs<Sample>(
  { server, mode }: Contestant,
  samples: ReadonlyMap<Contestant, Sample[]>,
  figure: (list: Sample[]) => number[],
): { toWs?: Spread } {
  const of = (wanted: Contestant['server']) => {
    for (const [contestant, list] of samples) {
      if (contestant.server === wanted && contestant.mode === mode) return figure(list)
    }
    return undefined
  }
  const [own, base] = [of(server), of('ws')]
  return server === 'ws' || own === undefined || base === undefined ? {} : { toWs: spread(pairedRatios(own, base)) }
}

function summarize(samples: readonly EchoSample[]): Record<keyof EchoSample, Spread> {
  const of = (key: keyof EchoSample) => spread(samples.map((sample) => sample[key]))
  return {
    perCpuSecond: of('perCpuSecond'),
    perSecond: of('perSecond'),
    cpu: of('cpu'),
    wait: of('wait'),
    p50: of('p50'),
    p99: of('p99'),
    toServer: of('toServer'),
    toClient: of('toClient'),
    ratio: of('ratio'),
    compressed: of('compressed'),
    loadIdle: of('loadIdle'),
  }
}
