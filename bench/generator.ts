/** The load generator: `wsload` where it can be built, the program in TypeScript elsewhere. Both print the same line. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Child } from './children.ts'
import { buildNative } from './native.ts'
import { UsageError } from './options.ts'
import { BUILT } from './places.ts'
import type { Scenario } from './scenarios.ts'

export interface Generator {
  kind: 'wsload' | 'ts'
  /** Why it is not `wsload`. */
  why?: string
  command: string
  args: string[]
}

/** One run as the load generator saw it. What it did not measure is not there. */
export interface LoadResult {
  /** Messages, deliveries or handshakes (with their closes) per second of wall-clock time. */
  perSecond?: number
  /** Time from sending to the echo (of a publication: to the last copy; of a handshake: to the 101), in microseconds. */
  p50?: number
  p99?: number
  p999?: number
  /** Of a storm: connections that were open after a second, and seconds until all were. */
  openAfterSecond?: number
  untilAll?: number
  /** Share of the time (0 to 1) in which the load generator waited for the server. */
  loadIdle: number
}

export interface LoadRun {
  scenario: Scenario
  port: number
  seconds: number
  warmup: number
  core: number | undefined
  /** The server sends the bytes back as they are. */
  raw: boolean
  /** Messages a second, of a `latency` scenario; without it they go out as answers come in. */
  rate?: number
  /** Compare every byte that comes back; for a check, not for a measurement. */
  verify?: boolean
  /** Called when the measured time begins and when it is over; connections stay open meanwhile. */
  begin?(): Promise<void>
  end?(): Promise<void>
}

/** @throws {UsageError} when `wsload` was asked for and cannot be had. */
export function chooseGenerator(asked: 'wsload' | 'ts' | undefined): Generator {
  const ts: Generator = { kind: 'ts', command: process.execPath, args: [join(BUILT, 'load.js')] }
  if (asked === 'ts') return { ...ts, why: 'asked for' }
  const built = buildNative('wsload')
  // On a single core a load generator that polls without sleeping would take the server's time.
  const args = availableParallelism() < 2 ? ['--block'] : []
  if ('path' in built) return { kind: 'wsload', command: built.path, args }
  if (asked === 'wsload') throw new UsageError(built.why)
  return { ...ts, why: built.why }
}

/** @throws {Error} when the run ended in an error, or the server sent back what it should not. */
export async function runLoad(generator: Generator, run: LoadRun): Promise<LoadResult> {
  const child = new Child(generator.command, [...generator.args, ...loadArguments(run)], { core: run.core })
  try {
    // Opening a thousand connections may take a while on a slow machine; the load generator itself gives up after 60 s.
    const patience = (run.warmup + run.seconds) * 1e3 + 70_000
    const first = await child.nextLine(patience)
    if (first !== 'begin') throw new Error(first ?? child.complaint)
    await run.begin?.()
    const report = await child.nextLine(patience)
    if (report === undefined) throw new Error(child.complaint)
    await run.end?.()
    return readReport(report)
  } catch (error) {
    throw new Error(`the load generator failed: ${error instanceof Error ? error.message : error}`)
  } finally {
    await child.stop()
  }
}

/**
 * Opens connections that do nothing.
 *
 * @returns what closes them again.
 * @throws {Error} when they cannot all be opened.
 */
export async function holdConnections(
  generator: Generator,
  { port, connections, core }: { port: number; connections: number; core: number | undefined },
): Promise<() => Promise<void>> {
  const child = new Child(
    generator.command,
    [...generator.args, '--idle', String(connections), '127.0.0.1', String(port)],
    { core },
  )
  const ready = await child.nextLine(70_000)
  if (ready === `ready ${connections}`) return () => child.stop()
  await child.stop()
  throw new Error(`the load generator failed: ${ready ?? child.complaint}`)
}

function loadArguments({ scenario, port, seconds, warmup, raw, rate, verify }: LoadRun): string[] {
  const options = ['--marks']
  const { mode, connections, inFlight, payload } = scenario
  if (mode === 'storm') return [...options, '--storm', String(connections), '127.0.0.1', String(port)]
  options.push('--warmup', String(warmup))
  if (mode === 'handshake') {
    return [...options, '--connect', '127.0.0.1', String(port), String(inFlight), String(seconds)]
  }
  options.push(`--${scenario.type}`)
  if (raw) options.push('--raw')
  // `wsload` reads the whole of a long message only when it has to check it.
  if (verify && !raw) options.push('--verify')
  if (mode === 'publish') options.push('--broadcast')
  if (rate !== undefined) options.push('--rate', String(rate))
  return [...options, '127.0.0.1', ...[port, connections, inFlight, payload, seconds].map(String)]
}

/** @throws {Error} when the line tells of errors, or is no report. */
export function readReport(line: string): LoadResult {
  const figures = new Map<string, number>()
  for (const [, key, value] of line.matchAll(/([\w/]+)=([\d.]+)/g)) figures.set(key as string, Number(value))
  const figure = (key: string): number => {
    const value = figures.get(key)
    if (value === undefined) throw new Error(`no ${key} in "${line}"`)
    return value
  }
  const [kind] = line.split(' ')
  const errors = figure('errors')
  const dead = figure(kind === 'connect' ? 'errors' : 'dead')
  const loadIdle = figure('client_idle') / 100
  if (errors > 0) throw new Error(`${errors} wrong answers of the server`)
  if (dead > 0) throw new Error(`the server dropped ${dead} connections`)
  if (kind === 'storm') return { openAfterSecond: figure('open_1s'), untilAll: figure('all_s'), loadIdle }
  const perSecond = figure(kind === 'connect' ? 'closed/s' : 'msgs/s')
  if (perSecond === 0 || /STALLED|NOTHING-RECEIVED/.test(line)) throw new Error('the server stopped sending')
  return { perSecond, p50: figure('p50_us'), p99: figure('p99_us'), p999: figure('p999_us'), loadIdle }
}
