import { isObject } from './idl.ts'

/** What may be set as an event handler (HTML, section 8.1.8.1); anything but an object counts as null. */
export type EventHandler<Target, E extends Event> = ((this: Target, event: E) => unknown) | null

interface Active {
  value: unknown
  readonly listener: (event: Event) => void
}

/**
 * Event handler attributes, as `onmessage`. A handler is called in the order in which it was first set among the listeners;
 * one that takes another's place is called in its place; one that is set after null comes last.
 */
export class EventHandlers {
  private readonly target: EventTarget
  private readonly active = new Map<string, Active>()

  constructor(target: EventTarget) {
    this.target = target
  }

  get<Handler>(type: string): Handler {
    // What a setter was given, which is of this type or nothing that can be called.
    return (this.active.get(type)?.value ?? null) as Handler
  }

  set(type: string, value: unknown): void {
    const active = this.active.get(type)
    if (!isObject(value)) {
      if (active === undefined) return
      this.target.removeEventListener(type, active.listener)
      this.active.delete(type)
    } else if (active !== undefined) {
      active.value = value
    } else {
      this.activate(type, value)
    }
  }

  private activate(type: string, value: unknown): void {
    const { target } = this
    const active: Active = {
      value,
      listener: (event) => {
        // An object that cannot be called is kept, and does nothing.
        if (typeof active.value !== 'function') return
        if (active.value.call(target, event) === false) event.preventDefault()
      },
    }
    this.active.set(type, active)
    target.addEventListener(type, active.listener)
  }
}
