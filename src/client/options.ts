import { isIP } from 'node:net'
import { ArgumentError } from '../protocol/error.ts'
import { checkSubprotocols, type HeaderLine, type OutgoingHeaders, requestHeaderLines } from '../protocol/handshake.ts'
import { checkHeaderValue } from '../protocol/headers.ts'
import { shown } from '../protocol/quote.ts'
import { checkCount, checkFunctions, checkTime, checkWord } from '../socket/check.ts'
import { checkNames } from '../socket/option-names.ts'
import {
  type Behaviour,
  CLIENT_DEFAULTS,
  HANDLERS,
  type Handlers,
  resolveBehaviour,
  SOCKET_OPTIONS,
  type SocketOptions,
} from '../socket/options.ts'
import type { Socket } from '../socket/socket.ts'
import { chooseTransport, TRANSPORT_OPTIONS, type TransportChoice, type TransportOption } from '../transport/choice.ts'
import type { TlsOptions } from './dial.ts'
import type { CreateConnection, Ways } from './stream.ts'

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
  /**
   * The proxy to go through by CONNECT, `http:` or `https:`, with user name and password if it wants them; false for none.
   * Default: what `HTTPS_PROXY` (for `wss:`) and `HTTP_PROXY` (for `ws:`) say, in lower or upper case, except for the
   * hosts in `NO_PROXY`: names with all below them, addresses, networks, each with or without a port, or `*`.
   */
  proxy?: string | URL | false | undefined
  /**
   * The IP address of this machine to connect from, to the server or to its proxy. Default: the system's choice. From one
   * address there are about 28,000 connections to one port of a server.
   */
  localAddress?: string | undefined
  /** A Unix socket to connect to, in place of the URL's host and port. */
  socketPath?: string | undefined
  /**
   * Makes the stream to the server: any Duplex of bytes, as one through an SSH tunnel. For `wss:` TLS is spoken over it,
   * unless it is a TLSSocket already.
   */
  createConnection?: CreateConnection | undefined
  /**
   * How many redirects to follow; default 0. None leads from `wss:` to `ws:`. To another origin, that is another scheme,
   * host or port, the headers Authorization, Cookie, Proxy-Authorization and Host are not sent, and of the option `tls`
   * neither certificate nor key nor server name is used.
   */
  followRedirects?: number | undefined
  /**
   * What a plain socket is read and written by. Default `'auto'`: the native addon where there is one for this platform, and
   * Node's socket otherwise, as always for TLS. `'native'` throws where there is none; `'node'` does without, and is the default with
   * `createConnection`: the stream stays the application's.
   */
  transport?: TransportOption | undefined

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
  readonly followRedirects: number
  readonly transport: TransportChoice
}

const NAMES = [
  ...SOCKET_OPTIONS,
  ...HANDLERS,
  ...Object.keys({
    headers: 0,
    origin: 0,
    protocols: 0,
    handshakeTimeout: 0,
    signal: 0,
    tls: 0,
    proxy: 0,
    localAddress: 0,
    socketPath: 0,
    createConnection: 0,
    followRedirects: 0,
    transport: 0,
    data: 0,
  } satisfies Record<Exclude<keyof ConnectOptions, keyof SocketOptions | keyof Handlers<never>>, 0>),
]

const FUNCTIONS = [...HANDLERS, 'createConnection']

/** @throws ArgumentError that names the option and its value */
export function compileOptions<Data>(options: ConnectOptions<Data>): Settings {
  checkNames(options, NAMES, 'connect')
  checkFunctions(options, FUNCTIONS)
  const protocols = typeof options.protocols === 'string' ? [options.protocols] : (options.protocols ?? [])
  checkSubprotocols(protocols)
  checkOneWay(options)
  return {
    behaviour: resolveBehaviour(options, CLIENT_DEFAULTS),
    headers: headerLines(options.headers, options.origin),
    protocols,
    handshakeTimeout: checkTime('handshakeTimeout', options.handshakeTimeout ?? 10_000),
    tls: options.tls ?? {},
    localAddress: checkLocalAddress(options.localAddress),
    socketPath: options.socketPath,
    createConnection: options.createConnection,
    proxy: options.proxy,
    followRedirects: checkCount('followRedirects', options.followRedirects ?? 0),
    transport: chooseTransport(
      checkWord(
        'transport',
        options.transport ?? (options.createConnection === undefined ? 'auto' : 'node'),
        TRANSPORT_OPTIONS,
      ),
    ),
  }
}

function checkLocalAddress(address: string | undefined): string | undefined {
  if (address === undefined || (typeof address === 'string' && isIP(address) !== 0)) return address
  throw new ArgumentError(`The option localAddress is an IP address, not ${shown(address)}.`)
}

function checkOneWay<Data>({ proxy, localAddress, socketPath, createConnection }: ConnectOptions<Data>): void {
  if (localAddress !== undefined && (socketPath ?? createConnection) !== undefined) {
    const way = socketPath === undefined ? 'createConnection' : 'socketPath'
    throw new ArgumentError(`The option localAddress has no meaning beside ${way}.`)
  }
  const ways = Object.entries({ proxy: proxy === false ? undefined : proxy, socketPath, createConnection })
  const [one, other] = ways.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (other !== undefined)
    throw new ArgumentError(`The options ${one} and ${other} are two ways to the server: give one.`)
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
