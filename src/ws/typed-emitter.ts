import { EventEmitter } from 'node:events'

type Listening = 'addListener' | 'off' | 'on' | 'once' | 'prependListener' | 'prependOnceListener' | 'removeListener'
/** What gives the emitter itself. */
type Chained = 'removeAllListeners' | 'setMaxListeners'

/** Node's EventEmitter that knows the arguments of its events, and takes any other event as well. */
export interface TypedEmitter<Events extends Record<keyof Events, unknown[]>>
  extends Omit<EventEmitter, Listening | Chained> {
  addListener<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  addListener(name: string | symbol, listener: (...args: never[]) => void): this
  off<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  off(name: string | symbol, listener: (...args: never[]) => void): this
  on<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  on(name: string | symbol, listener: (...args: never[]) => void): this
  once<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  once(name: string | symbol, listener: (...args: never[]) => void): this
  prependListener<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  prependListener(name: string | symbol, listener: (...args: never[]) => void): this
  prependOnceListener<Name extends keyof Events>(
    name: Name,
    listener: (this: this, ...args: Events[Name]) => void,
  ): this
  prependOnceListener(name: string | symbol, listener: (...args: never[]) => void): this
  removeListener<Name extends keyof Events>(name: Name, listener: (this: this, ...args: Events[Name]) => void): this
  removeListener(name: string | symbol, listener: (...args: never[]) => void): this
  removeAllListeners(name?: string | symbol): this
  setMaxListeners(count: number): this
}

export const TypedEmitter = EventEmitter as unknown as new <
  Events extends Record<keyof Events, unknown[]>,
>() => TypedEmitter<Events>
