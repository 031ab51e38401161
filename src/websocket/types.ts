/** The types of `heartwire/websocket`: those of lib.dom's classes of the same names, with heartwire's options beside. */
import type { EventHandler } from './event-handlers.ts'
import type { WebSocketOptions, WebSocketStreamOptions } from './options.ts'

/** `CONNECTING`, `OPEN`, `CLOSING`, `CLOSED`. */
export type ReadyState = 0 | 1 | 2 | 3

/** How binary messages are given: as a Blob, or as an ArrayBuffer. */
export type BinaryType = 'blob' | 'arraybuffer'

type EventInit = NonNullable<ConstructorParameters<typeof Event>[1]>

export interface CloseEventInit extends EventInit {
  wasClean?: boolean
  code?: number
  reason?: string
}

/** The end of a connection. */
export interface CloseEvent extends Event {
  /** Whether Close frames went both ways before the transport ended. */
  readonly wasClean: boolean
  /** The code of the peer's Close frame; 1005 when it had none, 1006 when there was no frame. */
  readonly code: number
  /** The reason in the peer's Close frame, or `''`. */
  readonly reason: string
}

export interface CloseEventConstructor {
  new (type: string, eventInitDict?: CloseEventInit): CloseEvent
  readonly prototype: CloseEvent
}

export interface WebSocketEventMap {
  open: Event
  message: MessageEvent
  error: Event
  close: CloseEvent
}

type Listener<Type extends keyof WebSocketEventMap> = (this: WebSocket, event: WebSocketEventMap[Type]) => unknown
type AnyListener = Parameters<EventTarget['addEventListener']>[1]
type AddOptions = Parameters<EventTarget['addEventListener']>[2]
type RemoveOptions = Parameters<EventTarget['removeEventListener']>[2]

/** A WebSocket as browsers have it (https://websockets.spec.whatwg.org). */
export interface WebSocket extends EventTarget {
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
  /** The URL as it was parsed: `ws:` or `wss:`. */
  readonly url: string
  /** 0 `CONNECTING`, 1 `OPEN`, 2 `CLOSING`, 3 `CLOSED`. */
  readonly readyState: ReadyState
  /** Bytes of messages that were sent and that the kernel has not taken; after the end, with those it never will. */
  readonly bufferedAmount: number
  /** The extensions that were agreed on, as in a Sec-WebSocket-Extensions header, or `''`. */
  readonly extensions: string
  /** The subprotocol that was agreed on, or `''`. */
  readonly protocol: string
  /** How binary messages are given; default `'blob'`. Anything that is neither word is ignored. */
  binaryType: BinaryType
  onopen: EventHandler<WebSocket, Event>
  onmessage: EventHandler<WebSocket, MessageEvent>
  onerror: EventHandler<WebSocket, Event>
  onclose: EventHandler<WebSocket, CloseEvent>
  /**
   * Starts the closing handshake, behind all that was sent. A WebSocket that is not open yet fails.
   * @param code 1000 or 3000 to 4999; without it the Close frame has no code
   * @param reason at most 123 bytes of UTF-8
   * @throws DOMException `InvalidAccessError` for another code, `SyntaxError` for a longer reason
   */
  close(code?: number, reason?: string): void
  /**
   * Sends a message: a string as text, anything else as binary. The bytes are taken as they are now.
   * @throws DOMException `InvalidStateError` before it is open
   */
  send(data: string | Blob | ArrayBuffer | ArrayBufferView): void
  addEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<Type>,
    options?: AddOptions,
  ): void
  addEventListener(type: string, listener: AnyListener, options?: AddOptions): void
  removeEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<Type>,
    options?: RemoveOptions,
  ): void
  removeEventListener(type: string, listener: AnyListener, options?: RemoveOptions): void
}

export interface WebSocketConstructor {
  /**
   * @param url `ws:` or `wss:`; `http:` and `https:` stand for them
   * @param protocols the subprotocols to ask for, or, which browsers do not know, options
   * @throws DOMException `SyntaxError` for a URL or a subprotocol that cannot be used; ArgumentError for such an option
   */
  new (url: string | URL, protocols?: string | readonly string[] | WebSocketOptions): WebSocket
  readonly prototype: WebSocket
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
}

export interface WebSocketCloseInfo {
  /** 1000 or 3000 to 4999, where it is to be sent. */
  closeCode?: number
  /** At most 123 bytes of UTF-8. */
  reason?: string
}

/** What a WebSocketStream is once it is open. */
export interface WebSocketOpenInfo {
  /** The messages: text as strings, binary as Uint8Arrays. A reader that takes its time holds the peer back. */
  readonly readable: ReadableStream<string | Uint8Array>
  /** Each chunk that is written is a message. A write waits while the peer is slow. */
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>
  readonly extensions: string
  readonly protocol: string
}

/** A WebSocket as a pair of streams, as the draft for browsers has it. */
export interface WebSocketStream {
  readonly url: string
  /** Rejects with a WebSocketError, or with the signal's reason, when it does not open. */
  readonly opened: Promise<WebSocketOpenInfo>
  /** How it ended; rejects with a WebSocketError unless that was clean. */
  readonly closed: Promise<Required<WebSocketCloseInfo>>
  /** Starts the closing handshake. @throws as `close` of a WebSocket does */
  close(closeInfo?: WebSocketCloseInfo): void
}

export interface WebSocketStreamConstructor {
  /** @throws DOMException `SyntaxError` for a URL or a subprotocol that cannot be used; ArgumentError for such an option */
  new (url: string | URL, options?: WebSocketStreamOptions): WebSocketStream
  readonly prototype: WebSocketStream
}

/** A WebSocketStream did not end as it should have, or is to end with a code. */
export interface WebSocketError extends DOMException {
  readonly closeCode: number | null
  readonly reason: string
}

export interface WebSocketErrorConstructor {
  /** @throws DOMException as `close` of a WebSocket does */
  new (message?: string, init?: WebSocketCloseInfo): WebSocketError
  readonly prototype: WebSocketError
}
