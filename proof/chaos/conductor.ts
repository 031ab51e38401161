/** Runs the connections: a process with all servers' ends, one with all clients', and the proxy in this one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Child } from '../support/child.ts'
import { LoopWatch } from '../support/loop-watch.ts'
import { type Evidence, judge } from './judge.ts'
import type { EndReport } from './party.ts'
import { connectionRandom, type End, type Plan, type PlanSettings, planConnection } from './plan.ts'
import { FaultProxy, type Passage, type ProxyReport } from './proxy.ts'
import type { Resources } from './resources.ts'
import { CLOSE_TIMEOUT } from './settings.ts'
import { Tally } from './tally.ts'

/** Milliseconds that a connection may take in all; after that there is something that never ends. */
const LONGEST = 60_000

/** Milliseconds between the first connections. */
const BETWEEN = 10

/** What did not hold, and where. */
export interface Violation {
  connection: number | undefined
  plan: string | undefined
  wrong: string
}

export class Conductor {
  readonly tally = new Tally()
  private readonly settings: PlanSettings
  private readonly violated: (wrong: string, plan?: Plan) => void
  private readonly watch = new LoopWatch()
  private readonly clients: Child
  private readonly server: Child
  private readonly proxied = new Map<number, (report: ProxyReport) => void>()
  private proxy: FaultProxy | undefined
  private port = 0

  /** @param violated called for everything that did not hold */
  constructor(settings: PlanSettings, violated: (wrong: string, plan?: Plan) => void) {
    this.settings = settings
    this.violated = violated
    const file = fileURLToPath(
      new URL(`end${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
    )
    const { seed, faults, interval, timeout } = settings
    const json = JSON.stringify({ seed, faults, interval, timeout })
    this.clients = new Child(file, ['client', json])
    this.server = new Child(file, ['server', json])
  }

  async start(): Promise<void> {
    this.proxy = new FaultProxy({
      target: await this.server.ask<number>('port'),
      plan: (first) => this.passage(first),
      ended: (report) => {
        this.proxied.get(report.connection)?.(report)
        this.proxied.delete(report.connection)
      },
    })
    this.port = await this.proxy.listen()
  }

  async stop(): Promise<void> {
    this.watch.stop()
    await Promise.all([this.proxy?.close(), this.clients.stop(), this.server.stop()])
  }

  /** Makes connections with these numbers, so many at a time, for as long as `goesOn` says; resolves when all have ended. */
  async run(numbers: Iterator<number>, concurrency: number, goesOn: () => boolean): Promise<void> {
    const oneAfterTheOther = async (_: unknown, index: number) => {
      // All of them at once would be a load of its own.
      await sleep(index * BETWEEN)
      while (goesOn()) {
        const { value, done } = numbers.next()
        if (done) return
        await this.connection(value)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, oneAfterTheOther))
  }

  /** What both ends hold when all connections have ended. */
  async resources(): Promise<Record<End, Resources>> {
    // The deadlines that the last connections had.
    await sleep(CLOSE_TIMEOUT + 500)
    const [client, server] = await Promise.all([this.resourcesOf(this.clients), this.resourcesOf(this.server)])
    return { client, server }
  }

  private async resourcesOf(child: Child): Promise<Resources> {
    const open = await child.ask<number>('open')
    if (open > 0) this.violated(`${child === this.server ? 'server' : 'client'}: ${open} sockets are still there`)
    for (const wrong of await child.ask<string[]>('late')) this.violated(wrong)
    return child.ask<Resources>('resources')
  }

  private passage(first: Buffer): Passage {
    const connection = Number(/^GET \/\w+\/(\d+) /.exec(first.toString('latin1', 0, 100))?.[1])
    return {
      connection,
      trouble: planConnection(this.settings, connection),
      random: connectionRandom(this.settings.seed, -connection),
    }
  }

  private async connection(connection: number): Promise<void> {
    const plan = planConnection(this.settings, connection)
    const abort = new AbortController()
    const tooLong = sleep(LONGEST, undefined, { signal: abort.signal }).catch(() => undefined)
    const inTime = <T>(report: Promise<T>) => Promise.race([report, tooLong])
    const [client, server, proxy] = await Promise.all([
      inTime(this.clients.ask<EndReport>('connect', { connection, port: this.port })),
      inTime(this.server.ask<EndReport>('report', connection)),
      inTime(new Promise<ProxyReport>((resolve) => this.proxied.set(connection, resolve))),
    ])
    abort.abort()
    const from = Math.min(client?.openedAt ?? 0, server?.openedAt ?? 0)
    const evidence: Evidence = { client, server, proxy, proxyStalls: this.watch.since(from) }
    const verdict = judge(plan, this.settings, evidence)
    for (const wrong of verdict.wrong) this.violated(wrong, plan)
    this.tally.add(plan, evidence, verdict)
  }
}
