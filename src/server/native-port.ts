import cluster from 'node:cluster'
import { lookup } from 'node:dns/promises'
import type { Server as HttpServer } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import { nodePlatform } from '../platform/node.ts'
import { parseUpgradeHead } from '../protocol/request-head.ts'
import { type Context, currentContext } from '../socket/context.ts'
import { type NativeHost, NativeListener, type Visitor } from '../transport/native-listener.ts'
import type { HandshakeHead, HandshakeStream } from './handshake-stream.ts'
import type { HeaderLimits } from './header-limits.ts'
import type { ListenOptions } from './listener.ts'
import { NativeHandshakeStream } from './native-handshake-stream.ts'

/** Milliseconds for which one who connects may be silent, up to twice that, before Node's HTTP server has to wait. */
const PATIENCE = 500

interface Setup {
  http: HttpServer
  handshakeTimeout: number
  headerLimits: HeaderLimits
  /** Takes a handshake. */
  upgrade(head: HandshakeHead, stream: HandshakeStream): void
}

/**
 * A port on which the native addon accepts. Handshakes that are written as all clients write them are read here, with no
 * stream, parser or request of Node's. Every other connection is given to the HTTP server, and nothing has been read from it.
 */
export class NativePort implements NativeHost {
  readonly listener: NativeListener
  private readonly setup: Setup
  /** That of whoever listens, as with Node's servers. */
  private readonly context: Context
  /** Connections that the HTTP server was given. It does not count those itself. */
  private given = 0
  private onNoneGiven: (() => void) | undefined

  /** Whether there can be one; for the rest there is Node's. */
  static serves({ path, tls, port = 0, host }: ListenOptions): boolean {
    if (path !== undefined || tls !== undefined || cluster.isWorker) return false
    const isPort = Number.isInteger(port) && port >= 0 && port < 65_536
    return isPort && (host === undefined || typeof host === 'string')
  }

  /** @throws what the system says */
  static async open({ host, port = 0 }: ListenOptions, backlog: number, setup: Setup): Promise<NativePort> {
    const context = currentContext()
    const address = host === undefined || host === '' ? undefined : (await lookup(host)).address
    return new NativePort({ address, port, backlog }, setup, context)
  }

  private constructor(
    where: { address: string | undefined; port: number; backlog: number },
    setup: Setup,
    context: Context,
  ) {
    this.setup = setup
    this.context = context
    const patience = Math.ceil(Math.min(PATIENCE, setup.handshakeTimeout / 20))
    this.listener = new NativeListener({ ...where, patience }, this)
    // From here on it looks for slow requests.
    setup.http.emit('listening')
  }

  request(bytes: Uint8Array, visitor: Visitor): void {
    const { headerLimits, upgrade } = this.setup
    const head = this.plainHead(bytes, headerLimits)
    if (head === undefined) {
      const stream = visitor.give()
      if (stream !== undefined) this.stranger(stream)
      return
    }
    const transport = visitor.take(bytes.length)
    const { remoteAddress } = transport
    const asked = { method: 'GET', httpVersion: '1.1', ...head, remoteAddress, raw: undefined }
    upgrade(asked, new NativeHandshakeStream(transport))
  }

  stranger(stream: NetSocket): void {
    this.given++
    stream.once('close', () => {
      if (--this.given === 0) this.onNoneGiven?.()
    })
    stream.setNoDelay(true)
    this.context.runInAsyncScope(() => this.setup.http.emit('connection', stream))
  }

  /** Gives up the port. Resolves when no connection is left that the HTTP server was given. */
  async close(): Promise<void> {
    const { http } = this.setup
    for (const stream of this.listener.close()) this.stranger(stream)
    await new Promise<void>((resolve) => http.close(() => resolve()))
    if (this.given === 0) return
    await new Promise<void>((resolve) => {
      this.onNoneGiven = resolve
    })
  }

  /** Undefined as well when it may be larger than is allowed, which Node says in its own way. */
  private plainHead(bytes: Uint8Array, { maxHeaders, maxHeaderSize }: HeaderLimits) {
    if (bytes.length > maxHeaderSize) return undefined
    const head = parseUpgradeHead(nodePlatform.asciiDecode(bytes, 0, bytes.length))
    return head === undefined || head.rawHeaders.length / 2 > maxHeaders ? undefined : head
  }
}
