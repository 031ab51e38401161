import { type AnyListener, addListener, attribute, removeListener, setAttribute } from './event-target.ts'
import type { CloseEvent, ErrorEvent, Event, MessageEvent } from './events.ts'
import { TypedEmitter } from './typed-emitter.ts'
import type { EventListenerOptions, WebSocket, WebSocketEvents } from './web-socket.ts'

/** What `addEventListener` takes. */
export type EventHandler<Given> = ((event: Given) => void) | { handleEvent(event: Given): void }

/** A WebSocket's events in the manner of browsers, as attributes and by `addEventListener`. */
export class EventTargetFace extends TypedEmitter<WebSocketEvents> {
  get onopen(): ((event: Event) => void) | null {
    return attribute(this._self(), 'open') as ((event: Event) => void) | null
  }

  set onopen(listener: ((event: Event) => void) | null) {
    setAttribute(this._self(), 'open', listener)
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
    return attribute(this._self(), 'message') as ((event: MessageEvent) => void) | null
  }

  set onmessage(listener: ((event: MessageEvent) => void) | null) {
    setAttribute(this._self(), 'message', listener)
  }

  get onclose(): ((event: CloseEvent) => void) | null {
    return attribute(this._self(), 'close') as ((event: CloseEvent) => void) | null
  }

  set onclose(listener: ((event: CloseEvent) => void) | null) {
    setAttribute(this._self(), 'close', listener)
  }

  get onerror(): ((event: ErrorEvent) => void) | null {
    return attribute(this._self(), 'error') as ((event: ErrorEvent) => void) | null
  }

  set onerror(listener: ((event: ErrorEvent) => void) | null) {
    setAttribute(this._self(), 'error', listener)
  }

  /** Does nothing for a type that is none of the four. */
  addEventListener(type: 'open', listener: EventHandler<Event>, options?: EventListenerOptions): void
  addEventListener(type: 'message', listener: EventHandler<MessageEvent>, options?: EventListenerOptions): void
  addEventListener(type: 'close', listener: EventHandler<CloseEvent>, options?: EventListenerOptions): void
  addEventListener(type: 'error', listener: EventHandler<ErrorEvent>, options?: EventListenerOptions): void
  addEventListener(type: string, listener: AnyListener, options?: EventListenerOptions): void
  addEventListener(type: string, listener: AnyListener, options?: EventListenerOptions): void {
    addListener(this._self(), type, listener, options)
  }

  /** Takes off what `addEventListener` added. */
  removeEventListener(type: 'open', listener: EventHandler<Event>): void
  removeEventListener(type: 'message', listener: EventHandler<MessageEvent>): void
  removeEventListener(type: 'close', listener: EventHandler<CloseEvent>): void
  removeEventListener(type: 'error', listener: EventHandler<ErrorEvent>): void
  removeEventListener(type: string, listener: AnyListener): void
  removeEventListener(type: string, listener: AnyListener): void {
    removeListener(this._self(), type, listener)
  }

  /** @internal */ _self(): WebSocket {
    return this as unknown as WebSocket
  }
}

for (const name of ['onclose', 'onerror', 'onmessage', 'onopen']) {
  Object.defineProperty(EventTargetFace.prototype, name, { enumerable: true })
}
