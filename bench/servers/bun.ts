/** Bun's own server. Bun runs this file itself. */
import { type Compression, serveControl, serverArguments } from './control.ts'

/** As much of Bun as is used here. */
interface BunSocket {
  send(message: string | Uint8Array, compress?: boolean): number
  subscribe(topic: string): void
}

interface BunServer {
  port: number
  upgrade(request: Request): boolean
  publish(topic: string, message: string | Uint8Array): number
}

interface BunRuntime {
  version: string
  gc(force: boolean): void
  serve(options: {
    hostname: string
    port: number
    fetch(request: Request, server: BunServer): Response | undefined
    websocket: {
      backpressureLimit: number
      perMessageDeflate: false | { compress: 'shared' | 'dedicated'; decompress: 'shared' | 'dedicated' }
      open(socket: BunSocket): void
      message(socket: BunSocket, message: string | Uint8Array): unknown
    }
  }): BunServer
}

// `shared` and `dedicated` are its words for no takeover and takeover.
const DEFLATE = {
  takeover: { compress: 'dedicated', decompress: 'dedicated' },
  shared: { compress: 'shared', decompress: 'shared' },
  off: false,
} as const satisfies Record<Compression, unknown>

const { Bun } = globalThis as unknown as { Bun: BunRuntime }
const { handler, work, compression } = serverArguments()
const TOPIC = 'everyone'
const compress = compression !== 'off'

const echo: Record<typeof handler, (socket: BunSocket, message: string | Uint8Array) => unknown> = {
  sync: (socket, message) => socket.send(message, compress),
  async: async (socket, message) => {
    await Promise.resolve()
    socket.send(message, compress)
  },
  timer: (socket, message) => setTimeout(() => socket.send(message, compress), 0),
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    // All the load keeps under way may wait in one queue.
    backpressureLimit: 256 * 1024 * 1024,
    perMessageDeflate: DEFLATE[compression],
    open(socket) {
      if (work === 'publish') socket.subscribe(TOPIC)
    },
    message: work === 'publish' ? (_, message) => server.publish(TOPIC, message) : echo[handler],
  },
})
serveControl(server.port, { bun: Bun.version }, () => Bun.gc(true))
