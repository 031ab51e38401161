/** `ws` with its native helper `bufferutil`. */
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type PerMessageDeflateOptions, type RawData, type WebSocket, WebSocketServer } from 'ws'
import { type Compression, serveControl, serverArguments } from './control.ts'

// Everything is compressed, however short it is.
const DEFLATE: Record<Compression, PerMessageDeflateOptions | false> = {
  takeover: { threshold: 0 },
  shared: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  off: false,
}

const { handler, work, compression } = serverArguments()
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: DEFLATE[compression] })

function publish(data: RawData, binary: boolean): void {
  for (const client of server.clients) client.send(data, { binary })
}

const echo: Record<typeof handler, (socket: WebSocket) => (data: RawData, binary: boolean) => unknown> = {
  sync: (socket) => (data, binary) => socket.send(data, { binary }),
  async: (socket) => async (data, binary) => {
    await Promise.resolve()
    socket.send(data, { binary })
  },
  timer: (socket) => (data, binary) => setTimeout(() => socket.send(data, { binary }), 0),
}

server.on('connection', (socket: WebSocket) => {
  // A reset at the end of a run is no news.
  socket.on('error', () => {})
  socket.on('message', work === 'publish' ? publish : echo[handler](socket))
})

server.on('listening', () => {
  serveControl((server.address() as AddressInfo).port, versions())
})

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const found: Record<string, string> = { ws: require('ws/package.json').version }
  try {
    const native = String(require('bufferutil').mask).includes('[native code]')
    found.bufferutil = `${require('bufferutil/package.json').version}${native ? '' : ' (JavaScript, no binary)'}`
  } catch {
    found.bufferutil = 'none'
  }
  return found
}
