import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { ArgumentError, HandshakeError } from '../protocol/error.ts'
import { type Attempt, listen } from './attempt.ts'
import { connectFailure } from './failure.ts'
import type { Target } from './target.ts'

/** What `createConnection` is asked for. */
export interface StreamRequest {
  /** The name or the address of the server. */
  readonly host: string
  readonly port: number
  /** Whether TLS will be spoken over the stream, unless it is a TLSSocket already. */
  readonly secure: boolean
  /** Fires when the stream is not wanted any more, while it has not been given yet. */
  readonly signal: AbortSignal
}

/** Node's options for TLS, without those that say where to connect to. */
export type TlsOptions = Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'timeout' | 'lookup'>

/** The ways to a server. At most one of them is given. */
export interface Ways {
  readonly createConnection: ((request: StreamRequest) => Duplex | Promise<Duplex>) | undefined
}

/** Opens the stream over which the handshake is done. */
export async function openStream(attempt: Attempt, target: Target, ways: Ways, tls: TlsOptions): Promise<Duplex> {
  const stream = await openTransport(attempt, target, ways)
  return target.secure && !(stream instanceof TLSSocket)
    ? speakTls(attempt, stream, target.host, target.name, tls)
    : stream
}

function openTransport(attempt: Attempt, target: Target, ways: Ways): Promise<Duplex> {
  if (ways.createConnection !== undefined) return createdStream(attempt, target, ways.createConnection)
  return dial(attempt, target, target.name)
}

/** Connects to a port or a Unix socket. */
export function dial(
  attempt: Attempt,
  { host, port, socketPath }: Pick<Target, 'host' | 'port' | 'socketPath'>,
  name: string,
): Promise<Duplex> {
  const where = socketPath === undefined ? { host, port } : { path: socketPath }
  const socket = attempt.own(connectTcp({ ...where, noDelay: true }))
  const connecting = `connecting to ${name}`
  const hasAddress = socketPath !== undefined || isIP(host) !== 0
  return attempt.wait(hasAddress ? connecting : `looking up the address of ${host}`, (resolve, reject) =>
    listen(socket, {
      lookup: () => {
        attempt.waitingFor = connecting
      },
      connect: () => resolve(socket),
      error: (error: Error) => reject(connectFailure(error, name)),
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
  // RFC 6066 section 3: an address is no server name.
  const servername = isIP(host) === 0 ? host : ''
  const socket = attempt.own(secured({ ALPNProtocols: ['http/1.1'], servername, ...tls, host, socket: stream }))
  return attempt.wait(`doing the TLS handshake with ${name}`, (resolve, reject) =>
    listen(socket, {
      secureConnect: () => resolve(socket),
      error: (error: Error) => reject(connectFailure(error, name)),
      close: () => reject(connectFailure(new Error('The stream was closed.'), name)),
    }),
  )
}

function secured(options: ConnectionOptions): TLSSocket {
  try {
    return connectTls(options)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ArgumentError(`The option tls cannot be used: ${why}`, { cause: error })
  }
}

async function createdStream(
  attempt: Attempt,
  { host, port, secure, name }: Target,
  create: NonNullable<Ways['createConnection']>,
): Promise<Duplex> {
  const { signal } = attempt
  const stream = await attempt.wait<Duplex>('waiting for createConnection', (resolve, reject) => {
    const created = (async () => create({ host, port, secure, signal }))()
    created.then(
      // One that comes too late is not wanted any more.
      (late) => (signal.aborted ? late.destroy() : resolve(late)),
      (error: unknown) =>
        reject(
          new HandshakeError('CONNECT_FAILED', `createConnection failed for ${name}: ${reason(error)}`, {
            cause: error,
          }),
        ),
    )
    return () => {}
  })
  return attempt.own(stream)
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
