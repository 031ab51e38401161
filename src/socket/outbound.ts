import { CloseCode } from '../protocol/close-code.ts'
import { type CloseInfo, ConnectionClosedError } from '../protocol/close-info.ts'
import type { Connection } from '../protocol/connection.ts'
import { SlowConsumerError } from '../protocol/error.ts'
import { Opcode } from '../protocol/opcode.ts'
import { bytesOf, type MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { Sendable } from '../protocol/send-queue.ts'
import type { Behaviour, DropReason, MessageType } from './options.ts'
import { shared } from './runtime.ts'
import { type Debtor, sendBudget } from './send-budget.ts'

/** What `send` has done with a message. */
export type SendResult = 'ok' | 'slow' | 'dropped' | 'closed'

/** What the outbound half asks of its link. */
export interface OutboundHost {
  readonly connection: Connection
  readonly behaviour: Behaviour
  readonly info: CloseInfo | undefined
  readonly whenClosed: Set<(info: CloseInfo) => void>
  /** There are bytes to write. */
  onOutput(): void
  /** A message was dropped that was to be sent. */
  droppedOutbound(why: DropReason, data: string | Uint8Array, type: MessageType): void
  /** All that was queued has been written, after it was too much. */
  drainedAfterSlow(): void
}

/** What is sent to the peer, and how much of it may wait. */
export class Outbound implements Debtor {
  charged = 0
  messages = 0

  private readonly host: OutboundHost
  private slowTold = false
  private whenDrained: (() => void)[] | undefined
  private whenWritable: (() => void) | undefined

  constructor(host: OutboundHost) {
    this.host = host
    const { maxQueueAge } = host.behaviour
    if (maxQueueAge !== Number.POSITIVE_INFINITY) this.limitAge(maxQueueAge)
  }

  /** Milliseconds for which a message may wait. */
  limitAge(maxQueueAge: number): void {
    this.host.connection.sender.limitAge(maxQueueAge, (opcode, data) => this.dropped('max-queue-age', opcode, data))
  }

  /**
   * @param key of a published message, whose place a newer one with the same key may take
   * @param asIs not to be compressed
   */
  send(
    message: MessageData | PreparedMessage,
    type: MessageType | undefined,
    key?: string,
    asIs?: boolean,
  ): SendResult {
    const { connection, behaviour } = this.host
    let data: Sendable
    let opcode: number
    let mostBytes: number
    if (typeof message === 'string') {
      data = message
      opcode = type === 'binary' ? Opcode.Binary : Opcode.Text
      mostBytes = message.length * 3
    } else if (message instanceof PreparedMessage) {
      data = message
      opcode = message.opcode
      mostBytes = message.payload.length
    } else {
      data = bytesOf(message)
      opcode = type === 'text' ? Opcode.Text : Opcode.Binary
      mostBytes = data.length
    }
    if (connection.state !== 'open') return 'closed'
    const { sender } = connection
    if (behaviour.maxQueueAge !== Number.POSITIVE_INFINITY) {
      sender.dropStale()
      // A handler that was told of it may have closed the connection.
      if (connection.state !== 'open') return 'closed'
    }
    const replaces = behaviour.overflow === 'coalesce' ? key : undefined
    // The exact size of a text is only asked for where it may matter.
    if (sender.load + mostBytes > behaviour.maxBuffered) {
      const refused = this.makeRoom(opcode, data, replaces)
      if (refused !== undefined) return refused
    }
    sender.message(opcode, data, replaces, asIs)
    const result = this.sent()
    if (result !== 'dropped') this.messages++
    return result
  }

  /** After something was sent: whether it is too much for now, or even for the budget, and was discarded for that. */
  sent(): 'ok' | 'slow' | 'dropped' {
    const { connection } = this.host
    const { sender } = connection
    this.host.onOutput()
    if (!sender.blocked) {
      if (sender.load <= this.highWaterMark) return 'ok'
      connection.flush()
    }
    this.charge()
    if (sender.hasDiscarded) return 'dropped'
    if (sender.load <= this.highWaterMark) return 'ok'
    this.slowTold = true
    return 'slow'
  }

  /** Bytes queued above which it is too much for now. */
  get highWaterMark(): number {
    const { highWaterMark, maxBuffered } = this.host.behaviour
    return Math.min(highWaterMark, maxBuffered)
  }

  /** The wire was given something, or took something. */
  charge(): void {
    const { sender } = this.host.connection
    sendBudget.charge(this, sender.blocked ? sender.load : 0)
  }

  evict(): void {
    const { connection } = this.host
    const { load } = connection.sender
    const error = new SlowConsumerError(
      `The peer reads too slowly: ${load} bytes are queued for it, and ${sendBudget.used} for all, more than sendBudget.limit, ${sendBudget.limit}.`,
    )
    if (connection.state === 'open') this.tooSlow(error)
    else connection.terminate('slow-consumer', error)
    this.charge()
  }

  onWritten(): void {
    this.charge()
    if (this.whenWritable !== undefined && !this.host.connection.sender.blocked) this.wakeWriter()
  }

  onDrained(): void {
    if (this.whenDrained !== undefined) for (const wake of [...this.whenDrained]) wake()
    if (!this.slowTold) return
    this.slowTold = false
    this.host.drainedAfterSlow()
  }

  /** The connection has ended. */
  end(): void {
    sendBudget.charge(this, 0)
    this.wakeWriter()
  }

  /** Resolves when nothing is queued. */
  drained(signal: AbortSignal | undefined): Promise<void> {
    const { connection, info, whenClosed } = this.host
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (info !== undefined) return Promise.reject(new ConnectionClosedError(info))
    if (!connection.sender.blocked) connection.flush()
    if (connection.sender.bufferedAmount === 0 && !connection.sender.hasDiscarded) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = () => {
        signal?.removeEventListener('abort', onAbort)
        whenClosed.delete(onClosed)
        this.whenDrained = this.whenDrained?.filter((wake) => wake !== onDrained)
      }
      const onDrained = () => {
        done()
        resolve()
      }
      const onAbort = () => {
        done()
        reject(signal?.reason)
      }
      const onClosed = (closed: CloseInfo) => {
        done()
        reject(new ConnectionClosedError(closed))
      }
      signal?.addEventListener('abort', onAbort)
      whenClosed.add(onClosed)
      this.whenDrained ??= []
      this.whenDrained.push(onDrained)
    })
  }

  /** Resolves when the wire takes more, though messages may wait, or when the connection has ended. For fragments. */
  writable(): Promise<void> {
    const { connection } = this.host
    if (!connection.sender.blocked) connection.flush()
    if (!connection.sender.blocked) return Promise.resolve()
    return new Promise((resolve) => {
      this.whenWritable = resolve
    })
  }

  /** Makes room for a message. Where there is none it does what is to be done then, and says what became of the message. */
  private makeRoom(opcode: number, data: Sendable, key: string | undefined): 'dropped' | 'closed' | undefined {
    const { connection, behaviour } = this.host
    const { sender } = connection
    const { maxBuffered } = behaviour
    if (!sender.blocked) connection.flush()
    // A handler that was told of what was dropped meanwhile may have closed the connection.
    if (connection.state !== 'open') return 'closed'
    const load = sender.loadWith(data, key)
    if (sender.bufferedAmount === 0 || load <= maxBuffered) return undefined
    if (behaviour.overflow !== 'close') {
      this.dropped('max-buffered', opcode, data)
    } else {
      const queued = `${sender.load} bytes are queued for it, and with this message it would be ${load}`
      this.tooSlow(
        new SlowConsumerError(`The peer reads too slowly: ${queued}, more than maxBuffered, ${maxBuffered}.`),
      )
    }
    return 'dropped'
  }

  private tooSlow(error: SlowConsumerError): void {
    this.host.connection.fail(CloseCode.TryAgainLater, 'reads too slowly', 'slow-consumer', error)
  }

  private dropped(why: DropReason, opcode: number, data: Sendable): void {
    const type = opcode === Opcode.Text ? 'text' : 'binary'
    if (!(data instanceof PreparedMessage)) return this.host.droppedOutbound(why, data, type)
    const { payload } = data
    const whole = type === 'text' ? shared.platform.utf8Decode(payload, 0, payload.length) : payload
    this.host.droppedOutbound(why, whole, type)
  }

  private wakeWriter(): void {
    const wake = this.whenWritable
    this.whenWritable = undefined
    wake?.()
  }
}
