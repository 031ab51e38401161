/** The types that are also members of the class, as in @types/ws: `WebSocket.RawData` and so on. */
export type { AddressInfo } from 'node:net'
export type { ClientOptions, FinishRequestCallback } from './client-options.ts'
export type { CloseEvent, ErrorEvent, Event, MessageEvent } from './events.ts'
export type { PerMessageDeflateOptions } from './permessage-deflate.ts'
export type { ServerOptions, VerifyClientCallbackAsync, VerifyClientCallbackSync } from './server-options.ts'
export type { Data, EventListenerOptions, RawData } from './web-socket.ts'
