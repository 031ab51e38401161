import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { descriptorShortage } from '../platform/descriptors.ts'
import { ArgumentError } from '../protocol/error.ts'
import { oneLine } from '../protocol/quote.ts'
import { type Attempt, listen } from './attempt.ts'
import { connectFailure } from './failure.ts'
import type { Target } from './target.ts'

/** Node's options for TLS, without those that say where to connect to. */
export type TlsOptions = Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'timeout' | 'lookup'>

/**
 * Connects to a port or a Unix socket.
 * @param localAddress the address to connect from; undefined for the system's choice
 */
export function dial(
  attempt: Attempt,
  { host, port, socketPath }: Pick<Target, 'host' | 'port' | 'socketPath'>,
  name: string,
  localAddress: string | undefined,
): Promise<Duplex> {
  // From an address of one family there is no way to one of the other.
  const from = localAddress === undefined ? {} : { localAddress, family: isIP(localAddress) }
  const where = socketPath === undefined ? { host, port, ...from } : { path: socketPath }
  const socket = attempt.own(connectTcp({ ...where, noDelay: true }))
  const connecting = `connecting to ${name}`
  const isFound = socketPath !== undefined || isIP(host) !== 0
  return attempt.wait(isFound ? connecting : `looking up the address of ${host}`, (resolve, reject) =>
    listen(socket, {
      lookup: () => {
        attempt.waitingFor = connecting
      },
      connect: () => resolve(socket),
      error: (error: NodeJS.ErrnoException) => {
        // Without a descriptor to read the hosts or to ask with, no name is found.
        const shortage = error.syscall === 'getaddrinfo' ? descriptorShortage() : undefined
        reject(connectFailure(shortage ?? error, name))
      },
    }),
  )
}

/** Speaks TLS over a stream. */
export function speakTls(
  attempt: Attempt,
  stream: Duplex,
  host: string,
  name: string,
  tls: TlsOptions,
): Promise<Duplex> {
  // An address is no server name (RFC 6066 section 3).
  const servername = isIP(host) === 0 ? host : ''
  const socket = attempt.own(overTls({ ALPNProtocols: ['http/1.1'], servername, ...tls, host, socket: stream }))
  return attempt.wait(`doing the TLS handshake with ${name}`, (resolve, reject) =>
    listen(socket, {
      secureConnect: () => resolve(socket),
      error: (error: Error) => reject(connectFailure(error, name)),
      close: () => reject(connectFailure(new Error('the stream was closed'), name)),
    }),
  )
}

function overTls(options: ConnectionOptions): TLSSocket {
  try {
    return connectTls(options)
  } catch (error) {
    const why = oneLine(error instanceof Error ? error.message : String(error), 200)
    throw new ArgumentError(`The option tls cannot be used: ${why}.`, { cause: error })
  }
}
