/** Watches the server of a soak and its clients. */
import { setTimeout as delay } from 'node:timers/promises'
import { bytes, count } from '../../bench/table.ts'
import type { Child } from '../support/child.ts'
import type { Random } from '../support/random.ts'
import { Client, type Crowd } from './client.ts'
import type { ServerState } from './protocol.ts'
import { Tally } from './tally.ts'
import { traffic } from './traffic.ts'
import { handlesLeft, inWords, type Sample } from './verdict.ts'

/** Garbage is collected for every so many samples: often enough for a slope, seldom enough not to be the load. */
const COLLECT_EVERY = 5
/** Samples between two lines of progress. */
const PROGRESS_EVERY = 5
/** Milliseconds for sockets of the kernel and timers to go away once the clients have. */
const SETTLE = 15_000

/** The server, the clients, and what is known of both. */
export class Watch {
  readonly tally = new Tally()
  private readonly child: Child
  private readonly random: Random
  private readonly progress: (line: string) => void
  private port = 0

  constructor(child: Child, random: Random, progress: (line: string) => void) {
    this.child = child
    this.random = random
    this.progress = progress
  }

  /** Lets a little traffic pass, so that what is made once is there, and looks at the server when it is over. */
  async before(clients: number): Promise<ServerState> {
    this.port = await this.child.ask<number>('listen')
    const idle = await this.look(true)
    const stop = new AbortController()
    const over = traffic(this.crowd(stop.signal), clients, this.random.fork())
    await delay(2_000)
    stop.abort()
    await over
    return this.settled(idle)
  }

  /** The traffic, with a sample a second, until it is over and the last client is gone. */
  async traffic(clients: number, seconds: number): Promise<Sample[]> {
    const stop = new AbortController()
    const over = traffic(this.crowd(stop.signal), clients, this.random.fork())
    const samples: Sample[] = []
    const { tally } = this
    const start = performance.now()
    let last: Pick<ServerState, 'time' | 'cpu'> = await this.look(false)
    let messages = tally.messages
    tally.latency.take()
    for (let n = 1; n <= seconds; n++) {
      await delay(start + n * 1e3 - performance.now())
      const { ended: _, time, cpu, ...state } = await this.look(n % COLLECT_EVERY === 0 || seconds < 60)
      const elapsed = time - last.time
      const latency = tally.latency.take()
      samples.push({
        ...state,
        at: (performance.now() - start) / 1e3,
        cpu: (cpu - last.cpu) / elapsed,
        perSecond: (tally.messages - messages) / elapsed,
        p50: latency.count === 0 ? undefined : latency.p50,
        p99: latency.count === 0 ? undefined : latency.p99,
      })
      last = { time, cpu }
      messages = tally.messages
      if (n % PROGRESS_EVERY === 0) this.say(n, seconds, samples.at(-1) as Sample)
    }
    stop.abort()
    await over
    return samples
  }

  /** The server when no client is left and its handles are those of `before`, or as they are when that takes too long. */
  settled(before: ServerState): Promise<ServerState> {
    return this.until((state) => inWords(state.handles) === inWords(before.handles) && state.connections === 0)
  }

  private async until(holds: (state: ServerState) => boolean): Promise<ServerState> {
    const deadline = performance.now() + SETTLE
    for (;;) {
      const state = await this.look(true)
      if (holds(state) || performance.now() > deadline) return state
      await delay(100)
    }
  }

  /** Closes the server on a few idle clients, and looks at what is left of it. */
  async close(): Promise<ServerState> {
    const crowd = this.crowd(AbortSignal.abort())
    const clients = await Promise.all(Array.from({ length: 5 }, () => Client.open(crowd, '/echo', () => {})))
    const ends = clients.map((client) => client.closedBy(1001, 'shutdown'))
    await this.child.ask('close')
    await Promise.all(ends)
    return this.until((state) => handlesLeft(state) === 0)
  }

  private crowd(stop: AbortSignal): Crowd {
    return { port: this.port, tally: this.tally, stop }
  }

  private async look(collect: boolean): Promise<ServerState> {
    const state = await this.child.ask<ServerState>('look', collect)
    this.tally.reported(state.ended)
    return { ...state, ended: [] }
  }

  private say(second: number, of: number, sample: Sample): void {
    const { tally } = this
    this.progress(
      [
        `${second}/${Math.floor(of)} s`,
        `${tally.opened} connections, ${sample.connections} open`,
        `${count(sample.perSecond)} messages/s`,
        `p99 ${(sample.p99 ?? 0).toFixed(1)} ms`,
        `RSS ${bytes(sample.rss)}`,
        `wrong ${tally.lost + tally.corrupted + tally.unexpected}`,
      ].join('  '),
    )
  }
}
