/** The package `websocket`, which need not be installed: it is no dependency of this project. */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { decline, serveControl, serverArguments } from './control.ts'

type Message = { type: 'utf8'; utf8Data: string } | { type: 'binary'; binaryData: Buffer }

/** As much of it as is used here. */
interface Connection {
  on(event: 'message', listener: (message: Message) => unknown): void
  on(event: 'error', listener: () => void): void
  sendUTF(text: string): void
  sendBytes(bytes: Buffer): void
}

interface WebSocketServer {
  on(event: 'connect', listener: (connection: Connection) => void): void
  connections: Connection[]
}

const LIMIT = 64 * 1024 * 1024
const { handler, work } = serverArguments()
const require = createRequire(import.meta.url)

function send(connection: Connection, message: Message): void {
  if (message.type === 'utf8') connection.sendUTF(message.utf8Data)
  else connection.sendBytes(message.binaryData)
}

const echo: Record<typeof handler, (connection: Connection) => (message: Message) => unknown> = {
  sync: (connection) => (message) => send(connection, message),
  async: (connection) => async (message) => {
    await Promise.resolve()
    send(connection, message)
  },
  timer: (connection) => (message) => setTimeout(() => send(connection, message), 0),
}

try {
  const { server: Server } = require('websocket') as { server: new (options: object) => WebSocketServer }
  const httpServer = createServer()
  const server = new Server({
    httpServer,
    autoAcceptConnections: true,
    maxReceivedFrameSize: LIMIT,
    maxReceivedMessageSize: LIMIT,
  })
  const publish = (message: Message): void => {
    for (const connection of server.connections) send(connection, message)
  }
  server.on('connect', (connection) => {
    connection.on('error', () => {})
    connection.on('message', work === 'publish' ? publish : echo[handler](connection))
  })
  httpServer.listen(0, '127.0.0.1', () => {
    const { version } = require('websocket/package.json')
    serveControl((httpServer.address() as AddressInfo).port, { websocket: version })
  })
} catch {
  decline('there is no package "websocket"; `npm install --no-save websocket` brings it')
}
