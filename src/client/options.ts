import type { Duplex } from 'node:stream'
import { ArgumentError } from '../protocol/error.ts'
import { checkSubprotocols, type HeaderLine, type OutgoingHeaders, requestHeaderLines } from '../protocol/handshake.ts'
import { checkHeaderValue } from '../protocol/headers.ts'
import {
  type Behaviour,
  CLIENT_MAX_PAYLOAD,
  checkTime,
  type Handlers,
  resolveBehaviour,
  type SocketOptions,
} from '../socket/options.ts'
import type { Socket } from '../socket/socket.ts'
import type { StreamRequest, TlsOptions, Ways } from './dial.ts'

/** What can be set for a client connection. */
export interface ConnectOptions<Data = undefined> extends SocketOptions, Handlers<Socket<Data>> {
  // The request

  /** Further headers of the request, as `authorization` or `cookie`. */
  headers?: OutgoingHeaders | undefined
  /** The Origin header, which servers check; default none. */
  origin?: string | undefined
  /** The subprotocols to offer, in order of preference. The server's choice is `socket.protocol`. */
  protocols?: string | readonly string[] | undefined
  /** Milliseconds for the whole handshake: looking up the name, TCP, the proxy, TLS, redirects, the answer. Default 10,000. */
  handshakeTimeout?: number | undefined
  /** Gives up: the promise rejects with the signal's reason, and nothing stays behind. Once the socket is open it does nothing. */
  signal?: AbortSignal | undefined

  // The way

  /** Options of Node's TLS for `wss:`, as `ca` for an authority of one's own, or `cert` and `key`. */
  tls?: TlsOptions | undefined
  /** A Unix socket to connect to, in place of the URL's host and port. */
  socketPath?: string | undefined
  /**
   * Makes the stream to the server: any Duplex of bytes, as one through an SSH tunnel. For `wss:` TLS is spoken over it,
   * unless it is a TLSSocket already.
   */
  createConnection?: ((request: StreamRequest) => Duplex | Promise<Duplex>) | undefined

  /** What `socket.data` is at first. */
  data?: Data
}

/** The options of `connect`, checked and with their defaults filled in. */
export interface Settings extends Ways {
  readonly behaviour: Behaviour
  readonly headers: readonly HeaderLine[]
  readonly protocols: readonly string[]
  readonly handshakeTimeout: number
  readonly tls: TlsOptions
  readonly socketPath: string | undefined
}

/** @throws ArgumentError that names the option and its value */
export function compileOptions<Data>(options: ConnectOptions<Data>): Settings {
  const protocols = typeof options.protocols === 'string' ? [options.protocols] : (options.protocols ?? [])
  checkSubprotocols(protocols)
  return {
    behaviour: resolveBehaviour(options, CLIENT_MAX_PAYLOAD),
    headers: headerLines(options.headers, options.origin),
    protocols,
    handshakeTimeout: checkTime('handshakeTimeout', options.handshakeTimeout ?? 10_000),
    tls: options.tls ?? {},
    socketPath: options.socketPath,
    createConnection: options.createConnection,
  }
}

function headerLines(headers: OutgoingHeaders | undefined, origin: string | undefined): HeaderLine[] {
  const lines = requestHeaderLines(headers)
  if (origin === undefined) return lines
  checkHeaderValue('Origin', origin)
  if (hasHeader(lines, 'origin'))
    throw new ArgumentError('The origin is given twice: by the option origin and in headers.')
  return [...lines, ['Origin', origin]]
}

/** @param name in lower case */
export function hasHeader(lines: readonly HeaderLine[], name: string): boolean {
  return lines.some(([given]) => given.toLowerCase() === name)
}

/** The headers of a request besides those of the WebSocket handshake. */
export function ownHeaders(
  { authority, authorization }: { authority: string; authorization: string | undefined },
  lines: readonly HeaderLine[],
): HeaderLine[] {
  const all = [...lines]
  if (!hasHeader(all, 'host')) all.unshift(['Host', authority])
  if (authorization !== undefined && !hasHeader(all, 'authorization')) all.push(['Authorization', authorization])
  return all
}
