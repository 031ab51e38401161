/** The peer: `ws` with its native helper `bufferutil`, without compression. */
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { serveControl, serverArguments } from './control.ts'

const { handler, mode } = serverArguments()
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })

server.on('connection', (socket: WebSocket) => {
  // A reset at the end of a run is no news.
  socket.on('error', () => {})
  if (mode === 'publish') {
    socket.on('message', (data: RawData, isBinary: boolean) => {
      for (const client of server.clients) client.send(data, { binary: isBinary })
    })
  } else if (handler === 'async') {
    socket.on('message', async (data: RawData, isBinary: boolean) => {
      await Promise.resolve()
      socket.send(data, { binary: isBinary })
    })
  } else {
    socket.on('message', (data: RawData, isBinary: boolean) => {
      socket.send(data, { binary: isBinary })
    })
  }
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
