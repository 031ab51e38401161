/** What a figure depends on besides the code: the machine, and where the processes run on it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { PROJECT } from './places.ts'

export interface Machine {
  cpu: string
  cores: number
  /** In bytes. */
  memory: number
  /** Name and release of the kernel. */
  kernel: string
  arch: string
  /** Average number of runnable processes in the minute before the benchmark: above 0, the machine was not idle. */
  load: number
}

/** Core numbers. */
export interface Pinning {
  server: number
  load: number
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    kernel: `${type()} ${release()}`,
    arch: arch(),
    load: loadavg()[0] ?? 0,
  }
}

/** A core for the server and one for the load, or `undefined` without `taskset` or a second core. */
export function choosePinning(): Pinning | undefined {
  if (spawnSync('taskset', ['-V']).status !== 0) return undefined
  const [server, load] = allowedCores()
  return server === undefined || load === undefined ? undefined : { server, load }
}

/** The cores this process may run on; in a container these need not begin at 0. */
export function allowedCores(): number[] {
  try {
    return parseCoreList(/^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '')
  } catch {
    return []
  }
}

/** What became of the time of a process's main thread since it began, in seconds. */
export interface Scheduled {
  /** It ran. */
  ran: number
  /** It was ready to run, and something else had its core. */
  waited: number
}

/** @returns zeros where the system does not say. */
export function scheduled(pid: number): Scheduled {
  try {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8')
      .split(' ')
      .map((nanoseconds) => Number(nanoseconds) / 1e9)
    return { ran, waited }
  } catch {
    return { ran: 0, waited: 0 }
  }
}

/** Reads a list such as `0-3,8`. */
export function parseCoreList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map((core) => Number.parseInt(core, 10))
    return Number.isNaN(from) ? [] : Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** The commit that is measured, with a plus sign when files differ from it; `undefined` outside a repository. */
export function describeCommit(): string | undefined {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: PROJECT, encoding: 'utf8' })
  const commit = git('rev-parse', '--short', 'HEAD')
  if (commit.status !== 0) return undefined
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.trim() !== ''
  return commit.stdout.trim() + (changed ? '+' : '')
}

/** The versions that a server reports, with the commit beside heartwire's. */
export function withCommit(found: Record<string, string>, commit: string | undefined): Record<string, string> {
  if (found.heartwire === undefined || commit === undefined) return found
  return { ...found, heartwire: `${found.heartwire} (${commit})` }
}
