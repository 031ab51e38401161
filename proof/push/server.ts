/** The server of the push run: clients subscribe to one topic each, by their path, and the server publishes by plan. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type ServerSocket } from 'heartwire'
import { PROJECT } from '../../bench/places.ts'
import { answer } from '../support/child.ts'
import { encodePush, type Published, type PublishOrder, type ServerState, sharedNow } from './protocol.ts'

/** Milliseconds between two looks at what is due. */
const TICK = 1
/** Bytes that clients which do not read are sent first, over and over. */
const FILLING = Buffer.alloc(16 * 1024)
/** Milliseconds in which the kernel takes such a piece, unless it has no more room. */
const FILLING_TIME = 200

interface Subscriber {
  topic: string
  stuck: boolean
}

const [tls, overflow] = process.argv.slice(2)
const causes: Record<string, number> = {}
const stuck = new Set<ServerSocket<Subscriber>>()
/** Subscribers that read, and messages published, by topic. */
const readers = new Map<string, number>()
const numbers = new Map<string, number>()

const server = createServer<Subscriber>({
  log() {},
  overflow: overflow === 'drop' || overflow === 'coalesce' ? overflow : 'close',
  upgrade(request) {
    const [, topic = '', what] = request.path.split('/')
    return { data: { topic, stuck: what === 'stuck' } }
  },
  open(socket) {
    socket.subscribe(socket.data.topic)
    if (!socket.data.stuck) {
      readers.set(socket.data.topic, (readers.get(socket.data.topic) ?? 0) + 1)
      return
    }
    stuck.add(socket)
    void fill(socket)
  },
  // Clients have nothing to say.
  message() {},
  close(socket, { cause }) {
    if (!socket.data.stuck) readers.set(socket.data.topic, (readers.get(socket.data.topic) ?? 0) - 1)
    causes[cause] = (causes[cause] ?? 0) + 1
    stuck.delete(socket)
  },
})

/** Sends to a client that does not read until the kernel takes no more for it: what is published has to wait here then. */
async function fill(socket: ServerSocket<Subscriber>): Promise<void> {
  try {
    for (;;) {
      socket.send(FILLING)
      await socket.drained({ signal: AbortSignal.timeout(FILLING_TIME) })
    }
  } catch {
    // Full.
  }
}

function certificate(): { cert: Buffer; key: Buffer } {
  const file = (name: string) => readFileSync(join(PROJECT, 'test/fixtures/tls', name))
  return { cert: file('server.crt'), key: file('server.key') }
}

answer({
  async listen(): Promise<number> {
    const { port } = await server.listen({ host: '127.0.0.1', ...(tls === 'tls' && { tls: certificate() }) })
    return port
  },

  /**
   * Publishes until the time is over. A message is stamped with when it was due, not with when it was its turn: a server that
   * falls behind its plan has to show it.
   */
  publish({ rate, topics, seconds, payload }: PublishOrder): Promise<Published> {
    const result: Published = { messages: 0, deliveries: 0, late: 0 }
    const start = sharedNow()
    const total = Math.round(rate * seconds)
    return new Promise((resolve) => {
      const publishDue = (): void => {
        const now = sharedNow()
        while (result.messages < total) {
          const due = start + (result.messages * 1e3) / rate
          if (due > now) break
          const topic = String(result.messages % topics)
          const number = (numbers.get(topic) ?? 0) + 1
          numbers.set(topic, number)
          // As prices would be: the tenth message after one takes its place, where there is a queue.
          const key = String(number % 10)
          server.publish(topic, encodePush(Number(topic), number, due, payload), { key })
          result.deliveries += readers.get(topic) ?? 0
          result.messages++
          result.late = Math.max(result.late, now - due)
        }
        if (result.messages < total) setTimeout(publishDue, TICK)
        else resolve(result)
      }
      publishDue()
    })
  },

  look(collect: boolean): ServerState {
    if (collect) globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const buffered = [...stuck].map((socket) => socket.bufferedAmount)
    return {
      rss,
      heap: heapUsed,
      external,
      cpu: (user + system) / 1e6,
      time: performance.now() / 1e3,
      connections: server.sockets.size,
      stuckBuffered: buffered.reduce((sum, bytes) => sum + bytes, 0),
      stuckMost: Math.max(0, ...buffered),
      causes,
    }
  },
})
