/** What `heartwire/websocket` is in a browser: the browser's own classes. Not all of them have WebSocketStream. */
import type * as types from './types.ts'

interface Classes {
  readonly WebSocket: types.WebSocketConstructor
  readonly CloseEvent: types.CloseEventConstructor
  readonly WebSocketStream: types.WebSocketStreamConstructor
  readonly WebSocketError: types.WebSocketErrorConstructor
}

export const { WebSocket, CloseEvent, WebSocketStream, WebSocketError } = globalThis as unknown as Classes
