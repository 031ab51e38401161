import type { IncomingMessage } from 'node:http'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import type { Transport } from '../transport/transport.ts'

/** The head of a handshake, as it came. */
export interface HandshakeHead {
  readonly method: string
  /** The request target. */
  readonly url: string
  /** As in `1.1`. */
  readonly httpVersion: string
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly remoteAddress: string | undefined
  /** Node's request, where there is one. */
  readonly raw: IncomingMessage | undefined
}

export function headOf(request: IncomingMessage): HandshakeHead {
  const { method = '', url = '/', httpVersion, rawHeaders } = request
  return { method, url, httpVersion, rawHeaders, remoteAddress: request.socket.remoteAddress, raw: request }
}

/** Bytes that a client may send before its handshake is answered, before it is held back. */
export const EARLY_BYTES = 64 * 1024

/** Milliseconds for which a refused client's bytes are discarded, so that no reset destroys the answer. */
export const LINGER = 1_000

/** What a handshake comes over, until it is answered. */
export interface HandshakeStream {
  /** From here on what comes early is kept. Calls `onGone` when the client goes away; nothing is left of the stream then. */
  watch(onGone: () => void): void
  /**
   * Sends the answer that accepts, and hands the connection over, with what came early still to be read.
   * @throws what a stream of the application's throws; nothing is left of it then
   */
  accept(head: Uint8Array): Transport
  /**
   * Sends an answer that refuses, and ends the connection.
   * @throws ArgumentError for a header that cannot be sent
   */
  refuse(status: number, reason: string, headers?: OutgoingHeaders): void
}
