/** `heartwire/reconnect`: a WebSocket that comes back. For browsers, Node.js, Bun and Deno; nothing but standard globals is used. */
export {
  DroppedEvent,
  type EventMap,
  FailureEvent,
  FinalCloseEvent,
  type State,
  StateEvent,
  type TypedEventTarget,
} from './events.ts'
export { type ConnectionEnd, isFinalCode } from './final.ts'
export type {
  Attempt,
  Clock,
  HeartbeatOptions,
  PlainWebSocket,
  QueueOptions,
  ReconnectOptions,
  SendData,
  Target,
  WebSocketConstructor,
} from './options.ts'
export { ReconnectingWebSocket } from './socket.ts'
