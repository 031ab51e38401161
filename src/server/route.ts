import { ArgumentError } from '../protocol/error.ts'
import { checkSubprotocols } from '../protocol/handshake.ts'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import { checkTime } from '../socket/check.ts'
import {
  type Behaviour,
  type Handlers,
  resolveBehaviour,
  SERVER_DEFAULTS,
  type SocketOptions,
} from '../socket/options.ts'
import type { ServerSocket } from '../socket/server-socket.ts'
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
type Decision<Data> = UpgradeResponse<Data> | undefined | void

/** What can be set for a whole server and for a route. */
export interface RouteOptions<Data> extends SocketOptions, Handlers<ServerSocket<Data>> {
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

/** A path, and what is done with the connections to it. */
export interface Route {
  /** The match of a request's path; undefined when this route is for another. */
  match(path: string): RegExpExecArray | true | undefined
  behaviour: Behaviour
  checkOrigin: OriginCheck
  handshakeTimeout: number
  options: RouteOptions<unknown>
}

/** @throws ArgumentError that names the option and its value */
export function compileRoute<Data>(path: string | RegExp | undefined, options: RouteOptions<Data>): Route {
  if (typeof path === 'string' && !path.startsWith('/')) {
    throw new ArgumentError(`A path begins with a slash, which ${JSON.stringify(path)} does not.`)
  }
  if (Array.isArray(options.protocols)) checkSubprotocols(options.protocols)
  return {
    match: matcher(path),
    behaviour: resolveBehaviour(options, SERVER_DEFAULTS),
    checkOrigin: compileOriginRule(options.origins ?? 'same'),
    handshakeTimeout: checkTime('handshakeTimeout', options.handshakeTimeout ?? 10_000),
    // The handlers are only ever given the sockets of this route, whose data is what its own hook returned.
    options: options as RouteOptions<unknown>,
  }
}

function matcher(path: string | RegExp | undefined): Route['match'] {
  if (path === undefined) return () => true
  if (typeof path === 'string') return (asked) => (asked === path ? true : undefined)
  const pattern = new RegExp(path.source, path.flags.replace(/[gy]/g, ''))
  return (asked) => pattern.exec(asked) ?? undefined
}
