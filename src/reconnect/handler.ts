import type { EventMap, TypedEventTarget } from './events.ts'

export type Handler<K extends keyof EventMap> = ((event: EventMap[K]) => unknown) | null

/** What is behind a property like `onopen`: a listener that can be replaced. */
export class HandlerSlot<K extends keyof EventMap> {
  readonly #owner: TypedEventTarget
  readonly #type: K
  #handler: Handler<K> = null

  constructor(owner: TypedEventTarget, type: K) {
    this.#owner = owner
    this.#type = type
  }

  get handler(): Handler<K> {
    return this.#handler
  }

  set handler(handler: Handler<K>) {
    this.#owner.removeEventListener(this.#type, this.#listener)
    this.#handler = typeof handler === 'function' ? handler : null
    if (this.#handler) this.#owner.addEventListener(this.#type, this.#listener)
  }

  // A function of its own: the same handler may be a listener as well.
  readonly #listener = (event: EventMap[K]): void => void this.#handler?.call(this.#owner, event)
}
