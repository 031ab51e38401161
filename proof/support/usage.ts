/** What a process uses of CPU and memory, and how late its event loop is. It measures itself, so it works everywhere. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

export interface Usage {
  /** CPU time since the last mark, all threads, user and system: 1 is one core, all the time. */
  cpu: number
  /** Seconds since the last mark. */
  seconds: number
  /** Resident memory now, and the most there has been since the process began, in bytes. */
  rss: number
  peakRss: number
  /** How late the event loop came to its timers since the last mark, in milliseconds. */
  loopDelay: { p99: number; max: number }
}

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 5

/** Measures the process that it is in, from mark to mark. */
export class UsageMeter {
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  private time = process.hrtime.bigint()
  private cpu = process.cpuUsage()

  constructor() {
    this.loop.enable()
  }

  /** What was used since the last mark; the next one counts from here. */
  mark(): Usage {
    const time = process.hrtime.bigint()
    const seconds = Number(time - this.time) / 1e9
    const { user, system } = process.cpuUsage(this.cpu)
    // Node counts from one look to the next, so an idle loop has its resolution.
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION)
    const loopDelay = { p99: late(this.loop.percentile(99)), max: late(this.loop.max) }
    this.time = time
    this.cpu = process.cpuUsage()
    this.loop.reset()
    return {
      cpu: (user + system) / 1e6 / seconds,
      seconds,
      rss: process.memoryUsage.rss(),
      // In KiB, on every system that Node is for.
      peakRss: process.resourceUsage().maxRSS * 1024,
      loopDelay,
    }
  }
}
