import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { Errors } from './errors.ts'
import { firstOf, Latch } from './latch.ts'
import type { Plan, Share } from './plan.ts'
import { Pool } from './pool.ts'
import type { Effort, Outcome, Progress } from './tally.ts'
import { Traffic } from './traffic.ts'

/** The load of one process: `open`, `run`, `close`, one after the other. */
export class Load {
  private readonly plan: Plan
  private readonly errors = new Errors()
  private readonly pool: Pool
  private readonly traffic: Traffic
  private readonly stopped = new Latch()
  private readonly allLost = new Latch()
  private isStopped = false

  /** How hard this process works, from when counting began. */
  private loop: EventLoopUtilization = performance.eventLoopUtilization()
  private cpu = process.cpuUsage()
  private milliseconds = 0
  private effort: Effort = { utilization: 0, cpu: 0, memory: 0 }

  constructor(plan: Plan, share: Share) {
    this.plan = plan
    this.pool = new Pool(plan, share, this.errors, {
      opened: (connection) => this.traffic.opened(connection),
      message: (connection, message, type) => this.traffic.received(connection, message, type),
      lost: (connection) => {
        this.traffic.lost(connection)
        if (this.pool.state.alive === 0) this.allLost.open()
      },
    })
    this.traffic = new Traffic(plan, share, this.pool.connections, this.errors)
  }

  /** Opens the connections; resolves when each is open or has failed. */
  async open(): Promise<void> {
    // Who only listens may be told things from the beginning.
    if (this.plan.mode === 'listen' && this.plan.warmUp === 0) this.count()
    await this.pool.open()
  }

  /** Sends for as long as was planned, and waits for the last answers. */
  async run(): Promise<void> {
    const { plan, pool, traffic, stopped, allLost } = this
    if (pool.state.alive === 0) allLost.open()
    if (plan.warmUp > 0 && !this.isStopped) {
      traffic.begin()
      await firstOf(plan.warmUp, stopped, allLost)
    }
    if (traffic.since === Number.POSITIVE_INFINITY) this.count()
    if (!this.isStopped) {
      traffic.begin()
      traffic.checkFinished()
      await firstOf(plan.duration, stopped, allLost, traffic.finished)
    }
    const ended = performance.now()
    traffic.end()
    this.measure(ended)
    await firstOf(plan.timeout, traffic.finished, allLost)
    this.milliseconds = Math.max(ended, traffic.lastReceived) - traffic.since
    traffic.abandon()
  }

  /** Ends it before its time: nothing more is opened or sent. */
  stop(): void {
    this.isStopped = true
    this.pool.giveUp()
    this.stopped.open()
  }

  /** Closes the connections, and says what came of it all. */
  async close(): Promise<Outcome> {
    const { pool, traffic, errors, milliseconds, effort } = this
    const connections = { ...pool.state }
    await pool.close()
    traffic.latency.add(traffic.recent)
    return {
      connections,
      counts: traffic.counts,
      errors: errors.list,
      milliseconds,
      latency: traffic.latency.data,
      handshake: pool.handshake.data,
      lateness: traffic.lateness.data,
      efforts: [effort],
    }
  }

  /** What happened since the last look, and how things are. */
  progress(): Progress {
    const { pool, traffic, errors } = this
    const latency = traffic.recent.data
    traffic.latency.add(traffic.recent)
    traffic.recent.reset()
    const { sentEver: sent, receivedEver: received } = traffic
    return { connections: { ...pool.state }, sent, received, errors: errors.list, latency }
  }

  private count(): void {
    this.traffic.count()
    this.loop = performance.eventLoopUtilization()
    this.cpu = process.cpuUsage()
  }

  private measure(ended: number): void {
    const { user, system } = process.cpuUsage(this.cpu)
    const milliseconds = ended - this.traffic.since
    this.effort = {
      utilization: performance.eventLoopUtilization(this.loop).utilization,
      cpu: milliseconds > 0 ? (user + system) / 1e3 / milliseconds : 0,
      memory: process.memoryUsage.rss(),
    }
  }
}
