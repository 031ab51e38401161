/** The peer: `ws` with its native helper `bufferutil`. Everything is compressed, however short it is. */
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type PerMessageDeflateOptions, type RawData, type WebSocket, WebSocketServer } from 'ws'
import { serveControl } from '../../servers/control.ts'
import { modeArgument } from './arguments.ts'

const MODES: Record<ReturnType<typeof modeArgument>, PerMessageDeflateOptions | false> = {
  takeover: { threshold: 0 },
  shared: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  off: false,
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: MODES[modeArgument()] })

server.on('connection', (socket: WebSocket) => {
  // A reset at the end of a run is no news.
  socket.on('error', () => {})
  socket.on('message', (data: RawData, isBinary: boolean) => {
    socket.send(data, { binary: isBinary })
  })
})

server.on('listening', () => {
  const require = createRequire(import.meta.url)
  serveControl((server.address() as AddressInfo).port, {
    ws: require('ws/package.json').version,
    bufferutil: require('bufferutil/package.json').version,
  })
})
