import { quoteUrl } from '../client/target.ts'
import { customInspect, type Inspect, type InspectOptions, inspectFields } from '../protocol/inspect.ts'
import type { Link } from '../socket/link.ts'
import { checkProtocols, webSocketUrl } from './address.ts'
import { bufferOf } from './buffer.ts'
import { Channel, type End } from './channel.ts'
import { checkCloseCodeAndReason, codeFor } from './close-code-and-reason.ts'
import { CloseEvent } from './close-event.ts'
import { type EventHandler, EventHandlers } from './event-handlers.ts'
import { clampedUnsignedShort, copyBufferSource, exposeInterface, requireArguments, usvString } from './idl.ts'
import { settingsFor, type WebSocketOptions, webSocketRequest } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { queueTask } from './task.ts'
import type { BinaryType, ReadyState } from './types.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

const { dispatchEvent } = EventTarget.prototype

/** The class of the WHATWG's WebSockets standard. What is public about it is described in `types.ts`. */
export class WebSocket extends EventTarget {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSING: 2
  declare static readonly CLOSED: 3
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSING: 2
  declare readonly CLOSED: 3

  readonly #url: string
  readonly #origin: string
  readonly #channel: Channel
  readonly #outgoing = new Outgoing()
  readonly #handlers = new EventHandlers(this)
  #readyState: ReadyState = CONNECTING
  #extensions = ''
  #protocol = ''
  #binaryType: BinaryType = 'blob'

  constructor(url: string | URL, protocols: string | readonly string[] | WebSocketOptions = []) {
    // biome-ignore lint/complexity/noArguments: undefined is one.
    requireArguments('WebSocket', arguments.length, 1)
    super()
    const address = usvString(url)
    const request = webSocketRequest(protocols)
    const record = webSocketUrl(address)
    this.#url = record.href
    this.#origin = record.origin
    checkProtocols(request.protocols)
    const { options } = request
    // The standard knows no limit to what waits.
    const settings = settingsFor(options, request.protocols, 'WebSocket', { maxBuffered: Number.POSITIVE_INFINITY })
    // What happens to the connection becomes known in tasks, each of which runs after all before it.
    this.#channel = new Channel(
      record,
      { protocols: request.protocols, signal: options.signal, settings },
      {
        opened: (link) => queueTask(() => this.#opened(link)),
        message: (data) => queueTask(() => this.#message(data)),
        closing: () => queueTask(() => this.#closing()),
        closed: (end) => {
          if (end.failed) queueTask(() => this.#failed(end))
          queueTask(() => this.#closed(end))
        },
      },
    )
  }

  get url(): string {
    return this.#url
  }

  get readyState(): ReadyState {
    return this.#readyState
  }

  get bufferedAmount(): number {
    return this.#outgoing.bufferedAmount
  }

  get extensions(): string {
    return this.#extensions
  }

  get protocol(): string {
    return this.#protocol
  }

  get binaryType(): BinaryType {
    return this.#binaryType
  }

  set binaryType(value: BinaryType) {
    const type = `${value}`
    this.#binaryType = type === 'blob' || type === 'arraybuffer' ? type : this.#binaryType
  }

  get onopen(): EventHandler<this, Event> {
    return this.#handlers.get('open')
  }

  set onopen(handler: EventHandler<this, Event>) {
    this.#handlers.set('open', handler)
  }

  get onmessage(): EventHandler<this, MessageEvent> {
    return this.#handlers.get('message')
  }

  set onmessage(handler: EventHandler<this, MessageEvent>) {
    this.#handlers.set('message', handler)
  }

  get onerror(): EventHandler<this, Event> {
    return this.#handlers.get('error')
  }

  set onerror(handler: EventHandler<this, Event>) {
    this.#handlers.set('error', handler)
  }

  get onclose(): EventHandler<this, CloseEvent> {
    return this.#handlers.get('close')
  }

  set onclose(handler: EventHandler<this, CloseEvent>) {
    this.#handlers.set('close', handler)
  }

  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const outgoing = this.#outgoing
    const given = code === undefined ? undefined : clampedUnsignedShort(code)
    const words = reason === undefined ? '' : usvString(reason)
    checkCloseCodeAndReason(given, words)
    if (this.#readyState === CONNECTING) {
      this.#readyState = CLOSING
      this.#channel.fail(new DOMException('The WebSocket was closed before it was open.', 'AbortError'))
    } else if (this.#readyState === OPEN) {
      this.#readyState = CLOSING
      outgoing.close(codeFor(given, words), words)
    }
  }

  send(data: string | Blob | ArrayBuffer | ArrayBufferView): void {
    const outgoing = this.#outgoing
    // biome-ignore lint/complexity/noArguments: undefined is one.
    requireArguments('send', arguments.length, 1)
    const message = data instanceof Blob ? data : (copyBufferSource(data) ?? usvString(data))
    if (this.#readyState === CONNECTING) {
      throw new DOMException('The WebSocket is not open yet.', 'InvalidStateError')
    }
    outgoing.send(message)
  }

  #opened(link: Link): void {
    // It was closed meanwhile.
    if (this.#readyState !== CONNECTING) return
    this.#readyState = OPEN
    this.#extensions = link.socket.extensions
    this.#protocol = link.socket.protocol
    this.#outgoing.begin(link)
    this.#fire(new Event('open'))
  }

  #message(data: string | Uint8Array): void {
    if (this.#readyState !== OPEN) return
    const given = typeof data === 'string' ? data : this.#binaryType === 'blob' ? new Blob([data]) : bufferOf(data)
    this.#fire(new MessageEvent('message', { data: given, origin: this.#origin }))
  }

  #closing(): void {
    if (this.#readyState < CLOSING) this.#readyState = CLOSING
  }

  #failed({ error }: End): void {
    this.#readyState = CLOSED
    const event = new Event('error')
    // Browsers do not say what went wrong, lest pages explore the network of who looks at them.
    const message = error instanceof Error ? error.message : String(error)
    for (const [name, value] of Object.entries({ error, message })) {
      Object.defineProperty(event, name, { value, enumerable: true })
    }
    this.#fire(event)
  }

  #closed({ wasClean, code, reason }: End): void {
    this.#readyState = CLOSED
    this.#outgoing.end()
    this.#fire(new CloseEvent('close', { wasClean, code, reason }))
  }

  #fire(event: Event): void {
    dispatchEvent.call(this, event)
  }

  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    const { readyState, protocol, extensions, binaryType, bufferedAmount } = this
    const fields = {
      url: quoteUrl(this.url).slice(1, -1),
      readyState,
      protocol,
      extensions,
      binaryType,
      bufferedAmount,
    }
    return inspectFields(this, this.constructor.name, fields, { ...options, depth }, inspect)
  }
}

exposeInterface(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED })
