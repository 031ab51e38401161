/** Runs a workload, and says where the time of the server's process went. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from '../children.ts'
import { type Generator, runLoad } from '../generator.ts'
import type { Pinning } from '../machine.ts'
import { buildNative } from '../native.ts'
import { BUILT } from '../places.ts'
import type { Scenario } from '../scenarios.ts'
import { ServerProcess } from '../server-process.ts'
import { readCpuProfile } from './cpu-profile.ts'
import { NODE_OPTIONS, readRecord, recordCommand, whyNoPerf } from './perf.ts'
import { currentMap } from './perf-map.ts'
import type { Stack } from './tree.ts'

export interface Profiler {
  kind: 'perf' | 'cpu-prof'
  /** Why it is not perf. */
  why?: string
}

export interface Setup {
  profiler: Profiler
  generator: Generator
  pinning: Pinning | undefined
  /** Recorded time. */
  seconds: number
  /** Load before it. */
  warmup: number
}

/** Microseconds between two samples of V8's. */
const INTERVAL = 250
/** Milliseconds in which V8, or perf, has written what there is. */
const GRACE = 20_000

/** perf where it can be used: it has C, C++ and the kernel in the stacks as well. */
export function chooseProfiler(asked: 'perf' | 'cpu-prof' | undefined): Profiler {
  if (asked === 'cpu-prof') return { kind: 'cpu-prof', why: 'asked for' }
  if (process.platform !== 'linux') return { kind: 'cpu-prof', why: 'perf needs Linux' }
  const why = inDirectory((directory) => whyNoPerf(join(directory, 'perf.data')))
  return why === undefined ? { kind: 'perf' } : { kind: 'cpu-prof', why }
}

/** @throws {Error} when the server, the load or the profiler fails */
export async function record(scenario: Scenario, setup: Setup): Promise<Stack[]> {
  const directory = mkdtempSync(join(tmpdir(), 'heartwire-flame-'))
  try {
    return await (setup.profiler.kind === 'perf' ? withPerf : withCpuProf)(scenario, setup, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function withPerf(scenario: Scenario, setup: Setup, directory: string): Promise<Stack[]> {
  const file = join(directory, 'perf.data')
  const preload = buildNative('flame_preload')
  const env = 'path' in preload ? { LD_PRELOAD: preload.path } : {}
  const server = await start(scenario, setup, NODE_OPTIONS, env)
  const { pid } = server.ready
  // Where V8 writes it, and perf looks for it.
  const map = `/tmp/perf-${pid}.map`
  const [command, ...args] = recordCommand(pid, file)
  const perf = new Child(command, args)
  try {
    const from = await load(scenario, setup, server)
    await server.stop()
    // It ends with the server, and prints nothing.
    await perf.nextLine(GRACE)
    writeFileSync(map, currentMap(readFileSync(map, 'latin1')), 'latin1')
    return readRecord(file, from, from + setup.seconds * 1e6)
  } finally {
    await server.stop()
    await perf.stop()
    rmSync(map, { force: true })
  }
}

async function withCpuProf(scenario: Scenario, setup: Setup, directory: string): Promise<Stack[]> {
  const flags = ['--cpu-prof', '--cpu-prof-dir', directory, '--cpu-prof-interval', String(INTERVAL)]
  const server = await start(scenario, setup, flags)
  let from: number
  try {
    from = await load(scenario, setup, server)
  } finally {
    await server.stop(GRACE)
  }
  const [name] = readdirSync(directory)
  if (name === undefined) throw new Error('Node has written no profile.')
  return readCpuProfile(JSON.parse(readFileSync(join(directory, name), 'utf8')), from, from + setup.seconds * 1e6)
}

/** Puts the server under load. Returns when the time began that is of interest. */
async function load(scenario: Scenario, setup: Setup, server: ServerProcess): Promise<number> {
  let from = 0
  await runLoad(setup.generator, {
    scenario,
    port: server.ready.port,
    warmup: setup.warmup,
    seconds: setup.seconds,
    core: setup.pinning?.load,
    raw: false,
    async begin() {
      from = microseconds()
    },
  })
  return from
}

function start(
  { mode }: Scenario,
  { pinning }: Setup,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ServerProcess> {
  const work = mode === 'publish' || mode === 'handshake' ? mode : 'echo'
  const args = [...flags, join(BUILT, 'servers', 'heartwire.js'), 'native', work, 'sync', 'off']
  return ServerProcess.over('heartwire', new Child(process.execPath, args, { core: pinning?.server, env }))
}

/** By the monotonic clock of the system, which V8 and perf have as well. */
function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

function inDirectory<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'heartwire-flame-'))
  try {
    return work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
