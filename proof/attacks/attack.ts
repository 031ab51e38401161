import { setTimeout as sleep } from 'node:timers/promises'
import { type Dial, RawClient } from './raw-client.ts'
import type { Plan } from './scenario.ts'

/** Milliseconds between two turns of an attack that is spread over time. */
const TURN = 5
/** Milliseconds of an attack that are made up for in one turn. */
const MOST_AT_ONCE = 50
/** Milliseconds that answers may come after an attack. */
const PATIENCE = 10_000

/** The attackers of one scenario: their connections, and what they saw. */
export class Attack {
  readonly plan: Plan
  /** How many attackers saw what in the end. */
  readonly outcomes: Record<string, number> = {}
  /** What was done, in the scenario's own unit: frames, handshakes, messages. */
  readonly done: Record<string, number> = {}
  private readonly port: number
  private readonly clients = new Set<RawClient>()
  private readonly ended: Promise<void>[] = []
  private readonly start = performance.now()
  private readonly serverDid: Promise<void>

  /** @param serverDid resolves when the server has done what the attack may wait for, or has not for too long */
  constructor(port: number, plan: Plan, serverDid: Promise<void>) {
    this.port = port
    this.plan = plan
    this.serverDid = serverDid
  }

  /** Whether the time of the attack is over. */
  get over(): boolean {
    return performance.now() - this.start >= this.plan.seconds * 1e3
  }

  /** Resolves when the time of the attack is over. */
  async untilOver(): Promise<void> {
    const left = this.plan.seconds * 1e3 - (performance.now() - this.start)
    if (left > 0) await sleep(left)
  }

  /** Resolves when the time is over, and the server has done what is waited for: see `Scenario.isEnough`. */
  async enough(): Promise<void> {
    await this.untilOver()
    await this.serverDid
  }

  /** Opens a connection. All of them come from one address, which is not the one of the well-behaved clients. */
  dial(options: Dial = {}): RawClient {
    const client = new RawClient(this.port, options)
    this.clients.add(client)
    this.ended.push(
      client.ended.then((outcome) => {
        this.clients.delete(client)
        this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
      }),
    )
    return client
  }

  did(what: string, count = 1): void {
    this.done[what] = (this.done[what] ?? 0) + count
  }

  /**
   * Does something `total` times, evenly over a share of the attack's time. What a process that was not scheduled has missed
   * is not made up for all at once: it takes longer, but no more than three times as long.
   */
  async spread(total: number, step: (index: number) => void, share = 1): Promise<void> {
    const time = this.plan.seconds * 1e3 * share
    // The first one is due now.
    let due = 1
    let last = performance.now()
    const end = last + 3 * time
    for (let done = 0; done < total && last < end; ) {
      while (done < Math.min(due, total)) step(done++)
      await sleep(TURN)
      const now = performance.now()
      due += (Math.min(now - last, MOST_AT_ONCE) / time) * total
      last = now
    }
  }

  /** Waits until each of these has had an answer to its handshake. */
  answered(clients: readonly RawClient[]): Promise<void> {
    return this.until(() => clients.every((client) => client.answered))
  }

  /** Waits until every connection has ended. What has not in time is cut, and so told as it was. */
  async finish(): Promise<void> {
    await this.until(() => this.clients.size === 0)
    for (const client of this.clients) client.cut()
    await Promise.all(this.ended)
  }

  private async until(holds: () => boolean): Promise<void> {
    for (const start = performance.now(); !holds() && performance.now() - start < PATIENCE; ) await sleep(TURN)
  }
}
