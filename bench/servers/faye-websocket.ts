/**
 * The package `faye-websocket`, with `permessage-deflate` where messages are compressed. They need not be installed: they are no
 * dependencies of this project.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Compression, decline, serveControl, serverArguments } from './control.ts'

/** As much of it as is used here. */
interface FayeSocket {
  on(event: 'message', listener: (event: { data: string | Buffer }) => unknown): void
  on(event: 'close' | 'error', listener: () => void): void
  send(message: string | Buffer): void
}

type Faye = new (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: string[],
  options: { extensions: unknown[] },
) => FayeSocket

/** What is asked of the package `permessage-deflate`. */
const DEFLATE: Record<Exclude<Compression, 'off'>, object> = {
  takeover: {},
  shared: { noContextTakeover: true, requestNoContextTakeover: true },
}

const { handler, work, compression } = serverArguments()
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
  const extensions = compression === 'off' ? [] : [require('permessage-deflate').configure(DEFLATE[compression])]
  const server = createServer()
  server.on('upgrade', (request, stream, head) => {
    const socket = new WebSocket(request, stream, head, [], { extensions })
    socket.on('error', () => {})
    socket.on('message', work === 'publish' ? publish : echo[handler](socket))
    if (work === 'publish') {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
  })
  server.listen(0, '127.0.0.1', () => {
    const { version } = require('faye-websocket/package.json')
    const versions: Record<string, string> = { 'faye-websocket': version }
    if (compression !== 'off') versions['permessage-deflate'] = require('permessage-deflate/package.json').version
    serveControl((server.address() as AddressInfo).port, versions)
  })
} catch {
  const packages = compression === 'off' ? 'faye-websocket' : 'faye-websocket permessage-deflate'
  decline(`there is no package "${packages.replace(' ', '" or "')}"; \`npm install --no-save ${packages}\` brings it`)
}
