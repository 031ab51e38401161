/** `heartwire/websocket`: the classes that browsers have, with heartwire's client behind them. */
import { WebSocketStream as Stream } from './stream.ts'
import { WebSocketError as StreamError } from './stream-error.ts'
import type * as types from './types.ts'
import { WebSocket as Class } from './websocket.ts'

export { CloseEvent } from './close-event.ts'
export type { EventHandler } from './event-handlers.ts'
export type { WebSocketOptions, WebSocketStreamOptions } from './options.ts'
export type {
  BinaryType,
  CloseEventConstructor,
  CloseEventInit,
  ReadyState,
  WebSocketCloseInfo,
  WebSocketConstructor,
  WebSocketErrorConstructor,
  WebSocketEventMap,
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
} from './types.ts'

/** https://websockets.spec.whatwg.org/#the-websocket-interface */
export const WebSocket: types.WebSocketConstructor = Class as types.WebSocketConstructor
export type WebSocket = types.WebSocket

/** A WebSocket as a pair of streams, with backpressure both ways. */
export const WebSocketStream: types.WebSocketStreamConstructor = Stream
export type WebSocketStream = types.WebSocketStream

/** How a WebSocketStream ended otherwise than clean. */
export const WebSocketError: types.WebSocketErrorConstructor = StreamError
export type WebSocketError = types.WebSocketError
