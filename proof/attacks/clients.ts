/** The well-behaved clients: a process of their own. They echo and are published to all the while. Argument: the port. */
import { connect as dial } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CreateConnection, connect, type Socket } from 'heartwire'
import { answer } from '../support/child.ts'
import { Latencies, type LatencySummary } from '../support/latency.ts'
import { monotonic } from '../support/loop-watch.ts'
import { readNews } from './news.ts'

export interface ClientsMark {
  /** Round trips of echoes, in milliseconds. */
  echo: LatencySummary
  /** From publishing to receiving, in milliseconds. */
  news: LatencySummary
}

/** What became of the clients and their messages. */
export interface ClientsReport {
  clients: number
  /** Connections that ended. */
  died: number
  /** How they did, in words. */
  deaths: string[]
  sent: number
  echoed: number
  newsDue: number
  newsReceived: number
  /** Echoes and news that came twice, or in another order than they were sent. */
  disordered: number
  /** A connection of a newcomer was opened and echoed. */
  answers: boolean
}

/** Milliseconds between two messages of a client. */
const INTERVAL = 50
/** The longest that the rest is waited for, in milliseconds. */
const PATIENCE = 10_000

/** Not the attackers' address, where a machine has more than one of its own. */
const localAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'
const createConnection: CreateConnection = ({ host, port }) => dial({ host, port, localAddress })
const url = `ws://127.0.0.1:${process.argv[2]}`
const echoes = new Latencies()
const news = new Latencies()

class Client {
  sent = 0
  echoed = 0
  disordered = 0
  newsFirst = 0
  newsLast = 0
  newsReceived = 0
  death: string | undefined
  private readonly socket: Socket
  private readonly timer: ReturnType<typeof setInterval>

  private constructor(socket: Socket) {
    this.socket = socket
    this.timer = setInterval(() => this.speak(), INTERVAL)
  }

  static async open(): Promise<Client> {
    let client: Client | undefined
    const socket = await connect(`${url}/good`, {
      createConnection,
      message: (_, message) => client?.hear(message),
      close(_, { code, cause }) {
        if (client !== undefined) client.death = `${code}, ${cause}`
      },
    })
    client = new Client(socket)
    return client
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private speak(): void {
    if (this.socket.state !== 'open') return
    this.sent++
    this.socket.send(`${this.sent} ${monotonic()} ${'.'.repeat(40)}`)
  }

  private hear(message: string | Uint8Array): void {
    if (typeof message === 'string') {
      const [number, time] = message.split(' ').map(Number) as [number, number]
      echoes.add(monotonic() - time)
      this.echoed++
      if (number !== this.echoed) this.disordered++
    } else {
      const { number, time } = readNews(message)
      news.add(monotonic() - time)
      if (this.newsReceived === 0) this.newsFirst = number
      else if (number !== this.newsLast + 1) this.disordered++
      this.newsLast = number
      this.newsReceived++
    }
  }
}

const clients: Client[] = []

async function newcomerIsAnswered(): Promise<boolean> {
  try {
    const socket = await connect(`${url}/good`, { createConnection })
    socket.send('there?')
    for await (const message of socket) if (message === 'there?') break
    socket.close()
    return true
  } catch {
    return false
  }
}

answer({
  async open(count: number) {
    for (let i = 0; i < count; i++) {
      clients.push(await Client.open())
      // Not all in the same millisecond.
      await sleep(INTERVAL / count)
    }
  },
  mark: (): ClientsMark => ({ echo: echoes.take(), news: news.take() }),
  stop() {
    for (const client of clients) client.stop()
  },
  /** @param lastNews the number of what was published last */
  async report(lastNews: number): Promise<ClientsReport> {
    const missing = () =>
      clients.some(
        (client) => client.death === undefined && (client.echoed < client.sent || client.newsLast < lastNews),
      )
    for (const start = performance.now(); missing() && performance.now() - start < PATIENCE; ) await sleep(10)
    const sum = (figure: (client: Client) => number) => clients.reduce((total, client) => total + figure(client), 0)
    const deaths = clients.map(({ death }) => death).filter((death) => death !== undefined)
    return {
      clients: clients.length,
      died: deaths.length,
      deaths,
      sent: sum(({ sent }) => sent),
      echoed: sum(({ echoed }) => echoed),
      newsDue: sum(({ newsFirst }) => (newsFirst === 0 ? 0 : lastNews - newsFirst + 1)),
      newsReceived: sum(({ newsReceived }) => newsReceived),
      disordered: sum(({ disordered }) => disordered),
      answers: await newcomerIsAnswered(),
    }
  },
})
