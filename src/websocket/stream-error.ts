import { checkCloseCodeAndReason, codeFor } from './close-code-and-reason.ts'
import { dictionary, enforcedUnsignedShort, exposeInterface, usvString } from './idl.ts'
import type { WebSocketCloseInfo } from './types.ts'

/** A close code and a reason, as they are given. @throws TypeError for what is neither */
export function closeInfoOf(given: unknown, what: string): { closeCode: number | undefined; reason: string } {
  const { closeCode, reason } = dictionary(given, what)
  return {
    closeCode: closeCode === undefined ? undefined : enforcedUnsignedShort(closeCode, 'closeCode'),
    reason: reason === undefined ? '' : usvString(reason),
  }
}

type Receive = (message: string, closeCode: number | null, reason: string) => WebSocketError
let receive!: Receive

/** The end of a connection, to be received or to be sent. What is public about it is described in `types.ts`. */
export class WebSocketError extends DOMException {
  #closeCode: number | null
  #reason: string

  constructor(message: string = '', init: WebSocketCloseInfo = {}) {
    super(usvString(message), 'WebSocketError')
    const { closeCode, reason } = closeInfoOf(init, 'The second argument of WebSocketError')
    checkCloseCodeAndReason(closeCode, reason)
    this.#closeCode = codeFor(closeCode, reason) ?? null
    this.#reason = reason
  }

  get closeCode(): number | null {
    return this.#closeCode
  }

  get reason(): string {
    return this.#reason
  }

  static {
    receive = (message, closeCode, reason) => {
      const error = new WebSocketError(message)
      error.#closeCode = closeCode
      error.#reason = reason
      return error
    }
  }
}

exposeInterface(WebSocketError)

/** One for a connection that has ended, with a code that need not be one that can be sent. */
export const receivedError: Receive = receive
