import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket as NetSocket } from 'node:net'
import type * as heartwire from 'heartwire/ws'
import type { Stage } from './stage.ts'

export type Socket = heartwire.WebSocket & {
  _socket: NetSocket
  _sender: { sendFrame(list: Uint8Array[], callback?: (error?: Error) => void): void }
}

/** A connection from its beginning to its end: what each side does. What they emit is written down by itself. */
export interface Script {
  /** What happens, as the guide names it. */
  name: string
  serverOptions?: heartwire.ServerOptions | ((stage: Stage) => heartwire.ServerOptions)
  clientOptions?: heartwire.ClientOptions | ((stage: Stage) => heartwire.ClientOptions)
  protocols?: string[]
  /** Of the client's address, or the whole of it. */
  path?: string
  url?: (stage: Stage) => string
  /** Called with the server before there is a client. */
  setUp?(stage: Stage, server: heartwire.WebSocketServer): void | Promise<void>
  /** Called with the server's end in the event `connection`. */
  server?(ws: Socket, stage: Stage, request: IncomingMessage): void
  /** Called with the client's end as soon as there is one. */
  client?(ws: Socket, stage: Stage): void
  /** Instead of the client: a socket that speaks HTTP and frames by itself, once it is connected. */
  rawClient?(socket: NetSocket, stage: Stage): void
  /** Instead of the server: called with each connection to it. */
  rawServer?(socket: NetSocket, stage: Stage): void
  /** The client does not get a connection, so that only its end is waited for. */
  refused?: true
  /** Ends whose log says nothing: what they see depends on when something arrives. */
  ignore?: 'server' | 'client'
  /** Lines of a log that are compared; all without it. */
  only?: RegExp
}

export async function run(script: Script, stage: Stage): Promise<void> {
  const { serverOptions = {}, clientOptions = {}, path = '/', protocols = [] } = script
  if (script.rawServer === undefined) {
    const server = await stage.listen(typeof serverOptions === 'function' ? serverOptions(stage) : serverOptions)
    server.on('connection', (ws: heartwire.WebSocket, request: IncomingMessage) => {
      stage.note('server', 'connection', `state=${ws.readyState}`)
      stage.watch('server', ws)
      script.server?.(ws as Socket, stage, request)
    })
    await script.setUp?.(stage, server)
    if (!script.refused) stage.waitFor(once(server, 'connection'))
  } else {
    await listenRaw(script.rawServer, stage)
  }
  if (script.rawClient !== undefined) {
    const socket = connect(stage.port, '127.0.0.1')
    stage.waitFor(once(socket, 'close'))
    socket.on('error', () => {})
    script.rawClient(socket, stage)
  } else {
    const url = script.url?.(stage) ?? `ws://127.0.0.1:${stage.port}${path}`
    const given = typeof clientOptions === 'function' ? clientOptions(stage) : clientOptions
    const client = stage.connect(url, protocols, given)
    script.client?.(client as Socket, stage)
  }
  await stage.end()
}

async function listenRaw(serve: (socket: NetSocket, stage: Stage) => void, stage: Stage): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    stage.waitFor(once(socket, 'close'))
    socket.on('error', () => {})
    serve(socket, stage)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.port = (server.address() as AddressInfo).port
  stage.after(() => server.close())
}
