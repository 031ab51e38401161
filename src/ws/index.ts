/** A drop-in for the package `ws`, version 8: docs/guide/ws.md. */
import { extension } from './extension.ts'
import { PerMessageDeflate } from './permessage-deflate.ts'
import { Receiver } from './receiver.ts'
import { Sender } from './sender.ts'
import { createWebSocketStream } from './stream.ts'
import { subprotocol } from './subprotocol.ts'
import { WebSocket } from './web-socket.ts'
import { WebSocketServer } from './web-socket-server.ts'

// What `require` gives is the class, with everything else on it.
Object.assign(WebSocket, {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  Server: WebSocketServer,
  subprotocol,
  WebSocket,
  WebSocketServer,
})

export type { ClientOptions, FinishRequestCallback } from './client-options.ts'
export type { BufferLike } from './data.ts'
export type { CodedError } from './errors.ts'
export type { CloseEvent, ErrorEvent, Event, MessageEvent } from './events.ts'
export type { HeartbeatOptions } from './heartbeat.ts'
export type { PerMessageDeflateOptions } from './permessage-deflate.ts'
export type { SendCallback } from './send-callbacks.ts'
export type {
  ClientInfo,
  ServerOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from './server-options.ts'
export type { BinaryType, Data, EventListenerOptions, RawData, ReadyState, SendOptions } from './web-socket.ts'
export {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocket,
  WebSocket as default,
  WebSocket as 'module.exports',
  WebSocketServer,
  WebSocketServer as Server,
}
