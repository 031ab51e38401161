import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import {
  createServer as createHttpsServer,
  type Server as HttpsServer,
  type ServerOptions as TlsServerOptions,
} from 'node:https'
import { isIPv6, type Socket as NetSocket } from 'node:net'
import { ArgumentError, HandshakeError } from '../protocol/error.ts'
import { checkNames } from '../socket/option-names.ts'
import type { HandshakeHead, HandshakeStream } from './handshake-stream.ts'
import { type HeaderLimits, headersTooLarge } from './header-limits.ts'
import { NativePort } from './native-port.ts'

export interface ListenOptions {
  /** Default 0: any free port. */
  port?: number
  /** Default: all addresses. */
  host?: string
  /** A Unix socket, instead of a port. */
  path?: string
  /**
   * Most connections that the kernel keeps until they are accepted, as while the event loop is busy. Linux has a limit of
   * its own beside it: `net.core.somaxconn`. Default 4,096.
   */
  backlog?: number
  /** Certificate and key, and the other options of Node's TLS, for `wss:`. */
  tls?: TlsServerOptions
}

const LISTEN_OPTIONS = Object.keys({ port: 0, host: 0, path: 0, backlog: 0, tls: 0 } satisfies Record<
  keyof ListenOptions,
  0
>)

/** As many as Linux keeps by default. */
const BACKLOG = 4_096

/** Where a server can be reached. */
export interface Listening {
  /** The port; 0 for a Unix socket. */
  readonly port: number
  /** The address, or the path of the Unix socket. */
  readonly address: string
  /** As in `ws://127.0.0.1:8080`; `ws+unix:` and the path for a Unix socket. */
  readonly url: string
}

/** What a server has to say to its listener. */
export interface ListenerOptions {
  /** Milliseconds for a request's headers, and for the TLS handshake. */
  handshakeTimeout: number
  headerLimits: HeaderLimits
  /** Answers the ordinary HTTP requests. */
  http: RequestListener
  /** Refuses what Node does not take for a request. */
  refuse(stream: NetSocket, error: HandshakeError): void
  /** Takes the handshakes of a port on which the native addon accepts; without it Node does. */
  upgrade?: ((head: HandshakeHead, stream: HandshakeStream) => void) | undefined
}

/** Node gives up to this many header fields, and leaves out the rest without a word. */
const NODE_HEADERS = 1000

/** The HTTP server of a server that listens itself. */
export class Listener {
  readonly http: HttpServer | HttpsServer

  private readonly options: ListenOptions
  private readonly settings: ListenerOptions
  private port: NativePort | undefined
  /** How many ordinary HTTP requests are being answered, by their connection. */
  private readonly answering = new Map<NetSocket, number>()
  /** What TLS is spoken over. Node's `closeAllConnections` passes over those on which it has not begun. */
  private readonly underTls = new Set<NetSocket>()
  /** Settles when it listens, or cannot. */
  private started: Promise<void> | undefined
  private windingDown = false
  /** Settles when the port has been given up and no connection is left. */
  private closed: Promise<void> | undefined
  private onAnswered: (() => void) | undefined

  /** @throws ArgumentError that names the option and its value; what Node says of TLS options that cannot be */
  constructor(options: ListenOptions, settings: ListenerOptions) {
    checkNames(options, LISTEN_OPTIONS, 'listen')
    checkBacklog(options.backlog)
    this.options = options
    this.settings = settings
    const { handshakeTimeout, headerLimits, http, refuse } = settings
    const { maxHeaders, maxHeaderSize } = headerLimits
    const limits = {
      headersTimeout: handshakeTimeout,
      requestTimeout: Math.max(handshakeTimeout, 300_000),
      // Node looks for slow requests only so often, and refuses all that are overdue in one turn of the loop.
      connectionsCheckingInterval: Math.min(Math.ceil(handshakeTimeout / 4), 100),
      // Node refuses what reaches its limit, not only what goes above it.
      maxHeaderSize: Math.min(maxHeaderSize + 1, Number.MAX_SAFE_INTEGER),
    }
    const answer: RequestListener = (request, response) => {
      const { socket } = request
      this.answering.set(socket, (this.answering.get(socket) ?? 0) + 1)
      response.once('close', () => this.answeredOn(socket))
      if (this.windingDown) response.setHeader('connection', 'close')
      return http(request, response)
    }
    this.http =
      options.tls === undefined
        ? createHttpServer(limits, answer)
        : createHttpsServer({ ...limits, handshakeTimeout, ...options.tls }, answer)
    // One field more than is allowed has to be seen to be refused.
    this.http.maxHeadersCount = maxHeaders < NODE_HEADERS ? NODE_HEADERS : 0
    if (options.tls !== undefined) {
      this.http.on('connection', (stream: NetSocket) => {
        this.underTls.add(stream)
        stream.once('close', () => this.underTls.delete(stream))
      })
    }
    this.http.on('clientError', (error: NodeJS.ErrnoException, stream: NetSocket) => {
      // A parser that has failed says so again with all that still comes.
      if (stream.writableEnded) return
      const refusal = this.answering.has(stream) ? undefined : refusalFor(error)
      if (refusal === undefined) stream.destroy()
      else refuse(stream, refusal)
    })
  }

  /**
   * Resolves when it listens.
   * @throws what the system says
   */
  async listen(): Promise<Listening> {
    this.started = this.start()
    await this.started
    return this.port === undefined
      ? listening(this.http, this.options)
      : listeningAt('ws', this.port.listener.address, this.port.listener.port)
  }

  private async start(): Promise<void> {
    const { http, options, settings } = this
    const { upgrade } = settings
    if (upgrade === undefined || !NativePort.serves(options)) return listenOn(http, options)
    this.port = await NativePort.open(options, options.backlog ?? BACKLOG, { ...settings, http, upgrade })
  }

  /** Takes again what the port has in reserve for when the process has no file descriptor left, where it was lost. */
  restoreReserve(): void {
    this.port?.listener.restoreReserve()
  }

  /** From here on each HTTP answer is the last one on its connection, so that clients ask elsewhere. */
  windDown(): void {
    this.windingDown = true
  }

  /**
   * Gives up the port, and ends the connections that ask for nothing. Resolves when the HTTP requests under way are answered
   * and no connection is left.
   */
  close(): Promise<void> {
    this.closed ??= this.shut()
    return this.closed
  }

  /** Gives up the port, and ends every connection that carries HTTP, or nothing yet. */
  cut(): void {
    void this.close()
    this.http.closeAllConnections()
    for (const stream of this.underTls) stream.destroy()
  }

  private async shut(): Promise<void> {
    // One that only begins to listen cannot be closed yet. That it failed is told to whoever called `listen`.
    await this.started?.catch(() => {})
    const gone = this.port?.close() ?? new Promise<void>((resolve) => this.http.close(() => resolve()))
    await this.answered()
    this.http.closeAllConnections()
    await gone
  }

  /** Resolves when no HTTP request is being answered. */
  private async answered(): Promise<void> {
    if (this.answering.size === 0) return
    await new Promise<void>((resolve) => {
      this.onAnswered = resolve
    })
  }

  private answeredOn(stream: NetSocket): void {
    const left = (this.answering.get(stream) ?? 0) - 1
    // When a connection ends, Node says so to the answer that is its turn, and to none of those behind it.
    if (left > 0 && !stream.destroyed) this.answering.set(stream, left)
    else this.answering.delete(stream)
    // The application may have kept it alive for more requests, and the next one may come before the others are answered.
    if (this.closed !== undefined) this.http.closeIdleConnections()
    if (this.answering.size === 0) this.onAnswered?.()
  }
}

function checkBacklog(backlog = BACKLOG): void {
  if (Number.isInteger(backlog) && backlog >= 1 && backlog < 2 ** 31) return
  throw new ArgumentError(`The option backlog is a whole number from 1 to ${2 ** 31 - 1}, not ${String(backlog)}.`)
}

/** What Node's parser found wrong with a request. Nobody is there to be answered after any other error. */
function refusalFor({ code = '', message }: NodeJS.ErrnoException): HandshakeError | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HandshakeError('HANDSHAKE_TIMEOUT', 'The request did not come in time (handshakeTimeout).', {
      status: 408,
    })
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return headersTooLarge('The request has more bytes of headers than are allowed (maxHeaderSize).')
  }
  if (!code.startsWith('HPE_')) return undefined
  return new HandshakeError('BAD_REQUEST', `The request cannot be read: ${message}.`, { status: 400 })
}

/** Resolves when it listens. */
function listenOn(listener: HttpServer | HttpsServer, options: ListenOptions): Promise<void> {
  const { port = 0, host, path, backlog = BACKLOG } = options
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(path === undefined ? { port, host, backlog } : { path, backlog }, () => {
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
  return listeningAt(options.tls === undefined ? 'ws' : 'wss', address.address, address.port)
}

function listeningAt(scheme: 'ws' | 'wss', address: string, port: number): Listening {
  // Every address of this machine can be asked for at the one that is always there.
  const everywhere = address === '::' || address === '0.0.0.0'
  const host = everywhere ? 'localhost' : isIPv6(address) ? `[${address}]` : address
  return { port, address, url: `${scheme}://${host}:${port}` }
}
