import type { IncomingMessage } from 'node:http'
import type * as heartwire from 'heartwire/ws'
import type { Stage } from './stage.ts'

export type Socket = heartwire.WebSocket & {
  _socket: import('node:net').Socket
  _sender: { sendFrame(list: Uint8Array[], callback?: (error?: Error) => void): void }
}

/** A connection from its beginning to its end: what each side does. What they emit is written down by itself. */
export interface Script {
  /** What happens, as the guide names it. */
  name: string
  serverOptions?: object | ((stage: Stage) => object)
  clientOptions?: object | ((stage: Stage) => object)
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
  /** The client does not get a connection, so that only its end is waited for. */
  refused?: true
  /** Ends whose log says nothing: what they see depends on when something arrives. */
  ignore?: 'server' | 'client'
  /** Lines of a log that are compared; all without it. */
  only?: RegExp
}

export async function run(script: Script, stage: Stage): Promise<void> {
  const { serverOptions = {}, clientOptions = {}, path = '/', protocols = [] } = script
  const server = await stage.listen(typeof serverOptions === 'function' ? serverOptions(stage) : serverOptions)
  server.on('connection', (ws: heartwire.WebSocket, request: IncomingMessage) => {
    stage.note('server', 'connection', `state=${ws.readyState}`)
    stage.watch('server', ws)
    script.server?.(ws as Socket, stage, request)
  })
  await script.setUp?.(stage, server)
  const url = script.url?.(stage) ?? `ws://127.0.0.1:${stage.port}${path}`
  const connected = script.refused ? Promise.resolve() : new Promise((resolve) => server.once('connection', resolve))
  stage.waitFor(connected)
  const given = typeof clientOptions === 'function' ? clientOptions(stage) : clientOptions
  const client = stage.connect(url, protocols, given)
  script.client?.(client as Socket, stage)
  await stage.end()
}
