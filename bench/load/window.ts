/** The measured time of a run: a warm-up, the line `begin`, the measured time, a report line. */
import { performance } from 'node:perf_hooks'

export interface Measured {
  /** How long it was in fact. */
  seconds: number
  /** Share of the measured time (0 to 1) in which the load generator had nothing to do. */
  idle: number
  /** Share of the measured time (0 to 1) that the load generator's process spent on a CPU. */
  cpu: number
}

/** Seconds that the measured time goes on at most when nothing has come in it. */
const LATE = 10

/**
 * Waits for the warm-up, calls `reset`, says `begin`, and waits for the measured time. On a crowded machine nothing may
 * have come in so short a time: it goes on until `some` says that something has.
 */
export async function measuredTime(
  warmup: number,
  seconds: number,
  { reset, some }: { reset(): void; some(): boolean },
): Promise<Measured> {
  await delay(warmup)
  reset()
  process.stdout.write('begin\n')
  const start = performance.now()
  const loop = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  await delay(seconds)
  while (!some() && performance.now() - start < (seconds + LATE) * 1e3) await delay(0.01)
  const elapsed = performance.now() - start
  const used = process.cpuUsage(cpu)
  const { utilization } = performance.eventLoopUtilization(loop)
  return { seconds: elapsed / 1e3, idle: 1 - utilization, cpu: (used.user + used.system) / 1e3 / elapsed }
}

/** Prints the report and holds the connections until the caller says something or goes, 2 s at most. */
export async function reportAndHold(line: string): Promise<void> {
  process.stdout.write(`${line}\n`)
  await Promise.race([
    delay(2),
    new Promise<void>((resolve) => {
      process.stdin.once('data', () => resolve())
      process.stdin.once('end', () => resolve())
    }),
  ])
}

function delay(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1e3))
}
