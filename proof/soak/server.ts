/** The server of a soak: echo, topics and bursts, in a process of its own that can be looked into. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type CloseInfo, createServer, type ServerSocket, UpgradeRejected } from 'heartwire'
import { activeResources } from '../support/active.ts'
import { answer } from '../support/child.ts'
import { burstMessage, type Ended, MAX_BUFFERED, publication, type ServerState } from './protocol.ts'

interface Visitor {
  /** The number that the client gave itself. */
  id: number
  topic: string
}

/** Bytes of every connection that are kept for ever: a leak on purpose, to see that it is found. */
const leak = Number(process.argv[2] ?? 0)
const leaked: string[] = []

let opened = 0
let ended: Ended[] = []
const published = new Map<string, number>()

const common = {
  maxBuffered: MAX_BUFFERED,
  upgrade(request: { query: URLSearchParams }) {
    return { data: { id: Number(request.query.get('id')), topic: request.query.get('topic') ?? '' } }
  },
  open() {
    opened++
  },
  close(socket: ServerSocket<Visitor>, { cause }: CloseInfo) {
    ended.push([socket.data.id, cause])
    // Of a string that is repeated V8 keeps only the one half until somebody asks for a character.
    if (leak > 0) leaked.push(Buffer.alloc(leak, 'x').toString('latin1'))
  },
}

const server = createServer({ log() {} })
  .route<Visitor>('/echo', {
    ...common,
    message(socket, message) {
      if (message === 'close me') socket.close(4000, 'as you wish')
      else socket.send(message)
    },
  })
  .route<Visitor>('/topic', {
    ...common,
    open(socket) {
      opened++
      const { topic } = socket.data
      socket.subscribe(topic)
      socket.send(`from ${published.get(topic) ?? 0}`)
    },
    message(socket, message) {
      const { topic } = socket.data
      const last = published.get(topic) ?? 0
      if (message === 'publish') {
        published.set(topic, last + 1)
        server.publish(topic, publication(topic, last + 1))
      } else {
        socket.unsubscribe(topic)
        socket.send(`until ${last}`)
      }
    },
  })
  .route<Visitor>('/burst', {
    ...common,
    message(socket, message) {
      const [count = 0, size = 0] = String(message).split(' ').map(Number)
      for (let i = 0; i < count; i++) {
        if (socket.send(burstMessage(i, size)) === 'dropped') break
      }
    },
  })
  .route('/refused', {
    upgrade() {
      throw new UpgradeRejected(403, 'Not you.')
    },
  })

// Node opens these when they are first asked for: now, so that they are not taken for something that was left behind.
for (const output of [process.stdout, process.stderr]) output.on('error', () => process.exit(1))

const loop = monitorEventLoopDelay({ resolution: 10 })
loop.enable()

answer({
  async listen(): Promise<number> {
    return (await server.listen({ host: '127.0.0.1' })).port
  },

  /** @param collect whether to collect garbage first */
  look(collect: boolean): ServerState {
    if (collect) globalThis.gc?.()
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, external } = process.memoryUsage()
    const handles = activeResources()
    const state: ServerState = {
      rss,
      external,
      ...(collect && { heap: heapUsed }),
      handles,
      connections: server.sockets.size,
      opened,
      ended,
      cpu: (user + system) / 1e6,
      time: performance.now() / 1e3,
      // Node counts from one look to the next.
      loopDelay: Math.max(0, loop.max / 1e6 - 10),
    }
    ended = []
    loop.reset()
    return state
  },

  async close(): Promise<void> {
    loop.disable()
    await server.close({ deadline: 5_000 })
  },
})
