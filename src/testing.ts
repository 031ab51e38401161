import { currentContext } from './socket/context.ts'
import { connectionOptions, Link } from './socket/link.ts'
import {
  CLIENT_DEFAULTS,
  type Handlers,
  resolveBehaviour,
  SERVER_DEFAULTS,
  type SocketOptions,
} from './socket/options.ts'
import { Socket } from './socket/socket.ts'
import { MemoryTransport } from './transport/memory.ts'
import type { Transport } from './transport/transport.ts'

export { MemoryTransport } from './transport/memory.ts'
export type { Transport, TransportSink } from './transport/transport.ts'

/** Options and handlers of one end of a pair. */
export type EndOptions = SocketOptions & Handlers<Socket>

/** Two sockets that are connected to each other in memory. */
export interface MemoryPair {
  client: Socket
  server: Socket
  /** Cuts the connection as a reset does: both ends report the cause `reset`. */
  reset(): void
}

/**
 * Two open sockets, connected in memory, for tests of code that uses sockets: everything is real but the network. What
 * one end sends the other receives in a later turn, without a timer.
 */
export function memoryPair(options: { client?: EndOptions; server?: EndOptions } = {}): MemoryPair {
  const [a, b] = MemoryTransport.pair()
  const client = openSocket('client', a, options.client ?? {})
  const server = openSocket('server', b, options.server ?? {})
  return { client, server, reset: () => a.reset() }
}

/** A socket over any transport, as it is once the handshake is done. */
export function openSocket(side: 'client' | 'server', transport: Transport, options: EndOptions = {}): Socket {
  const behaviour = resolveBehaviour(options, side === 'client' ? CLIENT_DEFAULTS : SERVER_DEFAULTS)
  const connection = connectionOptions(side, behaviour)
  const link = new Link({ connection, behaviour, handlers: options, context: currentContext() }, transport)
  const socket = new Socket(link, undefined, '')
  link.start(socket)
  return socket
}
