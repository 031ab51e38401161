/** Measures one server: opens all clients, and publishes at each rate. */
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Latency } from '../../bench/load/latency.ts'
import { allowedCores, choosePinning } from '../../bench/machine.ts'
import { Child } from '../support/child.ts'
import type { Options } from './options.ts'
import type { OpenOrder, Published, PublishOrder, Received, ServerState } from './protocol.ts'
import type { ModeResult, RateResult } from './report.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
/** Seconds of publishing before the measured time, in which V8 compiles what is hot. */
const WARMUP = 3
/** Milliseconds in which nothing may arrive before what has not is missed. */
const SILENCE = 5_000

export async function measureMode(
  mode: 'plain' | 'tls',
  options: Options,
  progress: (line: string) => void,
): Promise<ModeResult> {
  const { clients, topics, seconds, payload, stuck, overflow } = options
  const cores = placement()
  const server = new Child(join(HERE, 'server.js'), [mode, overflow], { flags: ['--expose-gc'], cores: cores?.server })
  const loads = Array.from(
    { length: options.processes },
    () => new Child(join(HERE, 'load.js'), [], { cores: cores?.load }),
  )
  try {
    const port = await server.ask<number>('listen')
    const empty = await server.ask<ServerState>('look', true)
    progress(`${mode}: opening ${clients} connections`)
    const start = performance.now()
    await openAll(loads, { port, tls: mode === 'tls', topics, stuck }, clients)
    const connectSeconds = (performance.now() - start) / 1e3
    const connected = await server.ask<ServerState>('look', true)
    const plan = { topics, seconds, payload }

    const rates: RateResult[] = []
    // The plan begins anew with the first topic each time, and its messages are numbered on.
    await publish(server, loads, { ...plan, rate: options.rates[0] ?? 1, seconds: Math.min(WARMUP, seconds) })
    for (const rate of options.rates) {
      progress(`${mode}: ${rate} messages a second for ${seconds} s`)
      rates.push(await publish(server, loads, { ...plan, rate }))
    }
    const end = await server.ask<ServerState>('look', false)
    return {
      mode,
      connectSeconds,
      connectCpu: connected.cpu - empty.cpu,
      emptyRss: empty.rss,
      connectedRss: connected.rss,
      heapPerConnection: (connected.heap - empty.heap) / clients,
      externalPerConnection: (connected.external - empty.external) / clients,
      rates,
      connections: end.connections,
      causes: end.causes,
      stuckBuffered: end.stuckBuffered,
      stuckMost: end.stuckMost,
    }
  } finally {
    await Promise.all([server, ...loads].map((child) => child.stop()))
  }
}

/** The server has the first core and its clients the others; undefined where that cannot be, or there is only one. */
function placement(): { server: number[]; load: number[] } | undefined {
  const pinning = choosePinning()
  if (pinning === undefined) return undefined
  return { server: [pinning.server], load: allowedCores().filter((core) => core !== pinning.server) }
}

async function openAll(loads: readonly Child[], order: Omit<OpenOrder, 'from' | 'to'>, clients: number): Promise<void> {
  const share = (i: number) => Math.floor((i * clients) / loads.length)
  await Promise.all(
    loads.map((load, i) => load.ask('open', { ...order, from: share(i), to: share(i + 1) } satisfies OpenOrder)),
  )
}

/** One measured time, from the first message that is published to the last one that arrives. */
async function publish(server: Child, loads: readonly Child[], order: PublishOrder): Promise<RateResult> {
  await takeAll(loads)
  const before = await server.ask<ServerState>('look', false)
  const start = performance.now()
  const published = await server.ask<Published>('publish', order)
  const tookSeconds = await arrived(loads, published.deliveries, start)
  const after = await server.ask<ServerState>('look', false)
  const received = await takeAll(loads)
  const sum = (key: 'deliveries' | 'wrong' | 'dead') => received.reduce((total, one) => total + one[key], 0)
  const latency = new Latency()
  for (const one of received) latency.merge(one.latencies)
  const cpu = after.cpu - before.cpu
  return {
    ...order,
    published: published.messages,
    expected: published.deliveries,
    received: sum('deliveries'),
    wrong: sum('wrong'),
    dead: sum('dead'),
    tookSeconds,
    late: published.late,
    p50: latency.quantile(0.5) / 1e3,
    p99: latency.quantile(0.99) / 1e3,
    longest: Math.max(...received.map(({ longest }) => longest)),
    cpu: cpu / (after.time - before.time),
    cpuPerDelivery: (cpu / published.deliveries) * 1e6,
    rss: after.rss,
    loadIdle: Math.min(...received.map(({ idle }) => idle)),
  }
}

/** Waits until all have arrived, or nothing does any more. Resolves to the seconds since `start`. */
async function arrived(loads: readonly Child[], expected: number, start: number): Promise<number> {
  let before = -1
  let since = performance.now()
  for (;;) {
    const counts = await Promise.all(loads.map((load) => load.ask<number>('count')))
    const count = counts.reduce((sum, one) => sum + one, 0)
    const now = performance.now()
    if (count >= expected) return (now - start) / 1e3
    if (count !== before) since = now
    else if (now - since > SILENCE) return (since - start) / 1e3
    before = count
    await delay(20)
  }
}

function takeAll(loads: readonly Child[]): Promise<Received[]> {
  return Promise.all(loads.map((load) => load.ask<Received>('take')))
}
