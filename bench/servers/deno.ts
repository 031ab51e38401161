/** Deno's own server. Deno runs this file itself. */
import { serveControl, serverArguments } from './control.ts'

/** As much of Deno as is used here. */
interface DenoRuntime {
  version: { deno: string }
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): void
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: WebSocket; response: Response }
}

const { Deno } = globalThis as unknown as { Deno: DenoRuntime }
const { handler, work } = serverArguments()
const sockets = new Set<WebSocket>()

const echo: Record<typeof handler, (socket: WebSocket) => (event: MessageEvent) => unknown> = {
  sync: (socket) => (event) => socket.send(event.data),
  async: (socket) => async (event) => {
    await Promise.resolve()
    socket.send(event.data)
  },
  timer: (socket) => (event) => setTimeout(() => socket.send(event.data), 0),
}

function publish(event: MessageEvent): void {
  for (const socket of sockets) socket.send(event.data)
}

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    onListen: ({ port }) => serveControl(port, { deno: Deno.version.deno }),
  },
  (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 })
    socket.binaryType = 'arraybuffer'
    socket.onmessage = work === 'publish' ? publish : echo[handler](socket)
    if (work === 'publish') {
      socket.onopen = () => sockets.add(socket)
      socket.onclose = () => sockets.delete(socket)
    }
    // A reset at the end of a run is no news.
    socket.onerror = () => {}
    return response
  },
)
