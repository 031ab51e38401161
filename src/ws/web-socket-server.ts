import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  STATUS_CODES,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { acceptKey } from '../protocol/handshake-key.ts'
import { shared } from '../socket/runtime.ts'
import { extension } from './extension.ts'
import { answer } from './http-answer.ts'
import { PerMessageDeflate } from './permessage-deflate.ts'
import { type Asked, originOf, type Refused, readAsked, wrongRequest } from './server-handshake.ts'
import {
  resolveServerOptions,
  type ServerOptions,
  type VerifyClientCallbackAsync,
  type VerifyClientCallbackSync,
} from './server-options.ts'
import { TypedEmitter } from './typed-emitter.ts'
import type { WebSocket } from './web-socket.ts'

type State = 'running' | 'closing' | 'closed'
type Callback<Socket, Request> = (client: Socket, request: Request) => void

/** Streams that have been upgraded. */
const upgraded = new WeakSet<Duplex>()

/** What a server emits, with the arguments of the listeners. */
export interface WebSocketServerEvents<Socket, Request> {
  listening: []
  headers: [headers: string[], request: Request]
  connection: [client: Socket, request: Request]
  wsClientError: [error: Error, socket: Duplex, request: Request]
  error: [error: Error]
  close: []
}

/** A server as the package `ws` has it. What is not said here is as its documentation says. */
export class WebSocketServer<
  Socket extends typeof WebSocket = typeof WebSocket,
  Request extends typeof IncomingMessage = typeof IncomingMessage,
> extends TypedEmitter<WebSocketServerEvents<InstanceType<Socket>, InstanceType<Request>>> {
  readonly options: ServerOptions<Socket, Request>
  /** The open connections, with the option `clientTracking`. */
  declare readonly clients: Set<InstanceType<Socket>>
  /** @internal */ _server: HttpServer | null = null
  /** @internal */ _state: State = 'running'
  /** It is to be told that the server is closed when the last client is gone. */
  /** @internal */ _closesWithLast = false
  /** @internal */ _stopListening = () => {}

  /**
   * @param callback called when the server that it makes for `port` listens
   * @throws TypeError unless exactly one of `port`, `server` and `noServer` is given
   */
  constructor(options?: ServerOptions<Socket, Request>, callback?: () => void) {
    super()
    this.options = resolveServerOptions(options)
    if (this.options.clientTracking) this.clients = new Set()
    const { backlog, host, port, server } = this.options
    if (server) this._server = server as unknown as HttpServer
    else if (port !== null && port !== undefined) this._server = createServer(upgradeRequired)
    if (this._server === null) return
    this._stopListening = this._listenTo(this._server)
    if (!server) this._server.listen(port ?? 0, host ?? undefined, backlog ?? undefined, callback)
  }

  /** The option `path`; empty without. */
  get path(): string {
    return this.options.path ?? ''
  }

  /**
   * Where the server listens; null once it is closed.
   * @throws Error in the mode `noServer`
   */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode')
    return this._server === null ? null : this._server.address()
  }

  /** Takes no more connections. The event close comes when those that there are have ended. */
  close(callback?: (error?: Error) => void): void {
    if (this._state === 'closed') {
      if (callback) this.once('close', () => callback(new Error('The server is not running')))
      process.nextTick(() => this._closed())
      return
    }
    if (callback) this.once('close', callback)
    if (this._state === 'closing') return
    this._state = 'closing'
    const server = this._server
    if (server !== null && !this.options.server) {
      this._stopListening()
      this._server = null
      server.close(() => this._closed())
      return
    }
    this._stopListening()
    this._server = null
    if (this.clients !== undefined && this.clients.size > 0) this._closesWithLast = true
    else process.nextTick(() => this._closed())
  }

  /** Whether a request is for this server: whether it has its `path`. To be overridden. */
  shouldHandle(request: InstanceType<Request>): boolean | Promise<boolean> {
    const { path } = this.options
    if (!path) return true
    const { url = '' } = request
    const query = url.indexOf('?')
    return (query === -1 ? url : url.slice(0, query)) === path
  }

  /** Answers a request for an upgrade; `callback` is called when there is a connection. */
  handleUpgrade(
    request: InstanceType<Request>,
    socket: Duplex,
    head: Buffer,
    callback: Callback<InstanceType<Socket>, InstanceType<Request>>,
  ): void {
    socket.on('error', destroyed)
    const wrong = wrongRequest(request)
    if (wrong !== undefined) return this._refuse(wrong, request, socket)
    if (!this.shouldHandle(request)) return answer(socket, 400)
    const asked = readAsked(request, this.options.perMessageDeflate)
    if ('status' in asked) return this._refuse(asked, request, socket)
    this._verify(request, socket, () => this._complete(asked, request, socket, head, callback))
  }

  /** @internal Asks the application, if it wants to be asked. */
  _verify(request: InstanceType<Request>, socket: Duplex, verified: () => void): void {
    const { verifyClient } = this.options
    if (!verifyClient) return verified()
    const { authorized, encrypted } = request.socket as TLSSocket
    const info = { origin: originOf(request), secure: Boolean(authorized || encrypted), req: request }
    if (verifyClient.length === 2) {
      const verify = verifyClient as VerifyClientCallbackAsync<InstanceType<Request>>
      verify.call(this.options, info, (result, code?: number, message?: string, headers?: OutgoingHttpHeaders) => {
        if (result) verified()
        else answer(socket, code || 401, message, headers)
      })
      return
    }
    if ((verifyClient as VerifyClientCallbackSync<InstanceType<Request>>).call(this.options, info)) verified()
    else answer(socket, 401)
  }

  /** @internal Answers 101, and makes the WebSocket. @throws Error for a stream that has been upgraded before */
  _complete(
    { deflate, key, protocols }: Asked,
    request: InstanceType<Request>,
    socket: Duplex,
    head: Buffer,
    callback: Callback<InstanceType<Socket>, InstanceType<Request>>,
  ): void {
    if (!socket.readable || !socket.writable) return void socket.destroy()
    if (upgraded.has(socket)) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      )
    }
    if (this._state !== 'running') return answer(socket, 503)
    const { options } = this
    const headers = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${acceptKey(key, shared.platform)}`,
    ]
    const Class = options.WebSocket as unknown as new (
      address: null,
      protocols: undefined,
      options: object,
    ) => WebSocket
    const ws = new Class(null, undefined, options)
    const protocol = this._choose(protocols, request)
    if (protocol) {
      headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
      ws._protocol = protocol
    }
    if (deflate?.params) {
      const name = PerMessageDeflate.extensionName
      headers.push(`Sec-WebSocket-Extensions: ${extension.format({ [name]: { ...deflate.params } })}`)
      ws._extensions[name] = deflate
    }
    this.emit('headers', headers, request)
    socket.write([...headers, '', ''].join('\r\n'))
    socket.removeListener('error', destroyed)
    upgraded.add(socket)
    ws.setSocket(socket, head, options)
    this._track(ws as InstanceType<Socket>)
    callback(ws as InstanceType<Socket>, request)
  }

  /** @internal */ _choose(protocols: Set<string>, request: InstanceType<Request>): string | false | undefined {
    if (protocols.size === 0) return undefined
    const { handleProtocols } = this.options
    return handleProtocols ? handleProtocols(protocols, request) : [...protocols][0]
  }

  /** @internal */ _track(ws: InstanceType<Socket>): void {
    const { clients } = this
    if (clients === undefined) return
    clients.add(ws)
    ws.on('close', () => {
      clients.delete(ws)
      if (this._closesWithLast && clients.size === 0) process.nextTick(() => this._closed())
    })
  }

  /** @internal Leaves a request that is no handshake to whoever listens, and answers it where nobody does. */
  _refuse({ status, message, headers }: Refused, request: InstanceType<Request>, socket: Duplex): void {
    if (this.listenerCount('wsClientError') > 0) this.emit('wsClientError', new Error(message), socket, request)
    else answer(socket, status, message, headers)
  }

  /** @internal */ _listenTo(server: HttpServer): () => void {
    const listening = () => this.emit('listening')
    const error = (error: Error) => this.emit('error', error)
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.handleUpgrade(request as InstanceType<Request>, socket, head, (client, of) => {
        this.emit('connection', client, of)
      })
    }
    server.on('listening', listening)
    server.on('error', error)
    server.on('upgrade', upgrade)
    return () => {
      server.removeListener('listening', listening)
      server.removeListener('error', error)
      server.removeListener('upgrade', upgrade)
    }
  }

  /** @internal */ _closed(): void {
    this._state = 'closed'
    this.emit('close')
  }
}

function destroyed(this: Duplex): void {
  this.destroy()
}

/** Whoever does not ask for an upgrade is told to. */
function upgradeRequired(
  _request: IncomingMessage,
  response: { writeHead(status: number, headers: OutgoingHttpHeaders): void; end(body: string): void },
): void {
  const body = STATUS_CODES[426] ?? ''
  response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' })
  response.end(body)
}
