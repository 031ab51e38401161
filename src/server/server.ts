import { randomBytes } from 'node:crypto'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions as TlsServerOptions,
} from 'node:https'
import type { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CloseCode } from '../protocol/close-code.ts'
import { encodeClosePayload } from '../protocol/close-payload.ts'
import { ArgumentError, HandshakeError } from '../protocol/error.ts'
import { customInspect, type Inspect, type InspectOptions, inspectFields } from '../protocol/inspect.ts'
import type { MessageData, PreparedMessage } from '../protocol/prepared.ts'
import { quote } from '../protocol/quote.ts'
import { guarded } from '../socket/awaitable.ts'
import { checkTime } from '../socket/check.ts'
import { currentContext } from '../socket/context.ts'
import { reportError } from '../socket/report-error.ts'
import { shared } from '../socket/runtime.ts'
import { type Membership, type PublishOptions, publish, type ServerSocket } from '../socket/server-socket.ts'
import { Topics } from '../topics/topics.ts'
import { type Claim, claimUpgrades } from './attach.ts'
import { watchDescriptors } from './descriptor-watch.ts'
import { answerPlainHttp } from './plain-http.ts'
import { compileTrustedProxies } from './proxy-trust.ts'
import { type Asker, Refusals } from './refusals.ts'
import { compileRoute, type Route, type RouteOptions } from './route.ts'
import { type ServerStats, Statistics } from './stats.ts'
import { Trace, type TraceOptions, type TraceResult } from './trace.ts'
import { unavailable } from './unavailable.ts'
import { Upgrade, type UpgradeContext } from './upgrade.ts'
import { pathOf } from './upgrade-request.ts'

export interface ServerOptions<Data> extends RouteOptions<Data> {
  /** Answers the ordinary HTTP requests of a server that was started by `listen`. Default: 426 and a sentence. */
  http?: RequestListener
  /** Addresses and networks of the proxies whose `X-Forwarded-Host` is believed. Default none. */
  trustedProxies?: readonly string[]
  /** Where refused handshakes are logged: at most 5 lines in 10 s, and 5 for origins. Default `console.warn`. */
  log?: (line: string) => void
}

export interface ListenOptions {
  /** Default 0: any free port. */
  port?: number
  /** Default: all addresses. */
  host?: string
  /** A Unix socket, instead of a port. */
  path?: string
  /** Certificate and key, and the other options of Node's TLS, for `wss:`. */
  tls?: TlsServerOptions
}

/** Where a server can be reached. */
export interface Listening {
  /** The port; 0 for a Unix socket. */
  readonly port: number
  /** The address, or the path of the Unix socket. */
  readonly address: string
  /** As in `ws://127.0.0.1:8080`; `ws+unix:` and the path for a Unix socket. */
  readonly url: string
}

export interface AttachOptions {
  /** The only path to take upgrades of. Default: those of the routes. */
  path?: string
  /** Says which upgrades to take. Default: those of the routes. */
  match?: (request: IncomingMessage) => boolean
}

export interface CloseOptions {
  /** Default 1001. */
  code?: number
  /** At most 123 bytes. Default none. */
  reason?: string
  /** Milliseconds after which connections that are still there are cut. Default 25,000. */
  deadline?: number
}

/**
 * Makes a server. It takes connections once it listens, is attached to a Node HTTP server, or is handed upgrades.
 *
 * The handlers are for every path that no `route` claims; without any handler there are only the routes.
 * @throws ArgumentError that names the option and its value
 */
export function createServer<Data = undefined>(options: ServerOptions<Data> = {}): Server<Data> {
  return new Server(options)
}

const HANDLERS = ['upgrade', 'open', 'message', 'ping', 'pong', 'drain', 'close'] as const

/** A WebSocket server. Made by `createServer`. */
export class Server<Data = undefined> {
  /** The sockets that are open or closing. */
  readonly sockets: ReadonlySet<ServerSocket<Data>>

  private readonly options: ServerOptions<Data>
  private readonly routes: Route[] = []
  private readonly fallback: Route | undefined
  private readonly live: Set<ServerSocket<Data>>
  /** Sockets that exist to tell a close code. */
  private readonly rejected = new Set<ServerSocket>()
  /** Ordinary HTTP requests that are being answered. */
  private readonly answering = new Set<ServerResponse>()
  /** What TLS is spoken over. Node's `closeAllConnections` passes over those on which it has not begun. */
  private readonly underTls = new Set<NetSocket>()
  private readonly byId = new Map<string, ServerSocket>()
  private readonly topics = new Topics<ServerSocket>()
  private readonly context: UpgradeContext
  private readonly refusals: Refusals
  private readonly statistics = new Statistics()
  private readonly idPrefix = randomBytes(9).toString('base64url')
  private nextId = 1
  private listener: HttpServer | HttpsServer | undefined
  /** Settles when the listener listens, or cannot. */
  private started: Promise<void> | undefined
  private readonly release: (() => void)[] = []
  private closing: Promise<void> | undefined
  private onEmpty: (() => void) | undefined

  /** @internal */
  constructor(options: ServerOptions<Data>) {
    this.options = options
    const route = compileRoute(undefined, options)
    this.fallback = HANDLERS.some((name) => options[name] !== undefined) ? route : undefined
    const { statistics } = this
    this.refusals = new Refusals(
      (line) => this.writeLog(line),
      (reason) => statistics.noteRefused(reason),
    )
    const live = new Set<ServerSocket<Data>>()
    this.live = live
    this.sockets = live
    const membership: Membership = { topics: this.topics, register: (socket) => this.register(socket) }
    this.context = {
      membership,
      isTrusted: compileTrustedProxies(options.trustedProxies ?? []),
      refusals: this.refusals,
      underWay: new Set(),
      // Sockets of other routes carry other data, and are walked with these.
      opened: (socket) => {
        live.add(socket as ServerSocket<Data>)
        statistics.noteOpened()
      },
      rejected: (socket) => {
        this.rejected.add(socket)
        statistics.noteOpened()
      },
      handlers: currentContext(),
      closed: (socket, info) => {
        statistics.noteClosed(socket, info)
        this.left(socket as ServerSocket<Data>)
      },
      roundTrip: (milliseconds) => statistics.noteRoundTrip(milliseconds),
    }
  }

  /**
   * Adds handlers and options for one path. Routes are tried in the order in which they were added.
   * @param path the whole path, or a RegExp, whose match the `upgrade` hook gets
   * @throws ArgumentError that names the option and its value
   */
  route<RouteData = undefined>(path: string | RegExp, options: RouteOptions<RouteData>): this {
    this.routes.push(compileRoute(path, options))
    return this
  }

  /**
   * Listens on a port or a Unix socket, with an HTTP server of its own.
   * @throws what the system says, such as EADDRINUSE; ArgumentError when it listens already
   */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    if (this.closing !== undefined) throw new ArgumentError('The server is closed.')
    if (this.listener !== undefined) throw new ArgumentError('The server listens already.')
    const answer = this.options.http ?? ((request, response) => this.answerPlainHttp(request, response))
    const http: RequestListener = (request, response) => {
      this.answering.add(response)
      response.once('close', () => {
        this.answering.delete(response)
        this.checkEmpty()
      })
      return answer(request, response)
    }
    const headersTimeout = this.options.handshakeTimeout ?? 10_000
    const timeouts = {
      headersTimeout,
      requestTimeout: Math.max(headersTimeout, 300_000),
      // Node looks for slow requests only so often.
      connectionsCheckingInterval: Math.ceil(headersTimeout / 4),
    }
    const listener =
      options.tls === undefined
        ? createHttpServer(timeouts, http)
        : createHttpsServer({ ...timeouts, handshakeTimeout: headersTimeout, ...options.tls }, http)
    this.listener = listener
    if (options.tls !== undefined) {
      listener.on('connection', (stream: NetSocket) => {
        this.underTls.add(stream)
        stream.once('close', () => this.underTls.delete(stream))
      })
    }
    const release = claimUpgrades(listener, this.claim({}))
    this.started = listenOn(listener, options)
    try {
      await this.started
    } catch (error) {
      this.listener = undefined
      release()
      throw error
    }
    this.release.push(release)
    // A failing accept is reported; it neither ends the process nor stops the server.
    const report = (error: Error) => reportError(this.options.error, error, undefined)
    listener.on('error', report)
    this.release.push(watchDescriptors(report))
    if (this.closing !== undefined) throw new ArgumentError('The server was closed before it listened.')
    return listening(listener, options)
  }

  /**
   * Takes the upgrades of an HTTP or HTTPS server of Node's, and leaves the rest to it. An upgrade that nobody claims
   * is refused with 404, unless the HTTP server has other `upgrade` listeners, to whom it is left.
   */
  attach(httpServer: HttpServer | HttpsServer, options: AttachOptions = {}): this {
    this.release.push(claimUpgrades(httpServer, this.claim(options)))
    return this
  }

  private claim(options: AttachOptions): Claim {
    const take: Claim['take'] = (request) => {
      const path = pathOf(request.url ?? '/')
      if (options.path !== undefined && path !== options.path) return undefined
      try {
        if (options.match !== undefined && !options.match(request)) return undefined
      } catch (error) {
        reportError(this.options.error, error, undefined)
        return (stream) => this.refusals.fail(stream, askerOf(request))
      }
      return this.find(path) === undefined ? undefined : (socket, head) => this.handleUpgrade(request, socket, head)
    }
    return { take, refuse: (request, stream) => this.refuse(request, stream, notFound(request)) }
  }

  /** Takes one upgrade, from wherever Node's `upgrade` event came. The stream may be any Duplex. */
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    if (this.closing !== undefined) return this.refuse(request, stream, serverClosing())
    const found = this.find(pathOf(request.url ?? '/'))
    if (found === undefined) return this.refuse(request, stream, notFound(request))
    const { route, match } = found
    void new Upgrade(this.context, route, request, stream, head).run(match)
  }

  private refuse(request: IncomingMessage, stream: Duplex, error: HandshakeError): void {
    this.refusals.refuse(stream, error, askerOf(request))
  }

  /** The socket with this id, while it is open or closing. */
  get(id: string): ServerSocket<Data> | undefined {
    return this.byId.get(id) as ServerSocket<Data> | undefined
  }

  /**
   * Sends a message to all who have subscribed to a topic; it is encoded once. Returns to how many.
   * @param options `except`: the id of a socket to leave out; `type` and `key` as in PublishOptions
   */
  publish(
    topic: string,
    message: MessageData | PreparedMessage,
    options: PublishOptions & { except?: string } = {},
  ): number {
    const except = options.except === undefined ? undefined : this.byId.get(options.except)
    return publish(this.topics, topic, message, options, except)
  }

  /** How many sockets of this process have subscribed to a topic. */
  subscriberCount(topic: string): number {
    return this.topics.subscriberCount(topic)
  }

  /** What has happened so far, and what is there now. The totals are summed up when this is called. */
  stats(): ServerStats {
    return this.statistics.read([...this.live, ...this.rejected], this.context.underWay.size)
  }

  /**
   * Prints the frames of one connection, a line each: when, which way, what kind, how long; and how the trace ended. Nothing is
   * spent on it when it is over.
   * @param id `socket.id`
   * @returns what settles when it is over; it never rejects
   * @throws ArgumentError when no connection has this id now, or the time cannot be
   */
  trace(id: string, options: TraceOptions = {}): Promise<TraceResult> {
    const socket = this.byId.get(id)
    if (socket === undefined) {
      throw new ArgumentError(
        `There is no connection with the id ${quote(String(id))} now: it is closed, or was never given.`,
      )
    }
    return new Trace(socket, options, (error) => reportError(this.options.error, error, undefined)).result
  }

  /**
   * Takes no more connections, sends a Close frame to everyone, and resolves when all have ended. HTTP requests to a
   * server that listens itself are answered to the end. Whoever has not finished by the deadline is cut.
   * @throws (as a rejection) ArgumentError for a code, a reason or a deadline that cannot be; the server goes on then
   */
  close(options: CloseOptions = {}): Promise<void> {
    if (this.closing !== undefined) return this.closing
    const { code = CloseCode.GoingAway, reason = '', deadline = 25_000 } = options
    try {
      encodeClosePayload(shared.platform, code, reason)
      checkTime('deadline', deadline)
    } catch (error) {
      return Promise.reject(error)
    }
    this.closing = this.shutDown(code, reason, deadline)
    return this.closing
  }

  /** @internal */
  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    const { connections, opened } = this.stats()
    return inspectFields(this, 'Server', { connections, opened }, { ...options, depth }, inspect)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private find(path: string): { route: Route; match: RegExpExecArray | undefined } | undefined {
    for (const route of this.routes) {
      const match = route.match(path)
      if (match !== undefined) return { route, match: match === true ? undefined : match }
    }
    return this.fallback === undefined ? undefined : { route: this.fallback, match: undefined }
  }

  private register(socket: ServerSocket): string {
    const id = `${this.idPrefix}-${(this.nextId++).toString(36)}`
    if (socket.state !== 'closed') this.byId.set(id, socket)
    return id
  }

  private left(socket: ServerSocket<Data>): void {
    this.topics.leave(socket)
    this.live.delete(socket)
    this.rejected.delete(socket)
    this.byId.delete(socket.knownId ?? '')
    this.checkEmpty()
  }

  private get isEmpty(): boolean {
    return this.live.size + this.rejected.size + this.answering.size === 0
  }

  private checkEmpty(): void {
    if (this.isEmpty) this.onEmpty?.()
  }

  private answerPlainHttp(request: IncomingMessage, response: ServerResponse): void {
    const error = answerPlainHttp(request, response)
    if (error !== undefined) this.refusals.noteError(error, askerOf(request))
  }

  private writeLog(line: string): void {
    const { log = console.warn, error } = this.options
    guarded(
      () => log(line),
      (failure) => reportError(error, failure, undefined),
    )
  }

  private async closeListener(): Promise<void> {
    // One that only begins to listen cannot be closed yet. That it failed is told to whoever called `listen`.
    await this.started?.catch(() => {})
    const { listener } = this
    if (listener !== undefined) await new Promise<void>((resolve) => listener.close(() => resolve()))
  }

  private async shutDown(code: number, reason: string, deadline: number): Promise<void> {
    const listenerClosed = this.closeListener()
    for (const handshake of this.context.underWay) {
      handshake.abort(serverClosing())
    }
    const timer = setTimeout(() => {
      for (const socket of [...this.live, ...this.rejected]) socket.terminate()
      this.listener?.closeAllConnections()
      for (const stream of this.underTls) stream.destroy()
    }, deadline)
    for (const socket of this.live) socket.shutDown(code, reason)
    if (!this.isEmpty) {
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve
      })
    }
    for (const release of this.release) release()
    this.listener?.closeAllConnections()
    await listenerClosed
    clearTimeout(timer)
    this.refusals.flush()
  }
}

function notFound(request: IncomingMessage): HandshakeError {
  return new HandshakeError('NOT_FOUND', `There is no WebSocket at ${pathOf(request.url ?? '/')}.`, { status: 404 })
}

function serverClosing(): HandshakeError {
  return unavailable('SERVER_CLOSING', 'The server is closing.')
}

function askerOf(request: IncomingMessage): Asker {
  return { clientAddress: request.socket.remoteAddress, path: pathOf(request.url ?? '/') }
}

/** Resolves when it listens. */
function listenOn(listener: HttpServer | HttpsServer, { port = 0, host, path }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(path === undefined ? { port, host } : { path }, () => {
      listener.off('error', reject)
      resolve()
    })
  })
}

function listening(listener: HttpServer | HttpsServer, options: ListenOptions): Listening {
  const address = listener.address()
  if (address === null || typeof address === 'string') {
    const path = address ?? options.path ?? ''
    return { port: 0, address: path, url: `${options.tls === undefined ? 'ws' : 'wss'}+unix:${path}` }
  }
  const scheme = options.tls === undefined ? 'ws' : 'wss'
  // Every address of this machine can be asked for at the one that is always there.
  const everywhere = address.address === '::' || address.address === '0.0.0.0'
  const host = everywhere ? 'localhost' : address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { port: address.port, address: address.address, url: `${scheme}://${host}:${address.port}` }
}
