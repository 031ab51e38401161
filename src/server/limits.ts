import { ArgumentError } from '../protocol/error.ts'
import { checkCount } from '../socket/check.ts'
import { Admission } from './admission.ts'
import type { HeaderLimits } from './header-limits.ts'

/** How many may connect, and with how much. Can be set for a server and for a route. */
export interface ServerLimits {
  /**
   * Most connections at once, handshakes under way and connections that are closing included; above it a handshake is
   * refused with 503 and Retry-After. Default 65,536.
   */
  maxConnections?: number
  /**
   * The same for one address; for IPv6, for one network of 64 bits. Counted when the server knows its clients'
   * addresses: when `trustedProxies` is given. Default 250 then.
   */
  maxConnectionsPerAddress?: number
  /** Most handshakes that the `upgrade` hook is deciding on at once; above it 503 and Retry-After. Default 1,000. */
  maxHandshakes?: number
  /** Most header fields of a handshake; above it 431. A route can have less than its server, not more. Default 100. */
  maxHeaders?: number
  /**
   * Most bytes of a handshake's target and of the names and values of its header fields; above it 431. A route can have
   * less than its server, not more. Default 16 KiB.
   */
  maxHeaderSize?: number
}

export const SERVER_LIMITS: Required<ServerLimits> = {
  maxConnections: 65_536,
  maxConnectionsPerAddress: 250,
  maxHandshakes: 1_000,
  maxHeaders: 100,
  maxHeaderSize: 16 * 1024,
}

/**
 * What counts the connections of a server, or those of a route: by limits of its own beside its server's, or as its server.
 * @param knowsClients whether `trustedProxies` is given
 * @throws ArgumentError that names the option and its value
 */
export function resolveAdmission(limits: ServerLimits, knowsClients: boolean, server?: Admission): Admission {
  const { maxConnections, maxConnectionsPerAddress, maxHandshakes } = limits
  if (maxConnectionsPerAddress !== undefined && !knowsClients) {
    throw new ArgumentError(
      'The option maxConnectionsPerAddress needs trustedProxies: behind a proxy all clients have its address. Name ' +
        'your proxies there, or give [] where clients connect without one.',
    )
  }
  if (server !== undefined && (maxConnections ?? maxConnectionsPerAddress ?? maxHandshakes) === undefined) return server
  const other = server === undefined ? SERVER_LIMITS : UNLIMITED
  const perAddress = knowsClients ? other.maxConnectionsPerAddress : Number.POSITIVE_INFINITY
  const resolved = {
    maxConnections: checkCount('maxConnections', maxConnections ?? other.maxConnections),
    maxConnectionsPerAddress: checkCount('maxConnectionsPerAddress', maxConnectionsPerAddress ?? perAddress),
    maxHandshakes: checkCount('maxHandshakes', maxHandshakes ?? other.maxHandshakes),
  }
  return new Admission(resolved, server)
}

const UNLIMITED = {
  maxConnections: Number.POSITIVE_INFINITY,
  maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
  maxHandshakes: Number.POSITIVE_INFINITY,
}

/** @throws ArgumentError that names the option and its value */
export function resolveHeaderLimits(limits: ServerLimits, server?: HeaderLimits): HeaderLimits {
  const most = server ?? SERVER_LIMITS
  const resolved = {
    maxHeaders: checkCount('maxHeaders', limits.maxHeaders ?? most.maxHeaders),
    maxHeaderSize: checkCount('maxHeaderSize', limits.maxHeaderSize ?? most.maxHeaderSize),
  }
  if (server === undefined) return resolved
  for (const name of ['maxHeaders', 'maxHeaderSize'] as const) {
    if (resolved[name] <= server[name]) continue
    throw new ArgumentError(
      `The option ${name} of a route is at most that of its server, ${server[name]}, not ${resolved[name]}: headers are ` +
        'read before the route is known.',
    )
  }
  return resolved
}
