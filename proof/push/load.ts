/** A process full of clients for the push run. */
import { Latency } from '../../bench/load/latency.ts'
import { answer } from '../support/child.ts'
import { type OpenOrder, type Received, sharedNow } from './protocol.ts'
import { type Inbox, subscribe } from './subscriber.ts'

/** Handshakes under way at a time. */
const AT_ONCE = 50

const latency = new Latency()
let deliveries = 0
let wrong = 0
let dead = 0
let longest = 0
let loop = performance.eventLoopUtilization()

const inbox: Inbox = {
  message(due) {
    const took = sharedNow() - due
    deliveries++
    latency.record(took * 1e3, 1)
    if (took > longest) longest = took
  },
  wrong() {
    wrong++
  },
  dead() {
    dead++
  },
}

answer({
  /** Opens all of them. */
  async open({ port, tls, from, to, topics, stuck }: OpenOrder): Promise<void> {
    let next = from
    const opener = async (): Promise<void> => {
      while (next < to) {
        const client = next++
        await subscribe(
          {
            port,
            tls,
            topic: client % topics,
            stuck: client < stuck,
            localAddress: process.platform === 'linux' ? `127.0.0.${2 + (client % 200)}` : undefined,
          },
          inbox,
        )
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, opener))
  },

  /** How many messages have come since they were last taken. */
  count(): number {
    return deliveries
  },

  /** What has come since the last time, which is then forgotten. */
  take(): Received {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, loop)
    const received: Received = { deliveries, wrong, dead, latencies: latency.counts, longest, idle: 1 - utilization }
    loop = now
    latency.clear()
    deliveries = 0
    wrong = 0
    dead = 0
    longest = 0
    return received
  },
})
