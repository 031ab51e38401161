import type { Duplex } from 'node:stream'
import type { HeartbeatSettings } from '../liveness/heartbeat.ts'
import { type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import type { ConnectionState } from '../protocol/connection.ts'
import { customInspect, type Inspect, type InspectOptions, inspectFields } from '../protocol/inspect.ts'
import type { MessageData, PreparedMessage } from '../protocol/prepared.ts'
import { prepareMessage } from '../protocol/prepared.ts'
import { checkBoolean, checkWord } from './check.ts'
import { socketDuplex } from './duplex.ts'
import { sendFragments } from './fragments.ts'
import type { Limits } from './limits.ts'
import type { Link } from './link.ts'
import type { ReceiveOptions } from './message-queue.ts'
import type { MessageStream } from './message-stream.ts'
import type { ObservedFrame } from './observed-frame.ts'
import { checkNames } from './option-names.ts'
import { type DropReason, type MessageType, resolveHeartbeat } from './options.ts'
import type { SendResult } from './outbound.ts'
import { shared } from './runtime.ts'

/**
 * Encodes a message once, to be sent to any number of sockets. Bytes are copied.
 * @throws ArgumentError for anything that is neither a string nor bytes, and for a type that there is not
 */
export function prepare(message: MessageData, type?: MessageType): PreparedMessage {
  return prepareMessage(shared.platform, message, checkType(type))
}

export interface SendOptions {
  /** Sends bytes as text, which have to be UTF-8 and are not checked, or a string as binary. */
  type?: MessageType
  /** Whether the message may be compressed, where that was agreed on. Default true. */
  compress?: boolean
}

const SEND_OPTIONS = ['type', 'compress']

/** Takes next to nothing, since it may be called for every message. @throws ArgumentError that names the option */
export function checkSendOptions(options: SendOptions, known: readonly string[], whose: string): void {
  if (typeof options !== 'object' || options === null) checkNames(options, known, whose)
  for (const name in options) if (!known.includes(name)) checkNames(options, known, whose)
  checkType(options.type)
  if (options.compress !== undefined) checkBoolean('compress', options.compress)
}

function checkType<Type extends MessageType | undefined>(type: Type): Type {
  if (type !== undefined && type !== 'text' && type !== 'binary') checkWord('type', type, ['text', 'binary'])
  return type
}

/** What has gone through a connection. */
export interface SocketCounts {
  /** Messages from the peer, those that were dropped included. */
  readonly messagesIn: number
  /** Messages that `send` and `publish` took, those that were dropped later or replaced included; without those sent in fragments. */
  readonly messagesOut: number
  /** Bytes of frames that were read, without the handshake. */
  readonly bytesIn: number
  /** Bytes of frames that were written, without the handshake. */
  readonly bytesOut: number
  /** Messages that were dropped, by the limit that dropped them. */
  readonly dropped: Readonly<Record<DropReason, number>>
  /** Messages whose place in the queue a newer one with the same key took. */
  readonly coalesced: number
}

/** One end of an open WebSocket connection. */
export class Socket<Data = unknown> implements AsyncIterable<string | Uint8Array> {
  /** Whatever the application wants to keep with the connection; a server's comes from its `upgrade` hook. */
  data: Data
  /** The subprotocol that was agreed on, or `''`. */
  readonly protocol: string
  /** @internal */
  protected readonly link: Link
  /** What `closed` gives, once it was asked for. */
  private end: Promise<CloseInfo> | undefined

  /** @internal */
  constructor(link: Link, data: Data, protocol: string) {
    this.link = link
    this.data = data
    this.protocol = protocol
  }

  get state(): ConnectionState {
    return this.link.connection.state
  }

  /** The peer's IP address; undefined where the transport has none, as a Unix socket. */
  get remoteAddress(): string | undefined {
    return this.link.transport.remoteAddress
  }

  /** Bytes that have been sent and not yet taken by the kernel. */
  get bufferedAmount(): number {
    return this.link.connection.sender.bufferedAmount
  }

  /** What was agreed on of extensions, as in a Sec-WebSocket-Extensions header; `''` for none: nothing is compressed. */
  get extensions(): string {
    return this.link.codec?.extensions ?? ''
  }

  /** The round-trip time measured last, in milliseconds; undefined before the first answer to a ping. */
  get latency(): number | undefined {
    return this.link.pulse.latency
  }

  /** Most bytes of a message from the peer; can be raised or lowered at any time, and counts from the next frame on. */
  get maxPayload(): number {
    return this.link.connection.receiver.maxPayload
  }

  set maxPayload(bytes: number) {
    this.link.setLimits({ maxPayload: bytes })
  }

  /**
   * Sets limits from here on; those that are not given stay as they are. `maxLifetime` and `idleBeforeFirstMessage` count
   * from now. A `highWaterMark` above `maxBuffered` counts as that.
   * @throws ArgumentError that names the limit, and its value or the one that was meant; nothing is changed then
   */
  setLimits(limits: Limits): void {
    this.link.setLimits(limits)
  }

  /** What has gone through this connection so far. */
  get counts(): SocketCounts {
    const { connection, inbound, outbound, dropCounts } = this.link
    return {
      messagesIn: inbound.messages,
      messagesOut: outbound.messages,
      bytesIn: connection.receiver.bytesReceived,
      bytesOut: connection.sender.bytesSent,
      dropped: { ...dropCounts },
      coalesced: connection.sender.coalesced,
    }
  }

  /** When to ping and when to judge dead; false for no heartbeat. Can be set at any time. */
  get heartbeat(): HeartbeatSettings | false {
    return this.link.pulse.settings
  }

  set heartbeat(settings: Partial<HeartbeatSettings> | false) {
    this.link.pulse.settings = resolveHeartbeat(settings)
  }

  /** Milliseconds until the peer is judged dead if nothing more is heard of it; infinite without a heartbeat or while paused. */
  get aliveFor(): number {
    return this.link.pulse.aliveFor
  }

  /** How the connection ended; settles exactly once, and never rejects. */
  get closed(): Promise<CloseInfo> {
    const { link } = this
    this.end ??= new Promise((resolve) => {
      if (link.info === undefined) link.whenClosed.add(resolve)
      else resolve(link.info)
    })
    return this.end
  }

  /**
   * Sends a message: a string as text, bytes as binary. Bytes must not be changed until they are drained.
   * All that is sent in one turn of the event loop goes out in one write.
   * @param options `'text'` or `'binary'` sends bytes as text, which have to be UTF-8 and are not checked, or a string as
   * binary
   * @returns `'ok'`; `'slow'`: taken, but more than `highWaterMark` is queued; `'dropped'`: it would have gone over
   * `maxBuffered`, and `overflow` says whether the connection is being closed for it, or over `sendBudget`, for which it
   * is; `'closed'`: not sent, the connection is not open
   * @throws ArgumentError for anything that is neither a string nor bytes, and for an option that there is not
   */
  send(message: MessageData | PreparedMessage, options?: MessageType | SendOptions): SendResult {
    if (options === undefined || typeof options === 'string') return this.link.send(message, checkType(options))
    checkSendOptions(options, SEND_OPTIONS, 'send')
    return this.link.send(message, options.type, undefined, options.compress === false)
  }

  /**
   * Sends one message as a fragment for each part, as the parts come; messages that are sent meanwhile go out behind it.
   * Waits while the peer is slow. Parts are all strings or all bytes.
   * @throws what the source throws; the connection is then closed with 1011, since a message cannot be left unfinished
   */
  sendFragments(parts: Iterable<MessageData> | AsyncIterable<MessageData>): Promise<'ok' | 'closed'> {
    return sendFragments(this.link, parts)
  }

  /**
   * Sends a ping and resolves with the round-trip time in milliseconds. Rejects with a ConnectionClosedError when the
   * connection ends first; where nobody waits for it, that goes unnoticed.
   * @param payload at most 125 bytes; by default a sequence number
   */
  ping(payload?: string | Uint8Array): Promise<number> {
    const roundTrip = this.link.ping(payload)
    roundTrip.catch(() => {})
    return roundTrip
  }

  /** Sends a pong that nobody asked for (RFC 6455 section 5.5.3). Pings are answered without this. */
  pong(payload: string | Uint8Array = ''): void {
    this.link.pong(payload)
  }

  /**
   * Starts the closing handshake: what was sent is delivered first, then the Close frame goes out. The peer has
   * `closeTimeout` to answer, and a message that is being sent in fragments as long to be finished. Does nothing when
   * the connection is closing already.
   * @param code 1000 to 1003, 1007 to 1014, 3000 to 4999; 1005 sends a Close frame without a code
   * @throws ArgumentError for a code that must not be sent, or a reason of more than 123 bytes of UTF-8
   */
  close(code = 1000, reason = ''): void {
    this.link.close(code, reason)
  }

  /** Ends the connection at once, without a Close frame. The peer sees 1006. */
  terminate(): void {
    this.link.connection.terminate('terminated')
  }

  /** Closes with 1000, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  /**
   * Resolves when all that was sent has been taken by the kernel. Rejects with a ConnectionClosedError at the end of a
   * connection that discarded messages or ended first, and with the signal's reason.
   */
  drained(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.link.outbound.drained(options.signal)
  }

  /** Stops reading, so that TCP holds the peer back. After `maxPause` the connection is closed with 1011. */
  pause(): void {
    this.link.pause()
  }

  resume(): void {
    this.link.resume()
  }

  /**
   * The next message. On a time-out or an abort the connection stays open, and nothing is lost.
   * @throws ConnectionClosedError when none can come any more; TimeoutError; the signal's reason; ArgumentError beside a `message` handler
   */
  async receive(options: ReceiveOptions = {}): Promise<string | Uint8Array> {
    return (await this.link.pullQueue().next(options)).data
  }

  /**
   * The next message, to be read piece by piece as it arrives, without being held in memory. `maxPayload` counts.
   * @throws as `receive` does
   */
  async receiveStream(options: ReceiveOptions = {}): Promise<MessageStream> {
    return this.link.pullQueue().nextStream(options)
  }

  /**
   * The messages, as they come; a loop that takes its time holds the peer back. Leaving the loop leaves the connection
   * open. Close codes 1000 and 1001, received or sent first, end the loop; any other end is thrown as a ConnectionClosedError.
   * @throws ArgumentError beside a `message` handler
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void, undefined> {
    const queue = this.link.pullQueue()
    for (;;) {
      let message: string | Uint8Array
      try {
        message = (await queue.next()).data
      } catch (error) {
        if (error instanceof ConnectionClosedError && error.info !== undefined && endsNormally(error.info)) return
        throw error
      }
      yield message
    }
  }

  /** A Node stream over the connection: each chunk written is a message, and the messages' bytes are read end to end. */
  duplex(options: { type?: MessageType } = {}): Duplex {
    return socketDuplex(this.link, checkType(options.type ?? 'binary'))
  }

  /** @internal What is printed of it, without what is secret in it. */
  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    return inspectFields(this, this.constructor.name, this.shown(), { ...options, depth }, inspect)
  }

  /** @internal */
  protected shown(): object {
    const { state, protocol, remoteAddress, bufferedAmount, latency, data } = this
    return { state, protocol, remoteAddress, bufferedAmount, latency, data }
  }

  /** Sees every frame in both directions from here on, until what this returns is called. */
  observeFrames(observe: (frame: ObservedFrame) => void): () => void {
    return this.link.observeFrames(observe)
  }
}

function endsNormally(info: CloseInfo): boolean {
  const code = info.initiator === 'local' ? (info.sent ?? info.code) : info.code
  return info.cause !== 'terminated' && (code === 1000 || code === 1001)
}
