import type { RequestListener } from 'node:http'
import { extensionsFor } from '../compression/settings.ts'
import { ArgumentError } from '../protocol/error.ts'
import type { Extension } from '../protocol/extension-negotiation.ts'
import { checkSubprotocols } from '../protocol/handshake.ts'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import type { DeflateParameters } from '../protocol/permessage-deflate.ts'
import { quote } from '../protocol/quote.ts'
import { checkFunctions, checkTime } from '../socket/check.ts'
import { checkNames } from '../socket/option-names.ts'
import {
  type Behaviour,
  HANDLERS,
  type Handlers,
  resolveBehaviour,
  SERVER_DEFAULTS,
  SOCKET_OPTIONS,
  type SocketOptions,
} from '../socket/options.ts'
import type { ServerSocket } from '../socket/server-socket.ts'
import type { TransportOption } from '../transport/choice.ts'
import type { Admission } from './admission.ts'
import type { HeaderLimits } from './header-limits.ts'
import { resolveAdmission, resolveHeaderLimits, type ServerLimits } from './limits.ts'
import { compileOriginRule, type OriginCheck, type OriginRule } from './origin.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** What an `upgrade` hook decides. */
export interface UpgradeResponse<Data> {
  /** Becomes `socket.data`. */
  data?: Data
  /** One of the subprotocols that the client offered; default: what the option `protocols` chooses. */
  protocol?: string
  /** Further headers of the 101 answer, such as `set-cookie`. */
  headers?: OutgoingHeaders
}

/** A hook may as well return nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns
export type Decision<Data = unknown> = UpgradeResponse<Data> | undefined | void

/** What can be set for a whole server and for a route. */
export interface RouteOptions<Data> extends SocketOptions, ServerLimits, Handlers<ServerSocket<Data>> {
  /**
   * Decides on a handshake before it is answered. Throw UpgradeRejected to refuse. What the client sends before this is
   * done is kept, and comes in order after `open`.
   */
  upgrade?(request: UpgradeRequest): Decision<Data> | Promise<Decision<Data>>
  /** The subprotocols that this end speaks, in its order of preference, or a function that chooses. */
  protocols?: readonly string[] | ((offered: readonly string[], request: UpgradeRequest) => string | undefined)
  /** Which pages may connect, where a browser says from which page it does. Default `'same'`: pages from this host. */
  origins?: OriginRule
  /** Milliseconds for the whole handshake, the `upgrade` hook included. Default 10,000. */
  handshakeTimeout?: number
}

export interface ServerOptions<Data> extends RouteOptions<Data> {
  /** Answers the ordinary HTTP requests of a server that was started by `listen`. Default: 426 and a sentence. */
  http?: RequestListener
  /**
   * Addresses and networks of the proxies that are believed what they say of a client, in `X-Forwarded-Host`, and in
   * `Forwarded` or `X-Forwarded-For`. `[]`: there are none, and addresses are the clients' own. Default: not known, so
   * that nobody is believed, and `maxConnectionsPerAddress` is off.
   */
  trustedProxies?: readonly string[]
  /**
   * What plain sockets are read and written by. Default `'auto'`: the native addon where there is one for this platform, and
   * Node's sockets otherwise, as always for TLS. `'native'` throws where there is none; `'node'` does without.
   */
  transport?: TransportOption
  /** Where refused handshakes are logged: at most 5 lines in 10 s, and 5 for origins. Default `console.warn`. */
  log?: (line: string) => void
}

/** A path, and what is done with the connections to it. */
export interface Route {
  /** The match of a request's path; undefined when this route is for another. */
  match(path: string): RegExpExecArray | true | undefined
  behaviour: Behaviour
  /** What is agreed to of what a client offers. */
  extensions: readonly Extension<DeflateParameters>[]
  checkOrigin: OriginCheck
  handshakeTimeout: number
  admission: Admission
  headerLimits: HeaderLimits
  /** Whether the addresses of clients are known: `trustedProxies` says who may tell them. */
  knowsClients: boolean
  options: RouteOptions<unknown>
}

const ROUTE_OPTIONS = Object.keys({
  upgrade: 0,
  protocols: 0,
  origins: 0,
  handshakeTimeout: 0,
  maxConnections: 0,
  maxConnectionsPerAddress: 0,
  maxHandshakes: 0,
  maxHeaders: 0,
  maxHeaderSize: 0,
} satisfies Record<Exclude<keyof RouteOptions<never>, keyof SocketOptions | keyof Handlers<never>>, 0>)

const SERVER_OPTIONS = Object.keys({
  http: 0,
  trustedProxies: 0,
  transport: 0,
  log: 0,
} satisfies Record<Exclude<keyof ServerOptions<never>, keyof RouteOptions<never>>, 0>)

const ROUTE_NAMES = [...SOCKET_OPTIONS, ...HANDLERS, ...ROUTE_OPTIONS]
const SERVER_NAMES = [...ROUTE_NAMES, ...SERVER_OPTIONS]
const FUNCTIONS = [...HANDLERS, 'upgrade', 'http', 'log']

/**
 * The route that a server itself is, for paths that no other claims.
 * @throws ArgumentError that names the option and its value
 */
export function compileServer<Data>(options: ServerOptions<Data>): Route {
  checkNames(options, SERVER_NAMES, 'createServer')
  return compile(() => true, options, options.trustedProxies !== undefined)
}

/**
 * What is not given is as it is for the server, but for handlers, the hook, and subprotocols.
 * @throws ArgumentError that names the option and its value
 */
export function compileRoute<Data>(path: string | RegExp, options: RouteOptions<Data>, server: Route): Route {
  if (typeof path === 'string' && !path.startsWith('/')) {
    throw new ArgumentError(`A path begins with a slash, which ${JSON.stringify(path)} does not.`)
  }
  const ofServer = Object.keys(options ?? {}).find((name) => SERVER_OPTIONS.includes(name))
  if (ofServer !== undefined) throw new ArgumentError(`The option ${ofServer} is one of createServer, not of route.`)
  checkNames(options, ROUTE_NAMES, 'route')
  return compile(matcher(path), options, server.knowsClients, server)
}

function compile<Data>(
  match: Route['match'],
  options: RouteOptions<Data>,
  knowsClients: boolean,
  server?: Route,
): Route {
  const { origins, handshakeTimeout = server?.handshakeTimeout ?? 10_000, protocols } = options
  checkFunctions(options, FUNCTIONS)
  if (Array.isArray(protocols)) checkSubprotocols(protocols)
  else if (protocols !== undefined && typeof protocols !== 'function') {
    throw new ArgumentError(
      `The option protocols is a list of subprotocols or a function, not ${quote(String(protocols))}.`,
    )
  }
  const behaviour = resolveBehaviour(options, server?.behaviour ?? SERVER_DEFAULTS)
  return {
    match,
    behaviour,
    extensions:
      options.compression === undefined && server !== undefined
        ? server.extensions
        : extensionsFor(behaviour.compression, 'server'),
    checkOrigin:
      origins === undefined && server !== undefined ? server.checkOrigin : compileOriginRule(origins ?? 'same'),
    handshakeTimeout: checkTime('handshakeTimeout', handshakeTimeout),
    admission: resolveAdmission(options, knowsClients, server?.admission),
    headerLimits: resolveHeaderLimits(options, server?.headerLimits),
    knowsClients,
    // The handlers are only ever given the sockets of this route, whose data is what its own hook returned.
    options: options as RouteOptions<unknown>,
  }
}

function matcher(path: string | RegExp): Route['match'] {
  if (typeof path === 'string') return (asked) => (asked === path ? true : undefined)
  const pattern = new RegExp(path.source, path.flags.replace(/[gy]/g, ''))
  return (asked) => pattern.exec(asked) ?? undefined
}
