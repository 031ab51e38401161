import { randomBytes } from 'node:crypto'
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { ArgumentError, HandshakeError } from '../protocol/error.ts'
import { customInspect, type Inspect, type InspectOptions, inspectFields } from '../protocol/inspect.ts'
import type { MessageData, PreparedMessage } from '../protocol/prepared.ts'
import { quote, shown } from '../protocol/quote.ts'
import { atOnce, guarded } from '../socket/awaitable.ts'
import { checkWord } from '../socket/check.ts'
import { branch, currentContext } from '../socket/context.ts'
import { checkNames } from '../socket/option-names.ts'
import { reportError } from '../socket/report-error.ts'
import {
  checkPublishOptions,
  type Membership,
  PUBLISH_OPTIONS,
  type PublishOptions,
  publish,
  type ServerSocket,
} from '../socket/server-socket.ts'
import { Topics } from '../topics/topics.ts'
import {
  checkTls,
  chooseTransport,
  TRANSPORT_OPTIONS,
  type TransportChoice,
  tellFallback,
} from '../transport/choice.ts'
import { type Claim, claimUpgrades } from './attach.ts'
import { clientOf } from './client-address.ts'
import { CLOSE_OPTIONS, type CloseOptions, type CloseReport, Closing, resolveCloseOptions } from './closing.ts'
import { watchDescriptors } from './descriptor-watch.ts'
import { type HandshakeHead, type HandshakeStream, headOf } from './handshake-stream.ts'
import { Listener, type Listening, type ListenOptions } from './listener.ts'
import { NodeHandshakeStream } from './node-handshake-stream.ts'
import { answerFailed, answerPlainHttp } from './plain-http.ts'
import { compileTrustedProxies, plainAddress } from './proxy-trust.ts'
import { type Asker, Refusals } from './refusals.ts'
import { compileRoute, compileServer, type Route, type RouteOptions, type ServerOptions } from './route.ts'
import { type ServerStats, Statistics } from './stats.ts'
import { Trace, type TraceOptions, type TraceResult } from './trace.ts'
import { serverClosing } from './unavailable.ts'
import { Upgrade, type UpgradeContext } from './upgrade.ts'
import { pathOf } from './upgrade-request.ts'

export interface AttachOptions {
  /** The only path to take upgrades of. Default: those of the routes. */
  path?: string
  /** Says which upgrades to take. Default: those of the routes. */
  match?: (request: IncomingMessage) => boolean
}

const ATTACH_OPTIONS = Object.keys({ path: 0, match: 0 } satisfies Record<keyof AttachOptions, 0>)

const PUBLISH_OPTIONS_OF_SERVER = [...PUBLISH_OPTIONS, 'except']

/**
 * Makes a server. It takes connections once it listens, is attached to a Node HTTP server, or is handed upgrades.
 *
 * The handlers are for every path that no `route` claims; without any handler there are only the routes.
 * @throws ArgumentError that names the option and its value
 */
export function createServer<Data = undefined>(options: ServerOptions<Data> = {}): Server<Data> {
  return new Server(options)
}

const NOTHING = Buffer.alloc(0)

/** The route of a request, with the match where its path was given as a RegExp. */
interface Found {
  route: Route
  match: RegExpExecArray | undefined
}

/** What makes a server a route itself. */
const OF_ROUTE = ['upgrade', 'open', 'message', 'ping', 'pong', 'drain', 'dropped', 'close'] as const

/** A WebSocket server. Made by `createServer`. */
export class Server<Data = undefined> {
  /** The sockets that are open or closing. */
  readonly sockets: ReadonlySet<ServerSocket<Data>>

  private readonly options: ServerOptions<Data>
  private readonly routes: Route[] = []
  /** What a route is where it says nothing else; a route itself, if the server has handlers. */
  private readonly own: Route
  private readonly isRoute: boolean
  private readonly live: Set<ServerSocket<Data>>
  /** Sockets that exist to tell a close code. */
  private readonly rejected = new Set<ServerSocket>()
  private readonly byId = new Map<string, ServerSocket>()
  private readonly topics = new Topics<ServerSocket>()
  private readonly context: UpgradeContext
  private readonly refusals: Refusals
  private readonly statistics = new Statistics()
  private readonly idPrefix = randomBytes(9).toString('base64url')
  private nextId = 1
  private listener: Listener | undefined
  private watches = false
  private readonly release: (() => void)[] = []
  private closing: Promise<CloseReport> | undefined
  private readonly log = (line: string): void => {
    const { log = console.warn } = this.options
    guarded(
      () => this.enter(() => log(line)),
      (failure) => this.report(failure),
    )
  }

  /** @internal */
  constructor(options: ServerOptions<Data>) {
    this.options = options
    this.own = compileServer(options)
    const transport = chooseTransport(checkWord('transport', options.transport ?? 'auto', TRANSPORT_OPTIONS))
    this.isRoute = OF_ROUTE.some((name) => options[name] !== undefined)
    const { statistics } = this
    this.refusals = new Refusals(this.log, (reason) => statistics.noteRefused(reason))
    const live = new Set<ServerSocket<Data>>()
    this.live = live
    this.sockets = live
    const membership: Membership = { topics: this.topics, register: (socket) => this.register(socket) }
    this.context = {
      membership,
      transport,
      isTrusted: compileTrustedProxies(options.trustedProxies ?? []),
      refusals: this.refusals,
      underWay: new Set(),
      isClosing: () => this.closing !== undefined,
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
      setups: new Map(),
      closed: (socket, info) => {
        statistics.noteClosed(socket, info)
        this.left(socket as ServerSocket<Data>)
      },
      roundTrip: (milliseconds) => statistics.noteRoundTrip(milliseconds),
    }
  }

  /**
   * Adds handlers and options for one path. Routes are tried in the order in which they were added. Options that are not
   * given are the server's, but for handlers, `upgrade` and `protocols`.
   * @param path the whole path, or a RegExp, whose match the `upgrade` hook gets
   * @throws ArgumentError that names the option and its value
   */
  route<RouteData = undefined>(path: string | RegExp, options: RouteOptions<RouteData>): this {
    this.routes.push(compileRoute(path, options, this.own))
    return this
  }

  /**
   * Listens on a port or a Unix socket, with an HTTP server of its own.
   * @throws what the system says, such as EADDRINUSE; ArgumentError for an option that cannot be, as `tls` when the transport is
   * to be native, and when the server listens already, or is closed
   */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    if (this.closing !== undefined) throw new ArgumentError('The server is closed.')
    if (this.listener !== undefined) throw new ArgumentError('The server listens already.')
    this.settleTransport(options.tls !== undefined)
    const listener = new Listener(options, {
      handshakeTimeout: this.own.handshakeTimeout,
      headerLimits: this.own.headerLimits,
      http: (request, response) => this.answerHttp(request, response),
      refuse: (stream, error) => {
        const { remoteAddress } = stream
        const clientAddress = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
        this.refusals.refuse(this.streamOf(stream), error, { clientAddress, path: '' })
      },
      upgrade:
        this.transport === 'native'
          ? (head, stream) => this.context.handlers.runInAsyncScope(this.upgrade, this, head, stream)
          : undefined,
    })
    this.listener = listener
    const release = claimUpgrades(listener.http, this.claim({}))
    let where: Listening
    try {
      where = await listener.listen()
      if (this.closing !== undefined) throw new ArgumentError('The server was closed before it listened.')
    } catch (error) {
      this.listener = undefined
      release()
      void listener.close()
      throw error
    }
    this.release.push(release)
    // A failing accept is reported; it neither ends the process nor stops the server.
    listener.http.on('error', (error) => this.report(error))
    this.watchDescriptors()
    return where
  }

  /**
   * Takes the upgrades of an HTTP or HTTPS server of Node's, and leaves the rest to it. An upgrade that nobody claims
   * is refused with 404, unless the HTTP server has other `upgrade` listeners, to whom it is left; with 503 when all that
   * were attached are closed.
   * @throws ArgumentError for an option that there is not, for an HTTPS server when the transport is to be native, and when the
   * server is closed
   */
  attach(httpServer: HttpServer | HttpsServer, options: AttachOptions = {}): this {
    if (this.closing !== undefined) throw new ArgumentError('The server is closed.')
    checkNames(options, ATTACH_OPTIONS, 'attach')
    this.settleTransport(httpServer instanceof TlsServer)
    this.release.push(claimUpgrades(httpServer, this.claim(options)))
    this.watchDescriptors()
    return this
  }

  /** TLS is Node's, whatever was chosen. */
  private settleTransport(isTls: boolean): void {
    if (isTls) checkTls(this.context.transport)
    else tellFallback(this.context.transport, this.log)
  }

  /** Once, however many it listens on: they are those of the process. */
  private watchDescriptors(): void {
    if (this.watches) return
    this.watches = true
    this.release.push(
      watchDescriptors(
        (error) => this.report(error),
        () => this.listener?.restoreReserve(),
      ),
    )
  }

  private claim(options: AttachOptions): Claim {
    const take: Claim['take'] = (request) => {
      const path = pathOf(request.url ?? '/')
      if (options.path !== undefined && path !== options.path) return undefined
      const { match } = options
      try {
        if (match !== undefined && !this.enter(() => atOnce(match(request), 'match'))) return undefined
      } catch (error) {
        this.report(error)
        return (stream) => this.refusals.fail(this.streamOf(stream), this.askerOf(headOf(request)))
      }
      const found = this.find(path)
      if (found === undefined) return undefined
      // An HTTP server has no context that would say anything of a handshake.
      return (stream, early) => {
        const head = headOf(request)
        const { handlers } = this.context
        handlers.runInAsyncScope(this.begin, this, found, head, this.streamOf(stream, early, head))
      }
    }
    return { take, refuse: (request, stream) => this.refuseUnclaimed(headOf(request), this.streamOf(stream)) }
  }

  /** Takes one upgrade, from wherever Node's `upgrade` event came. The stream may be any Duplex. */
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    tellFallback(this.context.transport, this.log)
    const asked = headOf(request)
    this.upgrade(asked, this.streamOf(stream, head, asked))
  }

  private upgrade(head: HandshakeHead, stream: HandshakeStream): void {
    const found = this.find(pathOf(head.url))
    if (found !== undefined) this.begin(found, head, stream)
    else this.refuseUnclaimed(head, stream)
  }

  private streamOf(stream: Duplex, early: Buffer = NOTHING, head?: HandshakeHead): HandshakeStream {
    return new NodeHandshakeStream(stream, early, this.context.transport, head?.remoteAddress)
  }

  private refuseUnclaimed(head: HandshakeHead, stream: HandshakeStream): void {
    this.refuse(head, stream, this.closing === undefined ? notFound(head) : serverClosing())
  }

  private begin({ route, match }: Found, head: HandshakeHead, stream: HandshakeStream): void {
    if (this.closing !== undefined) return this.refuse(head, stream, serverClosing())
    const upgrade = new Upgrade(this.context, route, head, stream)
    const context = route.behaviour.asyncContext === 'upgrade' ? currentContext() : branch(this.context.handlers)
    context.runInAsyncScope(upgrade.run, upgrade, match)
  }

  private refuse(head: HandshakeHead, stream: HandshakeStream, error: HandshakeError): void {
    this.refusals.refuse(stream, error, this.askerOf(head))
  }

  /** What plain sockets are read and written by; those of TLS, and other streams, have Node's. */
  get transport(): TransportChoice['transport'] {
    return this.context.transport.transport
  }

  /** Why it is that one, in half a sentence. */
  get transportReason(): string {
    return this.context.transport.reason
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
    checkPublishOptions(options, PUBLISH_OPTIONS_OF_SERVER, 'server.publish')
    const except = options.except === undefined ? undefined : this.byId.get(checkId(options.except))
    return publish(this.topics, topic, message, options, except)
  }

  /** How many sockets of this process have subscribed to a topic. */
  subscriberCount(topic: string): number {
    return this.topics.subscriberCount(topic)
  }

  /** What has happened so far, and what is there now. The totals are summed up when this is called. */
  stats(): ServerStats {
    return this.statistics.read([...this.live, ...this.rejected], this.context.underWay.size, this.transport)
  }

  /**
   * Prints the frames of one connection, a line each: when, which way, what kind, how long; and how the trace ended. Nothing is
   * spent on it when it is over.
   * @param id `socket.id`
   * @returns what settles when it is over; it never rejects
   * @throws ArgumentError when no connection has this id now, or an option cannot be
   */
  trace(id: string, options: TraceOptions = {}): Promise<TraceResult> {
    const socket = this.byId.get(id)
    if (socket === undefined) {
      throw new ArgumentError(
        `There is no connection with the id ${quote(String(id))} now: it is closed, or was never given.`,
      )
    }
    return new Trace(socket, options, (error) => this.report(error)).result
  }

  /**
   * Refuses handshakes with 503, sends a Close frame to everyone behind what was sent before, and resolves when all have
   * ended, with how they did. Whoever has not finished by the deadline is cut. Called again, it gives the same promise,
   * whatever the options.
   *
   * A server that `listen` started answers until the last WebSocket connection has ended, HTTP requests with
   * `Connection: close`. Then it gives up its port; those requests that are under way are answered to the end.
   * @throws (as a rejection) ArgumentError for a code, a reason or a time that cannot be; the server goes on then
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    if (this.closing !== undefined) return this.closing
    let begin = () => {}
    try {
      checkNames(options, CLOSE_OPTIONS, 'close')
      const resolved = resolveCloseOptions(options)
      // What is called while it begins finds it closing already.
      this.closing = new Promise((resolve) => {
        begin = () => resolve(this.shutDown(resolved))
      })
    } catch (error) {
      return Promise.reject(error)
    }
    begin()
    return this.closing
  }

  /** Closes with the defaults, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    const { connections, opened } = this.stats()
    return inspectFields(this, 'Server', { connections, opened }, { ...options, depth }, inspect)
  }

  private find(path: string): Found | undefined {
    for (const route of this.routes) {
      const match = route.match(path)
      if (match !== undefined) return { route, match: match === true ? undefined : match }
    }
    return this.isRoute ? { route: this.own, match: undefined } : undefined
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
  }

  private answerHttp(request: IncomingMessage, response: ServerResponse): void {
    const { http } = this.options
    if (http === undefined) return this.answerPlainHttp(request, response)
    guarded(
      () => http(request, response),
      (failure) => {
        this.report(failure)
        answerFailed(response)
      },
    )
  }

  private answerPlainHttp(request: IncomingMessage, response: ServerResponse): void {
    const error = answerPlainHttp(request, response)
    if (error !== undefined) this.refusals.noteError(error, this.askerOf(headOf(request)))
  }

  private report(error: unknown): void {
    this.enter(() => reportError(this.options.error, error, undefined))
  }

  /** Calls something of the application's in the AsyncLocalStorage context in which the server was created. */
  private enter<Result>(call: () => Result): Result {
    return branch(this.context.handlers).runInAsyncScope(call)
  }

  private askerOf(head: HandshakeHead): Asker {
    return { clientAddress: clientOf(head, this.context.isTrusted), path: pathOf(head.url) }
  }

  private async shutDown(options: Required<CloseOptions>): Promise<CloseReport> {
    const { listener } = this
    listener?.windDown()
    for (const handshake of this.context.underWay) handshake.abort(serverClosing())
    const closing = new Closing([...this.live, ...this.rejected], options)
    const timer = setTimeout(() => {
      closing.cut()
      listener?.cut()
    }, options.deadline)
    const report = await closing.report
    await listener?.close()
    for (const release of this.release) release()
    clearTimeout(timer)
    this.refusals.flush()
    return report
  }
}

function checkId(except: string): string {
  if (typeof except === 'string') return except
  throw new ArgumentError(`The option except is the id of a socket, not ${shown(except)}.`)
}

function notFound({ url }: HandshakeHead): HandshakeError {
  return new HandshakeError('NOT_FOUND', `There is no WebSocket at ${pathOf(url)}.`, { status: 404 })
}
