/** Profiles by perf, the kernel's profiler: JavaScript, C, C++ and the kernel in one stack. */
import { spawnSync } from 'node:child_process'
import { type Code, framesOf } from './frames.ts'
import type { Stack } from './tree.ts'

/** Times a second; not a divisor of what happens at even times. */
const RATE = 1999
const MOST_OUTPUT = 2 ** 30

/** What Node needs so that perf knows what is compiled at which address, and interpreted functions by name. */
export const NODE_OPTIONS = ['--perf-basic-prof', '--interpreted-frames-native-stack', '--no-compact-code-space']

/** What to run to have a process recorded until it ends. */
export function recordCommand(pid: number, file: string): [command: string, ...args: string[]] {
  return ['perf', 'record', '-q', '-F', String(RATE), '-g', '-k', 'CLOCK_MONOTONIC', '-p', String(pid), '-o', file]
}

/** @returns why perf cannot be used, if it cannot. */
export function whyNoPerf(file: string): string | undefined {
  const { status, stderr } = spawnSync('perf', ['record', '-q', '-g', '-o', file, '--', 'true'], { encoding: 'utf8' })
  if (status === 0) return undefined
  return status === null ? 'perf is not installed' : `perf: ${stderr.trim().split('\n')[0]}`
}

/**
 * What was recorded in a time of the monotonic clock, in microseconds.
 * @throws {Error} when perf cannot read it
 */
export function readRecord(file: string, from: number, to: number): Stack[] {
  const { status, stdout, stderr } = spawnSync('perf', ['script', '-i', file, '-F', 'pid,tid,time,ip,sym,dso'], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
  })
  if (status !== 0) throw new Error(`perf cannot read what it has recorded: ${stderr}`)
  return parseScript(stdout, from, to)
}

/** Reads what `perf script` prints: for each sample a line with process, thread and time, then its frames, innermost first. */
export function parseScript(text: string, from: number, to: number): Stack[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const [head = '', ...lines] = block.trim().split('\n')
    const [, pid, tid, seconds] = /^(\d+)\/(\d+)\s+([\d.]+):/.exec(head) ?? []
    const time = Number(seconds) * 1e6
    if (!(time >= from && time <= to)) return []
    const codes = lines.flatMap((line): Code[] => {
      const [, name, file] = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line) ?? []
      return name === undefined || file === undefined ? [] : [{ name: name.replace(/\+0x[0-9a-f]+$/, ''), file }]
    })
    return codes.length === 0 ? [] : [{ frames: framesOf(codes.reverse(), pid === tid), weight: 1 }]
  })
}
