import { dictionary, exposeInterface, requireArguments, unsignedShort, usvString } from './idl.ts'
import type { CloseEventConstructor, CloseEventInit, CloseEvent as CloseEventType } from './types.ts'

const native = (globalThis as { CloseEvent?: CloseEventConstructor }).CloseEvent

class OwnCloseEvent extends Event {
  readonly #wasClean: boolean
  readonly #code: number
  readonly #reason: string

  constructor(type: string, eventInitDict: CloseEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: undefined is one.
    requireArguments('CloseEvent', arguments.length, 1)
    const init = dictionary(eventInitDict, 'The second argument of CloseEvent')
    super(type, init)
    const { code, reason, wasClean } = init
    this.#code = code === undefined ? 0 : unsignedShort(code)
    this.#reason = reason === undefined ? '' : usvString(reason)
    this.#wasClean = Boolean(wasClean)
  }

  get wasClean(): boolean {
    return this.#wasClean
  }

  get code(): number {
    return this.#code
  }

  get reason(): string {
    return this.#reason
  }
}

Object.defineProperty(OwnCloseEvent, 'name', { value: 'CloseEvent', configurable: true })
exposeInterface(OwnCloseEvent)

/** What tells the end of a WebSocket: the global class where there is one (Node 23), and otherwise one like it. */
export const CloseEvent: CloseEventConstructor = native ?? OwnCloseEvent
export type CloseEvent = CloseEventType
