import { CloseCode } from '../protocol/close-code.ts'
import type { Link } from '../socket/link.ts'
import { checkProtocols, webSocketUrl } from './address.ts'
import { bufferOf } from './buffer.ts'
import { Channel, type End } from './channel.ts'
import { checkCloseCodeAndReason, codeFor } from './close-code-and-reason.ts'
import { copyBufferSource, dictionary, exposeInterface, requireArguments, sequence, usvString } from './idl.ts'
import { settingsFor, type WebSocketStreamOptions } from './options.ts'
import { closeInfoOf, receivedError, WebSocketError } from './stream-error.ts'
import type { WebSocketCloseInfo, WebSocketOpenInfo } from './types.ts'

/** The class of the draft "WebSocketStream". What is public about it is described in `types.ts`. */
export class WebSocketStream {
  readonly #url: string
  readonly #signal: AbortSignal | undefined
  readonly #channel: Channel
  readonly #opened = deferred<WebSocketOpenInfo>()
  readonly #closed = deferred<Required<WebSocketCloseInfo>>()
  #link: Link | undefined
  #readable: ReadableStreamDefaultController<string | Uint8Array> | undefined
  #writable: WritableStreamDefaultController | undefined
  /** Set when it has ended otherwise than clean. */
  #failure: unknown

  constructor(url: string | URL, options: WebSocketStreamOptions = {}) {
    // biome-ignore lint/complexity/noArguments: undefined is one.
    requireArguments('WebSocketStream', arguments.length, 1)
    const address = usvString(url)
    const given: WebSocketStreamOptions = dictionary(options, 'The second argument of WebSocketStream')
    const { signal } = given
    const protocols = given.protocols === undefined ? [] : sequence(given.protocols, usvString, 'The option protocols')
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError('The option signal is an AbortSignal.')
    }
    const record = webSocketUrl(address)
    this.#url = record.href
    this.#signal = signal
    checkProtocols(protocols)
    // A reader may take its time, and a writer waits for the peer.
    const patience = { maxPause: false, maxBuffered: Number.POSITIVE_INFINITY } as const
    const settings = settingsFor(given, protocols, 'WebSocketStream', patience)
    const sink = {
      opened: (link: Link) => this.#open(link),
      closing: () => {},
      closed: (end: End) => this.#end(end),
    }
    this.#channel = new Channel(record, { protocols, signal, settings }, sink)
  }

  get url(): string {
    return this.#url
  }

  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened.promise
  }

  get closed(): Promise<Required<WebSocketCloseInfo>> {
    return this.#closed.promise
  }

  close(closeInfo: WebSocketCloseInfo = {}): void {
    const channel = this.#channel
    const { closeCode, reason } = closeInfoOf(closeInfo, 'The argument of close')
    checkCloseCodeAndReason(closeCode, reason)
    if (this.#link === undefined) channel.fail(new Error('The WebSocketStream was closed before it was open.'))
    else this.#link.close(codeFor(closeCode, reason) ?? CloseCode.NoStatusReceived, reason)
  }

  #open(link: Link): void {
    this.#link = link
    const readable = new ReadableStream<string | Uint8Array>({
      start: (controller) => {
        this.#readable = controller
      },
      pull: (controller) => this.#pull(link, controller),
      cancel: (reason) => this.#closeFor(reason),
    })
    const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
      start: (controller) => {
        this.#writable = controller
      },
      write: (chunk, controller) => this.#write(link, chunk, (controller as Abortable).signal),
      close: async () => {
        this.close()
        await this.#closed.promise
      },
      abort: (reason) => this.#closeFor(reason),
    })
    const { extensions, protocol } = link.socket
    this.#opened.resolve({ readable, writable, extensions, protocol })
  }

  /** The next message. Those that nobody reads are not pulled, so that the peer is held back. */
  async #pull(link: Link, controller: ReadableStreamDefaultController<string | Uint8Array>): Promise<void> {
    try {
      const message = await link.socket.receive()
      controller.enqueue(typeof message === 'string' ? message : new Uint8Array(bufferOf(message)))
    } catch {
      // There is none any more; unless the end was clean the stream has been told of that, or nobody reads it.
      if (this.#failure === undefined && this.#readable !== undefined) controller.close()
    }
  }

  /** Resolves when there is room for more. */
  async #write(link: Link, chunk: string | ArrayBuffer | ArrayBufferView, signal: AbortSignal): Promise<void> {
    const result = link.send(copyBufferSource(chunk) ?? usvString(chunk), undefined)
    if (result === 'ok') return
    if (result !== 'slow') throw this.#failure ?? closedError()
    try {
      await link.socket.drained({ signal })
    } catch (error) {
      throw signal.aborted ? error : (this.#failure ?? closedError())
    }
  }

  /** Closes with what a reader or a writer gives for a reason, if that is a WebSocketError that can be sent. */
  #closeFor(reason: unknown): void {
    this.#readable = undefined
    if (!(reason instanceof WebSocketError) || reason.closeCode === null) return this.close()
    try {
      this.close({ closeCode: reason.closeCode, reason: reason.reason })
    } catch {
      this.close()
    }
  }

  #end({ wasClean, code, reason, error }: End): void {
    if (wasClean) {
      this.#closed.resolve({ closeCode: code, reason })
      this.#writable?.error(closedError())
      return
    }
    this.#failure = this.#signal?.aborted && error === this.#signal.reason ? error : failureOf(error, code, reason)
    // Of a connection that never was there is no code.
    this.#opened.reject(this.#failure instanceof WebSocketError ? failureOf(error, null, '') : this.#failure)
    this.#closed.reject(this.#failure)
    this.#readable?.error(this.#failure)
    this.#writable?.error(this.#failure)
  }
}

exposeInterface(WebSocketStream)

function failureOf(error: unknown, code: number | null, reason: string): WebSocketError {
  const failure = receivedError(error instanceof Error ? error.message : String(error), code, reason)
  Object.defineProperty(failure, 'cause', { value: error, configurable: true, writable: true })
  return failure
}

function closedError(): DOMException {
  return new DOMException('The WebSocketStream is closed.', 'InvalidStateError')
}

/** What Node's types leave out. */
type Abortable = WritableStreamDefaultController & { readonly signal: AbortSignal }

interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

/** A promise to be settled. That nobody listens to it is no unhandled rejection. */
function deferred<T>(): Deferred<T> {
  let resolve!: Deferred<T>['resolve']
  let reject!: Deferred<T>['reject']
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
