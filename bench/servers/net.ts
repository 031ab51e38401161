/**
 * What `node:net` costs by itself: sends back the bytes it reads. It answers the opening handshake, always with the answer
 * to the key of RFC 6455's example, which is what the load generator sends, and knows no more of WebSocket.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { serveControl, serverArguments } from './control.ts'

const ANSWER = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '\r\n',
].join('\r\n')

const { work } = serverArguments()
const sockets = new Set<Socket>()

const receive: Record<typeof work, (socket: Socket) => (bytes: Buffer) => unknown> = {
  echo: (socket) => (bytes) => socket.write(bytes),
  publish: () => (bytes) => {
    for (const socket of sockets) socket.write(bytes)
  },
  handshake: (socket) => () => socket.end(),
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  // The request is one piece: the load generator sends it in one.
  socket.once('data', () => {
    socket.write(ANSWER)
    socket.on('data', receive[work](socket))
  })
  if (work === 'publish') {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  }
})
server.listen(0, '127.0.0.1', () => serveControl((server.address() as AddressInfo).port, {}))
