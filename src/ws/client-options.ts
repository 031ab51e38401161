import type { ClientRequest, RequestOptions } from 'node:http'
import type { RequestOptions as SecureRequestOptions } from 'node:https'
import type { createConnection as netConnect } from 'node:net'
import type { HeartbeatOptions } from './heartbeat.ts'
import type { PerMessageDeflateOptions } from './permessage-deflate.ts'
import type { WebSocket } from './web-socket.ts'

/** What is called with each request before it is sent, instead of `request.end()`. */
export type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void

type HttpOptions = Omit<RequestOptions, 'createConnection' | 'headers'> &
  Omit<SecureRequestOptions, 'createConnection' | 'headers' | 'agent'>

/** What a client takes, beside what `http.request` and `https.request` do; times in milliseconds, sizes in bytes. */
export interface ClientOptions extends HttpOptions {
  /** Whether several of the events message, ping and pong may be emitted in one turn. Default true. */
  allowSynchronousEvents?: boolean | undefined
  /** Whether pings are answered. Default true. */
  autoPong?: boolean | undefined
  /** How long the closing handshake may take. Default 30000. */
  closeTimeout?: number | undefined
  createConnection?: RequestOptions['createConnection'] | typeof netConnect
  finishRequest?: FinishRequestCallback | undefined
  /** Default false. */
  followRedirects?: boolean | undefined
  /** Fills the masking key of each frame. Default random bytes. */
  generateMask?: ((mask: Buffer) => void) | undefined
  /** How long each request may take. Default as long as it takes. */
  handshakeTimeout?: number | undefined
  /** heartwire's: a peer of which nothing is heard is pinged, then given up, with an error. Default false. */
  heartbeat?: boolean | HeartbeatOptions | undefined
  headers?: Record<string, string | string[] | number | undefined> | undefined
  /** heartwire's: bytes that may wait for a slow peer; above it the connection is given up, with an error. Default Infinity. */
  maxBufferedAmount?: number | undefined
  /** Without an effect: what has come of a message lies in one piece of memory. */
  maxBufferedChunks?: number | undefined
  /** Fragments of a message; 0 for no limit. Default 16384. */
  maxFragments?: number | undefined
  /** Bytes of a message; 0 for no limit. Default 104857600. */
  maxPayload?: number | undefined
  /** Default 10. */
  maxRedirects?: number | undefined
  origin?: string | undefined
  /** Default true. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined
  /** 8 or 13. Default 13. */
  protocolVersion?: number | undefined
  /** Default false. */
  skipUTF8Validation?: boolean | undefined
}
