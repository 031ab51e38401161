/** The server that is attacked: a process of its own. Arguments: the scenario's name, and the plan as JSON. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type CloseInfo, createServer, type ServerSocket } from 'heartwire'
import { answer } from '../support/child.ts'
import { type Usage, UsageMeter } from '../support/usage.ts'
import { writeNews } from './news.ts'
import type { Plan } from './scenario.ts'
import { findScenario } from './scenarios.ts'

/** What the server says of itself. */
export interface ServerMark extends Usage {
  /** Sockets that are there: open or closing. */
  sockets: number
  /** How the attackers' connections ended, as heartwire tells it: code sent, cause, and how many. */
  closes: Record<string, number>
  /** Lines that were logged. */
  logged: number
}

const NEWS = 'news'
/** Milliseconds between two batches of news. */
const EDITION = 20

const scenario = findScenario(process.argv[2])
const plan = JSON.parse(process.argv[3] ?? '') as Plan
const limits = scenario.limits?.(plan) ?? {}
const forStrangers = scenario.forStrangers?.(plan) ?? {}
const hookTakes = scenario.upgradeTakes?.(plan)
const { perSecond, size } = scenario.news?.(plan) ?? { perSecond: 20, size: 64 }

const closes: Record<string, number> = {}
let logged = 0

/** For the attackers: their messages are echoed, and it is counted how they end. */
const attacked = {
  message: (socket: ServerSocket, message: string | Uint8Array) => void socket.send(message),
  close(_socket: ServerSocket, { sent, cause }: CloseInfo) {
    const end = `${sent ?? 'nothing sent'}, ${cause}`
    closes[end] = (closes[end] ?? 0) + 1
  },
}
const subscribe = (socket: ServerSocket) => void socket.subscribe(NEWS)

const server = createServer({
  ...limits,
  log: () => {
    logged++
  },
})
  .route('/', {
    ...limits,
    ...forStrangers,
    ...attacked,
    ...(hookTakes !== undefined && {
      async upgrade() {
        await sleep(hookTakes)
        return {}
      },
    }),
  })
  .route('/news', { ...limits, ...forStrangers, ...attacked, open: subscribe })
  .route('/good', { ...limits, message: attacked.message, open: subscribe })

const { port } = await server.listen({ host: '127.0.0.1' })
const meter = new UsageMeter()

let published = 0
let printing: ReturnType<typeof setInterval> | undefined

answer({
  port: () => port,
  mark: (): ServerMark => ({ ...meter.mark(), sockets: server.sockets.size, closes, logged }),
  startNews() {
    const start = performance.now()
    printing = setInterval(() => {
      const due = ((performance.now() - start) / 1e3) * perSecond
      while (published < due) server.publish(NEWS, writeNews(++published, size))
    }, EDITION)
  },
  /** Answers with the number of the last one. */
  stopNews() {
    clearInterval(printing)
    return published
  },
})
