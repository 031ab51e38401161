import type { Server as HttpServer, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { HeartbeatOptions } from './heartbeat.ts'
import type { PerMessageDeflateOptions } from './permessage-deflate.ts'
import { WebSocket } from './web-socket.ts'

export interface ClientInfo<Request extends IncomingMessage = IncomingMessage> {
  origin: string
  secure: boolean
  req: Request
}

export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
  info: ClientInfo<Request>,
) => boolean

export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: ClientInfo<Request>,
  callback: (res: boolean, code?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
) => void

/** What a server takes; times in milliseconds, sizes in bytes. Exactly one of `port`, `server` and `noServer` is to be given. */
export interface ServerOptions<
  Socket extends typeof WebSocket = typeof WebSocket,
  Request extends typeof IncomingMessage = typeof IncomingMessage,
> {
  /** Whether several of the events message, ping and pong may be emitted in one turn. Default true. */
  allowSynchronousEvents?: boolean | undefined
  /** Whether pings are answered. Default true. */
  autoPong?: boolean | undefined
  backlog?: number | undefined
  /** Whether there is `clients`. Default true. */
  clientTracking?: boolean | undefined
  /** How long the closing handshake may take. Default 30000. */
  closeTimeout?: number | undefined
  handleProtocols?: ((protocols: Set<string>, request: InstanceType<Request>) => string | false) | undefined
  /** heartwire's: a peer of which nothing is heard is pinged, then given up, with an error. Default false. */
  heartbeat?: boolean | HeartbeatOptions | undefined
  host?: string | undefined
  /** heartwire's: bytes that may wait for a slow peer; above it the connection is given up, with an error. Default Infinity. */
  maxBufferedAmount?: number | undefined
  /** Without an effect: what has come of a message lies in one piece of memory. */
  maxBufferedChunks?: number | undefined
  /** Fragments of a message; 0 for no limit. Default 16384. */
  maxFragments?: number | undefined
  /** Bytes of a message; 0 for no limit. Default 104857600. */
  maxPayload?: number | undefined
  /** Without an effect: of answers that wait, the newest takes the place of others from the 65th on. */
  maxPendingAutoPongs?: number | undefined
  noServer?: boolean | undefined
  path?: string | undefined
  /** Default false. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined
  port?: number | undefined
  server?: HttpServer<Request> | HttpsServer<Request> | undefined
  /** Default false. */
  skipUTF8Validation?: boolean | undefined
  verifyClient?:
    | VerifyClientCallbackAsync<InstanceType<Request>>
    | VerifyClientCallbackSync<InstanceType<Request>>
    | undefined
  /** The class of what clients are made; it extends WebSocket. */
  WebSocket?: Socket | undefined
}

const DEFAULTS = {
  allowSynchronousEvents: true,
  autoPong: true,
  maxBufferedChunks: 262_144,
  maxFragments: 16_384,
  maxPayload: 100 * 1024 * 1024,
  maxPendingAutoPongs: 60,
  skipUTF8Validation: false,
  perMessageDeflate: false,
  handleProtocols: null,
  clientTracking: true,
  closeTimeout: 30_000,
  verifyClient: null,
  noServer: false,
  backlog: null,
  server: null,
  host: null,
  path: null,
  port: null,
  WebSocket,
}

/** @throws TypeError unless exactly one of `port`, `server` and `noServer` is given */
export function resolveServerOptions<Socket extends typeof WebSocket, Request extends typeof IncomingMessage>(
  given: ServerOptions<Socket, Request> | undefined,
): ServerOptions<Socket, Request> {
  const options = { ...DEFAULTS, ...given }
  const { noServer, port, server } = options
  const ways = [port !== null && port !== undefined, Boolean(server), Boolean(noServer)]
  if (ways.filter(Boolean).length !== 1) {
    throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified')
  }
  if (options.perMessageDeflate === true) options.perMessageDeflate = {}
  return options as ServerOptions<Socket, Request>
}
