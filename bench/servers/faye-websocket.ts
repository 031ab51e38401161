/** The package `faye-websocket`, which need not be installed: it is no dependency of this project. */
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { decline, serveControl, serverArguments } from './control.ts'

/** As much of it as is used here. */
interface FayeSocket {
  on(event: 'message', listener: (event: { data: string | Buffer }) => unknown): void
  on(event: 'close' | 'error', listener: () => void): void
  send(message: string | Buffer): void
}

type Faye = new (request: IncomingMessage, socket: Duplex, head: Buffer) => FayeSocket

const { handler, work } = serverArguments()
const require = createRequire(import.meta.url)
const sockets = new Set<FayeSocket>()

const echo: Record<typeof handler, (socket: FayeSocket) => (event: { data: string | Buffer }) => unknown> = {
  sync: (socket) => (event) => socket.send(event.data),
  async: (socket) => async (event) => {
    await Promise.resolve()
    socket.send(event.data)
  },
  timer: (socket) => (event) => setTimeout(() => socket.send(event.data), 0),
}

function publish({ data }: { data: string | Buffer }): void {
  for (const socket of sockets) socket.send(data)
}

try {
  const WebSocket = require('faye-websocket') as Faye
  const server = createServer()
  server.on('upgrade', (request, stream, head) => {
    const socket = new WebSocket(request, stream, head)
    socket.on('error', () => {})
    socket.on('message', work === 'publish' ? publish : echo[handler](socket))
    if (work === 'publish') {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
  })
  server.listen(0, '127.0.0.1', () => {
    const { version } = require('faye-websocket/package.json')
    serveControl((server.address() as AddressInfo).port, { 'faye-websocket': version })
  })
} catch {
  decline('there is no package "faye-websocket"; `npm install --no-save faye-websocket` brings it')
}
