import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { isSendableCloseCode } from '../protocol/close-code.ts'
import { Opcode } from '../protocol/opcode.ts'
import { abortRequest, connect } from './client.ts'
import type { ClientOptions } from './client-options.ts'
import { arrayBufferOf, type BufferLike, bytesOf, EMPTY, isBlob, payloadOf } from './data.ts'
import { EventTargetFace } from './event-target-face.ts'
import type { extension } from './extension.ts'
import type { PerMessageDeflate } from './permessage-deflate.ts'
import type { Receiver } from './receiver.ts'
import type { SendCallback } from './send-callbacks.ts'
import type { Sender } from './sender.ts'
import { Session, type SessionOptions } from './session.ts'
import type { createWebSocketStream } from './stream.ts'
import type { subprotocol } from './subprotocol.ts'
import type * as types from './types.ts'
import type { WebSocketServer } from './web-socket-server.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3
const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']
const BINARY_TYPES = ['nodebuffer', 'arraybuffer', 'blob', 'fragments']
const MOST_OF_CONTROL = 125
/** What a Close frame has room for beside its code. */
const MOST_OF_REASON = 123

export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'blob' | 'fragments'
export type ReadyState = 0 | 1 | 2 | 3

export interface SendOptions {
  binary?: boolean | undefined
  compress?: boolean | undefined
  fin?: boolean | undefined
  mask?: boolean | undefined
}

/** What a server hands to the WebSocket that it makes. */
export interface ServerSideOptions {
  autoPong?: boolean | undefined
  closeTimeout?: number | undefined
}

export interface EventListenerOptions {
  once?: boolean | undefined
}

/** What a message is given as, which `binaryType` says. */
export type RawData = Buffer | ArrayBuffer | Buffer[]
/** As an event's `data`, which is a string for a text. */
export type Data = string | RawData

/** What it emits, with the arguments of the listeners. */
export interface WebSocketEvents {
  open: []
  message: [data: RawData, isBinary: boolean]
  ping: [data: Buffer]
  pong: [data: Buffer]
  upgrade: [response: IncomingMessage]
  redirect: [url: string, request: ClientRequest]
  'unexpected-response': [request: ClientRequest, response: IncomingMessage]
  error: [error: Error]
  close: [code: number, reason: Buffer]
}

/** A WebSocket as the package `ws` has it. What is not said here is as its documentation says. */
export class WebSocket extends EventTargetFace {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSING: 2
  declare static readonly CLOSED: 3
  declare static createWebSocketStream: typeof createWebSocketStream
  declare static extension: typeof extension
  declare static PerMessageDeflate: typeof PerMessageDeflate
  declare static Receiver: typeof Receiver
  declare static Sender: typeof Sender
  declare static Server: typeof WebSocketServer
  declare static subprotocol: typeof subprotocol
  declare static WebSocket: typeof WebSocket
  declare static WebSocketServer: typeof WebSocketServer
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSING: 2
  declare readonly CLOSED: 3

  // Named as in `ws`, since there are those who look at some of them.
  /** @internal */ _autoPong: boolean
  /** @internal */ _binaryType: BinaryType = 'nodebuffer'
  /** Bytes that were sent when there was nobody to send them to. */
  /** @internal */ _bufferedAmount = 0
  /** @internal */ _closeCode = 1006
  /** @internal */ _closeFrameReceived = false
  /** @internal */ _closeFrameSent = false
  /** @internal */ _closeMessage: Buffer = EMPTY
  /** @internal */ _closeTimeout: number
  /** @internal */ _closeTimer: NodeJS.Timeout | undefined
  /** @internal */ _errorEmitted = false
  /** @internal */ _extensions: Record<string, PerMessageDeflate> = {}
  /** @internal */ _isServer: boolean
  /** @internal */ _paused = false
  /** @internal */ _protocol = ''
  /** @internal */ _readyState: ReadyState = CONNECTING
  /** @internal */ _req: ClientRequest | undefined
  /** @internal */ _session: Session | undefined
  /** The net.Socket, tls.TLSSocket or other stream that this is over; null before it is open. */
  /** @internal */ _socket: Duplex | null = null
  /** @internal */ _url = ''
  /** The peer broke a rule: its Close frame is not waited for. */
  /** @internal */ _failed = false

  /**
   * @param address null for what a server makes
   * @throws SyntaxError for an address or a subprotocol that cannot be used, RangeError for a protocol version
   */
  constructor(address: null, protocols?: undefined, options?: ServerSideOptions)
  constructor(address: string | URL, options?: ClientOptions)
  constructor(address: string | URL, protocols?: string | string[], options?: ClientOptions)
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions,
    options?: ClientOptions | ServerSideOptions,
  ) {
    super()
    const isOptions = typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)
    const given = isOptions ? protocols : (options ?? {})
    this._autoPong = given.autoPong ?? true
    this._closeTimeout = given.closeTimeout ?? 30_000
    this._isServer = address === null
    if (address === null) return
    const names = isOptions || protocols === undefined ? [] : Array.isArray(protocols) ? protocols : [protocols]
    connect(this, address, names as string[], given as ClientOptions)
  }

  /** How binary messages are given. A value that is none of the four is ignored. Also 'blob', which @types/ws lacks. */
  get binaryType(): Exclude<BinaryType, 'blob'> {
    return this._binaryType as Exclude<BinaryType, 'blob'>
  }

  set binaryType(type: BinaryType) {
    if (!BINARY_TYPES.includes(type)) return
    this._binaryType = type
    if (this._session !== undefined) this._session.incoming.collectsFragments = type === 'fragments'
  }

  /** Bytes that were sent and that the kernel has not taken. What waits for the end of this turn is given to it now. */
  get bufferedAmount(): number {
    return this._bufferedAmount + (this._session?.outgoing.bufferedAmount ?? 0)
  }

  /** The names of the extensions that were agreed on. */
  get extensions(): string {
    return Object.keys(this._extensions).join()
  }

  get isPaused(): boolean {
    return this._paused
  }

  get protocol(): string {
    return this._protocol
  }

  get readyState(): ReadyState {
    return this._readyState
  }

  /** What was connected to; empty for what a server made. */
  get url(): string {
    return this._url
  }

  /**
   * Sends a message, or a fragment of one. The callback is called when it has been written, or with why it was not.
   * @throws Error while the state is CONNECTING, and TypeError for what is no data
   */
  send(data: BufferLike, callback?: SendCallback): void
  send(data: BufferLike, options: SendOptions, callback?: SendCallback): void
  send(data: BufferLike, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    this._checkConnected()
    if (typeof options === 'function') return this.send(data, {}, options)
    if (this._readyState !== OPEN) return this._sendTooLate(data, callback)
    const { outgoing } = this._session!
    if (isBlob(data)) return this._sendBlob(data, options ?? {}, callback)
    const payload = payloadOf(data)
    const isText = typeof payload === 'string'
    const binary = options?.binary ?? !isText
    const { compress = true, fin = true, mask } = options ?? {}
    if (callback === undefined && compress && fin && mask === undefined) {
      return outgoing.whole(binary ? Opcode.Binary : Opcode.Text, payload)
    }
    outgoing.message(payload, { binary, compress, fin, mask }, callback)
  }

  /**
   * Sends a ping, behind the messages that wait.
   * @param data at most 125 bytes
   * @throws Error while the state is CONNECTING, RangeError for too much data
   */
  ping(data?: unknown, mask?: boolean | ((error: Error) => void), callback?: (error: Error) => void): void {
    this._control(Opcode.Ping, data, mask, callback)
  }

  /** Sends a pong that answers no ping of its own accord; otherwise as `ping`. */
  pong(data?: unknown, mask?: boolean | ((error: Error) => void), callback?: (error: Error) => void): void {
    this._control(Opcode.Pong, data, mask, callback)
  }

  /**
   * Begins the closing handshake. Nothing is read after the peer's answer, which is waited for as long as `closeTimeout`
   * says.
   * @throws TypeError for a code that must not be sent, RangeError for a reason over 123 bytes
   */
  close(code?: number, reason?: string | Buffer): void {
    if (this._readyState === CLOSED) return
    if (this._readyState === CONNECTING) return abortRequest(this, NOT_ESTABLISHED)
    if (this._readyState === CLOSING) {
      if (this._closeFrameSent && (this._closeFrameReceived || this._failed)) this._session?.end()
      return
    }
    const payload = closePayload(code, reason)
    this._readyState = CLOSING
    const session = this._session!
    session.outgoing.control(Opcode.Close, payload, undefined, (error) => {
      if (error) return
      this._closeFrameSent = true
      if (this._closeFrameReceived || this._failed) session.end()
    })
    this._waitForEnd()
  }

  /** Ends the connection at once, without a Close frame. */
  terminate(): void {
    if (this._readyState === CLOSED) return
    if (this._readyState === CONNECTING) return abortRequest(this, NOT_ESTABLISHED)
    this._readyState = CLOSING
    this._session?.destroy()
  }

  /** Stops reading; what has been read already is still told. Does nothing in the states CONNECTING and CLOSED. */
  pause(): void {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return
    this._paused = true
    this._session?.pause()
  }

  resume(): void {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return
    this._paused = false
    this._session?.resume()
  }

  /** @internal Opens it over a stream on which the handshake is done; `head` is what was read behind that. */
  setSocket(socket: Duplex, head: Buffer, options: SessionOptions): void {
    const codec = this._extensions['permessage-deflate']?.codec()
    const session = new Session(this, socket, options, codec)
    this._session = session
    this._socket = socket
    session.incoming.collectsFragments = this._binaryType === 'fragments'
    if (head.length > 0) socket.unshift(head)
    session.start()
    this._readyState = OPEN
    this.emit('open')
  }

  /** @internal */
  emitClose(): void {
    this._readyState = CLOSED
    this.emit('close', this._closeCode, this._closeMessage)
  }

  // For those who reach for them: engine.io sends prepared frames through `_sender`.
  /** @internal */ get _sender(): Session['outgoing'] | null {
    return this._session?.outgoing ?? null
  }

  /** @internal */ get _receiver(): Session['incoming'] | null {
    return this._session?.incoming ?? null
  }

  // From the session

  /** @internal */ _asBinaryType(bytes: Uint8Array): unknown {
    if (this._binaryType === 'arraybuffer') return arrayBufferOf(bytes)
    if (this._binaryType === 'blob') return new Blob([bytes as Uint8Array<ArrayBuffer>])
    return this._binaryType === 'fragments' ? [bytes] : bytes
  }

  /** @internal The stream has ended, or is about to. */
  _closing(): void {
    this._readyState = CLOSING
  }

  /** @internal */ _closeReceived(code: number, reason: Buffer): void {
    this._closeFrameReceived = true
    this._closeMessage = reason
    this._closeCode = code
    if (code === 1005) this.close()
    else this.close(code, reason)
  }

  /** @internal The peer broke a rule. */
  _violated(error: Error, closeCode: number): void {
    this._failed = true
    this.close(closeCode)
    this._emitError(error)
  }

  /** @internal Something could not be sent: there is a gap in what the peer gets. */
  _failedToSend(error: Error): void {
    if (this._readyState === CLOSED) return
    if (this._readyState === OPEN) {
      this._readyState = CLOSING
      this._waitForEnd()
    }
    this._session?.end()
    this._emitError(error)
  }

  /** @internal */ _waitForEnd(): void {
    this._closeTimer = setTimeout(() => this._socket?.destroy(), this._closeTimeout)
  }

  /** @internal */ _stopWaiting(): void {
    clearTimeout(this._closeTimer)
  }

  /** @internal */ _emitError(error: Error): void {
    if (this._errorEmitted) return
    this._errorEmitted = true
    this.emit('error', error)
  }

  /** @internal */ _sendBlob(blob: Blob, options: SendOptions, callback: SendCallback | undefined): void {
    const { outgoing } = this._session!
    const { binary = true, compress = true, fin = true, mask } = options
    outgoing.readBlob(
      blob,
      (bytes) => outgoing.message(bytes, { binary, compress, fin, mask }, callback),
      (error) => {
        callback?.(error)
        this._failedToSend(error)
      },
    )
  }

  /** @internal */ _control(
    opcode: number,
    given: unknown,
    givenMask: boolean | ((error: Error) => void) | undefined,
    givenCallback: ((error: Error) => void) | undefined,
  ): void {
    this._checkConnected()
    const data = typeof given === 'function' ? undefined : given
    const mask = typeof givenMask === 'boolean' ? givenMask : undefined
    const callback = [given, givenMask, givenCallback].find((one): one is SendCallback => typeof one === 'function')
    if (this._readyState !== OPEN) return this._sendTooLate(data, callback)
    const { outgoing } = this._session!
    if (isBlob(data)) {
      if (data.size > MOST_OF_CONTROL) throw tooMuch()
      const failed = (error: Error) => {
        callback?.(error)
        this._failedToSend(error)
      }
      return outgoing.readBlob(data, (bytes) => outgoing.control(opcode, bytes, mask, callback), failed)
    }
    const payload = payloadOf(data)
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (bytes.length > MOST_OF_CONTROL) throw tooMuch()
    outgoing.control(opcode, bytes, mask, callback)
  }

  /** @internal */ _checkConnected(): void {
    if (this._readyState === CONNECTING) throw new Error('WebSocket is not open: readyState 0 (CONNECTING)')
  }

  /** @internal It counts as buffered, as in browsers, and the callback is told. */
  _sendTooLate(data: unknown, callback: SendCallback | undefined): void {
    if (data) {
      const given = typeof data === 'number' ? String(data) : data
      this._bufferedAmount += isBlob(given)
        ? given.size
        : typeof given === 'string'
          ? Buffer.byteLength(given)
          : bytesOf(given).length
    }
    if (callback === undefined) return
    const state = this._readyState
    const error = new Error(`WebSocket is not open: readyState ${state} (${STATES[state]})`)
    process.nextTick(callback, error)
  }
}

/** The types, where @types/ws has them as well. */
export declare namespace WebSocket {
  export type AddressInfo = types.AddressInfo
  export type CertMeta = string | string[] | Buffer | Buffer[]
  export type ClientOptions = types.ClientOptions
  export type CloseEvent = types.CloseEvent
  export type Data = types.Data
  export type ErrorEvent = types.ErrorEvent
  export type Event = types.Event
  export type EventListenerOptions = types.EventListenerOptions
  export type FinishRequestCallback = types.FinishRequestCallback
  export type MessageEvent = types.MessageEvent
  export type PerMessageDeflateOptions = types.PerMessageDeflateOptions
  export type RawData = types.RawData
  export type Server<
    Socket extends typeof WebSocket = typeof WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = WebSocketServer<Socket, Request>
  export type ServerOptions<
    Socket extends typeof WebSocket = typeof WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = types.ServerOptions<Socket, Request>
  export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    types.VerifyClientCallbackAsync<Request>
  export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    types.VerifyClientCallbackSync<Request>
}

const NOT_ESTABLISHED = 'WebSocket was closed before the connection was established'

function tooMuch(): RangeError {
  return new RangeError(`The data size must not be greater than ${MOST_OF_CONTROL} bytes`)
}

function closePayload(code: number | undefined, reason: string | Buffer | undefined): Buffer {
  // As in `ws`, there is no reason without a code.
  if (code === undefined) return EMPTY
  if (typeof code !== 'number' || !isSendableCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number')
  }
  const text = reason === undefined ? EMPTY : Buffer.from(reason as string)
  if (text.length > MOST_OF_REASON) {
    throw new RangeError(`The message must not be greater than ${MOST_OF_REASON} bytes`)
  }
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), text])
}

// Constants, on the class and on its instances.
for (const [value, name] of STATES.entries()) {
  const descriptor = { enumerable: true, value }
  Object.defineProperty(WebSocket, name, descriptor)
  Object.defineProperty(WebSocket.prototype, name, descriptor)
}
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url']) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true })
}
