import type { MessageType } from '../../socket/options.ts'
import type { LoadConnection } from './connection.ts'
import type { Errors } from './errors.ts'
import { Histogram } from './histogram.ts'
import { Latch } from './latch.ts'
import { numbered } from './payload.ts'
import type { Plan, Share } from './plan.ts'
import { type Counts, NO_COUNTS } from './tally.ts'

/** The messages of one process: sent as planned, matched with their answers, and counted. */
export class Traffic {
  /** All is sent, and answered. */
  readonly finished = new Latch()
  /** How long answers took. */
  readonly latency = new Histogram()
  /** The same since the last look, which is not in `latency` yet. */
  readonly recent = new Histogram()
  /** How much later than they were due messages were sent. */
  readonly lateness = new Histogram()
  counts: Counts = { ...NO_COUNTS }
  sentEver = 0
  receivedEver = 0
  /** When counting began: what was due before does not count. Infinite as long as nothing does. */
  since = Number.POSITIVE_INFINITY
  /** When the last message came that counts. */
  lastReceived = 0

  private readonly plan: Plan
  private readonly connections: readonly LoadConnection[]
  private readonly errors: Errors
  /** The payload with a number at its beginning, if it has one. */
  private readonly message: (connection: LoadConnection, number: number) => Uint8Array
  private sending = false
  /** Messages without an answer. */
  private pending = 0
  /** Messages of the plan that are still to be sent or, in mode listen, to come. */
  private left = Number.POSITIVE_INFINITY
  /** Whether it is the time that says how many these are: then it is not over before its end. */
  private isByTime = false

  /** Where there is a rate: the connections whose turn it is, one after the other, and the number of the next message. */
  private turns: readonly LoadConnection[] = []
  private next = 0
  /** When the message with number 0 is due, and the time from one to the next. */
  private start = 0
  private readonly interval: number
  /** Processes have their turns between each other's. */
  private readonly offset: number
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(plan: Plan, share: Share, connections: readonly LoadConnection[], errors: Errors) {
    this.plan = plan
    this.connections = connections
    this.errors = errors
    const each = 1_000 / (plan.rate ?? 1)
    this.interval = each * (plan.connections / connections.length)
    this.offset = each * share.index
    this.message = plan.numbered
      ? (connection, number) => numbered(plan.payload, connection.number, number)
      : () => plan.payload
  }

  /** From here on everything counts, and nothing that was before. */
  count(): void {
    this.since = performance.now()
    this.counts = { ...NO_COUNTS }
    for (const histogram of [this.latency, this.recent, this.lateness]) histogram.reset()
    let open = 0
    for (const connection of this.connections) {
      connection.sent = 0
      connection.received = 0
      if (connection.isOpen) open++
    }
    const { messages = Number.POSITIVE_INFINITY } = this.plan
    const inTime = this.plannedInTime()
    this.left = Math.min(messages * open, inTime)
    this.isByTime = inTime < messages * open
    if (this.sending && this.plan.rate !== undefined) this.keepTime()
  }

  /** Begins to send. */
  begin(): void {
    if (this.sending || this.plan.mode === 'listen') return
    this.sending = true
    if (this.plan.rate !== undefined) return this.keepTime()
    for (const connection of this.connections) {
      for (let count = 0; count < this.plan.inFlight; count++) this.sendNext(connection)
    }
  }

  /** Sends nothing more but what is due already; `finished` waits for the last answers. */
  end(): void {
    if (this.plan.rate !== undefined) this.sendDue(this.start)
    this.isByTime = false
    this.sending = false
    clearTimeout(this.timer)
    this.left = 0
    this.checkFinished()
  }

  /** Nothing of what has no answer yet will be waited for. */
  abandon(): void {
    let missing = 0
    for (const connection of this.connections) missing += connection.abandon(this.since)
    this.counts.unanswered += missing
    const { timeout } = this.plan
    this.errors.add('message', 'unanswered', `A message was not answered within ${timeout / 1000} s.`, missing)
  }

  opened(_connection: LoadConnection): void {
    const { mode, messages } = this.plan
    if (mode === 'listen' && messages !== undefined && this.since !== Number.POSITIVE_INFINITY) this.left += messages
  }

  lost(connection: LoadConnection): void {
    const { mode, messages, rate } = this.plan
    this.pending -= connection.pending
    this.counts.unanswered += connection.abandon(this.since)
    if (messages !== undefined && rate === undefined && this.left > 0 && this.since !== Number.POSITIVE_INFINITY) {
      const rest = Math.max(0, messages - (mode === 'listen' ? connection.received : connection.sent))
      if (mode === 'echo') this.counts.unsent += rest
      this.left -= rest
    }
    this.checkFinished()
  }

  received(connection: LoadConnection, message: Uint8Array, type: MessageType): void {
    this.receivedEver++
    if (this.plan.mode === 'echo') return this.answered(connection, message, type)
    if (this.since === Number.POSITIVE_INFINITY) return
    this.countReceived(connection, message)
    const { messages } = this.plan
    if (messages === undefined || connection.received > messages) return
    this.left--
    this.checkFinished()
  }

  /** Where all messages are to be sent or to come, whether that is the case already. */
  checkFinished(): void {
    if (this.left === 0 && this.pending === 0 && !this.isByTime) this.finished.open()
  }

  private answered(connection: LoadConnection, message: Uint8Array, type: MessageType): void {
    const due = connection.answered()
    if (due === undefined) {
      // What is said before anything was sent is a greeting.
      if (connection.sentEver === 0) return
      this.errors.add('message', 'unexpected', 'A message came to which none had been sent.')
      return
    }
    this.pending--
    if (this.plan.check && !this.isEcho(connection, message, type)) {
      this.errors.add('message', 'mismatched', 'What came back was not what had been sent.')
    }
    if (due >= this.since) {
      this.countReceived(connection, message)
      this.recent.record(this.lastReceived - due)
    }
    if (this.plan.rate === undefined) this.sendNext(connection)
    this.checkFinished()
  }

  private countReceived(connection: LoadConnection, message: Uint8Array): void {
    this.lastReceived = performance.now()
    connection.received++
    this.counts.received++
    this.counts.bytesReceived += message.length
  }

  private isEcho(connection: LoadConnection, message: Uint8Array, type: MessageType): boolean {
    const sent = this.message(connection, connection.answeredEver - 1)
    return type === this.plan.type && Buffer.compare(sent, message) === 0
  }

  /** Sends the next message of a connection that sends as answers come. */
  private sendNext(connection: LoadConnection): void {
    const { messages } = this.plan
    if (!this.sending || (messages !== undefined && connection.sent >= messages)) return
    const now = performance.now()
    if (this.send(connection, now) && now >= this.since) this.left--
  }

  /** Whether it could be sent. */
  private send(connection: LoadConnection, due: number): boolean {
    const message = this.message(connection, connection.sentEver)
    const result = connection.socket?.send(message, this.plan.type) ?? 'closed'
    if (result === 'closed') return false
    connection.sending(due)
    this.pending++
    this.sentEver++
    if (due < this.since) return true
    connection.sent++
    this.counts.sent++
    this.counts.bytesSent += message.length
    return true
  }

  /** How many messages are due in the time of the plan, where it has a rate and a time. */
  private plannedInTime(): number {
    const { rate, duration } = this.plan
    if (rate === undefined || duration === undefined) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.ceil((duration - this.offset) / this.interval))
  }

  /** Sends by the clock from here on. */
  private keepTime(): void {
    const { spin } = this.plan
    this.turns = this.connections.filter(({ isOpen }) => isOpen)
    this.start = performance.now() + this.offset
    this.next = 0
    clearTimeout(this.timer)
    if (spin) setImmediate(this.sendDue, this.start)
    else this.sendDue(this.start)
  }

  /** @param start the clock for which it was called; there may be a new one since */
  private readonly sendDue = (start: number): void => {
    if (!this.sending || start !== this.start || this.turns.length === 0) return
    const now = performance.now()
    let due = start
    while (this.left > 0) {
      due = start + this.next * this.interval
      if (due > now) break
      const connection = this.turns[this.next++ % this.turns.length] as LoadConnection
      const sent = this.send(connection, due)
      if (due < this.since) continue
      this.left--
      if (sent) this.lateness.record(now - due)
      else this.counts.unsent++
    }
    if (this.left === 0) return this.checkFinished()
    if (this.plan.spin) setImmediate(this.sendDue, start)
    else this.timer = setTimeout(this.sendDue, due - now, start)
  }
}
