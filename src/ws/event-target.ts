import type { EventEmitter } from 'node:events'
import { CloseEvent, ErrorEvent, Event, MessageEvent } from './events.ts'
import type { WebSocket } from './web-socket.ts'

/** What `addEventListener` takes. */
export type AnyListener = ((event: never) => void) | { handleEvent(event: never): void }

/** Whose listener a wrapper is, and whether it was set as `onopen`, `onmessage` and so on. */
const original = Symbol('heartwire.ws.listener')
const isAttribute = Symbol('heartwire.ws.attribute')

type Wrapper = Parameters<EventEmitter['on']>[1] & { [original]?: AnyListener; [isAttribute]?: boolean }

/** Makes of a listener for events one for what the emitter emits; undefined for a type of which there are none. */
function wrap(type: string, listener: AnyListener): Wrapper | undefined {
  if (type === 'message') {
    return function (this: WebSocket, data: Buffer, isBinary: boolean) {
      call(this, listener, new MessageEvent(this, isBinary ? data : data.toString()))
    }
  }
  if (type === 'close') {
    return function (this: WebSocket, code: number, reason: Buffer) {
      const wasClean = this._closeFrameReceived && this._closeFrameSent
      call(this, listener, new CloseEvent(this, code, reason.toString(), wasClean))
    }
  }
  if (type === 'error') {
    return function (this: WebSocket, error: Error) {
      call(this, listener, new ErrorEvent(this, error))
    }
  }
  if (type === 'open') {
    return function (this: WebSocket) {
      call(this, listener, new Event('open', this))
    }
  }
  return undefined
}

function call(target: WebSocket, listener: AnyListener, event: Event): void {
  if (typeof listener === 'function') listener.call(target, event as never)
  else listener.handleEvent(event as never)
}

function wrappers(target: WebSocket, type: string): Wrapper[] {
  return target.listeners(type) as Wrapper[]
}

export function addListener(
  target: WebSocket,
  type: string,
  listener: AnyListener,
  options: { once?: boolean | undefined } = {},
  asAttribute = false,
): void {
  const known = (one: Wrapper) => one[original] === listener && one[isAttribute] !== true
  if (!asAttribute && wrappers(target, type).some(known)) return
  const wrapper = wrap(type, listener)
  if (wrapper === undefined) return
  wrapper[original] = listener
  wrapper[isAttribute] = asAttribute
  if (options.once) target.once(type, wrapper)
  else target.on(type, wrapper)
}

export function removeListener(target: WebSocket, type: string, listener: AnyListener): void {
  const wrapper = wrappers(target, type).find((one) => one[original] === listener && one[isAttribute] !== true)
  if (wrapper !== undefined) target.removeListener(type, wrapper)
}

/** The listener that was set as an attribute, or null. */
export function attribute(target: WebSocket, type: string): AnyListener | null {
  return wrappers(target, type).find((one) => one[isAttribute])?.[original] ?? null
}

export function setAttribute(target: WebSocket, type: string, listener: AnyListener | null | undefined): void {
  const old = wrappers(target, type).find((one) => one[isAttribute])
  if (old !== undefined) target.removeListener(type, old)
  if (typeof listener === 'function') addListener(target, type, listener, {}, true)
}
