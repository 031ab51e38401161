/** The server that is attacked: a process of its own. Arguments: the scenario's name, and the plan as JSON. */

import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type ServerSocket, type ServerStats } from 'heartwire'
import { activeResources } from '../support/active.ts'
import { answer } from '../support/child.ts'
import { type Usage, UsageMeter } from '../support/usage.ts'
import { writeNews } from './news.ts'
import type { Plan } from './scenario.ts'
import { findScenario } from './scenarios.ts'

/** What the server says of itself. */
export interface ServerMark extends Usage {
  /** Connections that are there: WebSockets, open or closing, and those of TCP, whatever they carry. */
  connections: { webSocket: number; tcp: number }
  /** `server.stats()`: connections that ended, by cause, and handshakes that were refused, by reason. */
  closed: ServerStats['closed']['byCause']
  refused: ServerStats['refused']['byReason']
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

const subscribe = (socket: ServerSocket) => void socket.subscribe(NEWS)

let logged = 0
// What is echoed to attackers is part of what they cost.
const message = (socket: ServerSocket, data: string | Uint8Array) => void socket.send(data)
async function upgrade() {
  await sleep(hookTakes)
}
const server = createServer({
  ...limits,
  log: () => {
    logged++
  },
})
  .route('/', { ...forStrangers, message, ...(hookTakes !== undefined && { upgrade }) })
  .route('/news', { ...forStrangers, message, open: subscribe })
  .route('/good', { message, open: subscribe })

function connections(): ServerMark['connections'] {
  const { TCPSocketWrap: tcp = 0 } = activeResources()
  return { webSocket: server.sockets.size, tcp }
}

const { port } = await server.listen({ host: '127.0.0.1' })
const meter = new UsageMeter()

let published = 0
let printing: ReturnType<typeof setInterval> | undefined

answer({
  port: () => port,
  mark(): ServerMark {
    const { closed, refused } = server.stats()
    const { byCause } = closed
    const { byReason } = refused
    return { ...meter.mark(), connections: connections(), closed: byCause, refused: byReason, logged }
  },
  isEnough: () => scenario.isEnough?.(server.stats()) ?? true,
  startNews() {
    let last = performance.now()
    let due = 0
    printing = setInterval(() => {
      const now = performance.now()
      // What a process that was not scheduled has missed is not made up for all at once.
      due += (Math.min(now - last, 5 * EDITION) / 1e3) * perSecond
      last = now
      while (published < due) server.publish(NEWS, writeNews(++published, size))
    }, EDITION)
  },
  /** Answers with the number of the last one. */
  stopNews() {
    clearInterval(printing)
    return published
  },
})
