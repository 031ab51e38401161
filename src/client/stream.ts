import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ArgumentError, HandshakeError } from '../protocol/error.ts'
import { oneLine } from '../protocol/quote.ts'
import type { Attempt } from './attempt.ts'
import { dial, speakTls, type TlsOptions } from './dial.ts'
import { proxyFor } from './proxy.ts'
import type { Target } from './target.ts'
import { dialThrough } from './tunnel.ts'

/** What `createConnection` is asked for. */
export interface StreamRequest {
  /** The name or the address of the server. */
  readonly host: string
  readonly port: number
  /** Whether TLS will be spoken over the stream, unless it is a TLSSocket already. */
  readonly secure: boolean
  /** Fires when the stream is not wanted any more. */
  readonly signal: AbortSignal
}

/** Makes a stream to a server. */
export type CreateConnection = (request: StreamRequest) => Duplex | Promise<Duplex>

/** How servers are reached, if not directly. */
export interface Ways {
  readonly createConnection: CreateConnection | undefined
  readonly proxy: string | URL | false | undefined
  readonly localAddress: string | undefined
}

/** Opens the stream over which the handshake with a target is done. */
export async function openStream(attempt: Attempt, target: Target, ways: Ways, tls: TlsOptions): Promise<Duplex> {
  const stream = await openTransport(attempt, target, ways, tls)
  if (!target.secure) return stream
  if (ways.createConnection !== undefined && stream instanceof TLSSocket) return stream
  return speakTls(attempt, stream, target.host, target.name, tls)
}

function openTransport(attempt: Attempt, target: Target, ways: Ways, tls: TlsOptions): Promise<Duplex> {
  if (ways.createConnection !== undefined) return createStream(attempt, target, ways.createConnection)
  const proxy = target.socketPath === undefined ? proxyFor(target, ways.proxy, process.env) : undefined
  const { localAddress } = ways
  if (proxy === undefined) return dial(attempt, target, target.name, localAddress)
  return dialThrough(attempt, proxy, target, tls, localAddress)
}

async function createStream(attempt: Attempt, target: Target, create: CreateConnection): Promise<Duplex> {
  const { host, port, secure, name } = target
  const { signal } = attempt
  const stream = await attempt.wait<Duplex>('waiting for createConnection', (resolve, reject) => {
    // One that comes too late is owned all the same, and so destroyed.
    const made = (async () => attempt.own(checked(await create({ host, port, secure, signal }))))()
    made.then(resolve, (error: unknown) => reject(error instanceof ArgumentError ? error : failure(error, name)))
    return () => {}
  })
  if (stream.destroyed || stream.readableEnded) throw failure(new Error('the stream is closed already'), name)
  return stream
}

function checked(stream: Duplex): Duplex {
  if (typeof stream?.pipe === 'function' && typeof stream.write === 'function') return stream
  throw new ArgumentError(
    `createConnection gave ${oneLine(String(stream), 64)}, which is not a stream that reads and writes.`,
  )
}

function failure(error: unknown, name: string): HandshakeError {
  const why = oneLine(error instanceof Error ? error.message : String(error), 200)
  return new HandshakeError('CONNECT_FAILED', `createConnection gave no stream to ${name}: ${why}`, { cause: error })
}
