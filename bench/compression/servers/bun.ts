/** Bun, which runs this file itself. `shared` and `dedicated` are its words for no takeover and takeover. */
import { serveControl } from '../../servers/control.ts'
import { modeArgument } from './arguments.ts'

/** As much of Bun as is used here. */
interface BunSocket {
  send(message: string | Uint8Array, compress: boolean): number
}

interface BunServer {
  port: number
  upgrade(request: Request): boolean
}

interface BunRuntime {
  version: string
  gc(force: boolean): void
  serve(options: {
    hostname: string
    port: number
    fetch(request: Request, server: BunServer): Response | undefined
    websocket: {
      perMessageDeflate: false | { compress: 'shared' | 'dedicated'; decompress: 'shared' | 'dedicated' }
      message(socket: BunSocket, message: string | Uint8Array): void
    }
  }): BunServer
}

const MODES = {
  takeover: { compress: 'dedicated', decompress: 'dedicated' },
  shared: { compress: 'shared', decompress: 'shared' },
  off: false,
} as const

const { Bun } = globalThis as unknown as { Bun: BunRuntime }
const mode = modeArgument()
const { port } = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    perMessageDeflate: MODES[mode],
    message(socket, message) {
      socket.send(message, mode !== 'off')
    },
  },
})
serveControl(port, { bun: Bun.version }, () => Bun.gc(true))
