import { setTimeout as sleep } from 'node:timers/promises'
import { type CloseCause, type CloseInfo, ConnectionClosedError, type Socket } from 'heartwire'
import { type LoopWatch, monotonic, type Stall } from '../support/loop-watch.ts'
import { MessageChecker, type MessageSpec, makeMessage, split } from './messages.ts'
import type { Direction, End, Plan } from './plan.ts'

/** How a connection ended, as `close` was told. */
export interface Ending {
  cause: CloseCause
  initiator: 'local' | 'peer'
  sent: number | undefined
  received: number | undefined
  reason: string
  wasClean: boolean
  error: string | undefined
}

/** What one end has to say of a connection. */
export interface EndReport {
  connection: number
  /** Undefined when the connection could not be opened. */
  ending: Ending | undefined
  /** Messages given to `send`, and messages delivered. */
  sent: number
  received: number
  /** What must not happen and did, a sentence each. */
  wrong: string[]
  /** On the clock of `monotonic`. */
  openedAt: number
  closedAt: number
  /** When a message was delivered last, or the connection was opened. */
  lastMessageAt: number
  /** When this process did nothing, from the opening to the end. */
  stalls: Stall[]
}

/** One end of a connection: sends what the plan says, checks what comes, and closes if that is its part. */
export class Party {
  private readonly end: End
  private readonly plan: Plan
  private readonly watch: LoopWatch
  /** Called once, when the connection has ended. */
  private readonly report: (report: EndReport) => void
  /** Told what is wrong when the report has been made already. */
  private readonly tooLate: (wrong: string) => void
  private readonly direction: Direction
  private readonly checker: MessageChecker
  private readonly openedAt = monotonic()
  private readonly wrong: string[] = []
  private lastMessageAt = this.openedAt
  private sent = 0
  private ending: CloseInfo | undefined
  private reported = false
  private readonly allReceived: Promise<void>
  private receivedAll = () => {}
  private pulled: Promise<void> = Promise.resolve()

  constructor(
    end: End,
    plan: Plan,
    watch: LoopWatch,
    report: (report: EndReport) => void,
    tooLate: (wrong: string) => void,
  ) {
    this.end = end
    this.plan = plan
    this.watch = watch
    this.report = report
    this.tooLate = tooLate
    this.direction = end === 'client' ? 'up' : 'down'
    const incoming = end === 'client' ? 'down' : 'up'
    this.checker = new MessageChecker(plan.connection, incoming, plan[incoming])
    this.allReceived = new Promise((resolve) => {
      this.receivedAll = resolve
    })
  }

  opened(socket: Socket): void {
    const threw = (error: unknown) => this.complain(`threw ${error}`)
    void this.run(socket).catch(threw)
    if (this.plan.reads[this.end] === 'pull') this.pulled = this.pull(socket).catch(threw)
  }

  private message(message: string | Uint8Array): void {
    this.lastMessageAt = monotonic()
    const wrong = this.checker.check(message)
    if (wrong !== undefined) this.complain(wrong)
    if (this.checker.complete) this.receivedAll()
  }

  /** A `message` handler was called. */
  handled(message: string | Uint8Array): void {
    if (this.ending !== undefined) this.complain('a message was delivered after the end')
    this.message(message)
  }

  closed(socket: Socket, info: CloseInfo): void {
    if (this.ending !== undefined) return this.complain(`a second report of the end: ${info.cause}`)
    this.ending = info
    this.receivedAll()
    void this.tell(socket, info)
  }

  private async tell(socket: Socket, info: CloseInfo): Promise<void> {
    const closedAt = monotonic()
    // What had arrived before is delivered first.
    await this.pulled
    if ((await socket.closed) !== info) this.complain('close and closed do not tell the same')
    if (socket.send('x') !== 'closed') this.complain('send did not answer closed after the end')
    const { cause, initiator, sent, received, reason, wasClean, error } = info
    this.reported = true
    this.report({
      connection: this.plan.connection,
      ending: { cause, initiator, sent, received, reason, wasClean, error: error?.name },
      sent: this.sent,
      received: this.checker.received,
      wrong: this.wrong,
      openedAt: this.openedAt,
      closedAt,
      lastMessageAt: this.lastMessageAt,
      stalls: this.watch.since(this.openedAt),
    })
  }

  private async pull(socket: Socket): Promise<void> {
    try {
      for await (const message of socket) this.message(message)
    } catch (error) {
      if (!(error instanceof ConnectionClosedError)) throw error
    }
  }

  private async run(socket: Socket): Promise<void> {
    const { plan, end } = this
    const messages = plan[this.direction]
    for (const [number, spec] of messages.entries()) {
      // The other end closes when it has everything: it gets the last message when everything of its own has arrived.
      if (number === messages.length - 1 && plan.closes !== end) await this.allReceived
      if (spec.pause > 0) await sleep(spec.pause)
      if (!(await this.send(socket, makeMessage(plan.connection, this.direction, number, spec), spec))) return
      this.sent++
    }
    if (plan.closes !== end) return
    if (!plan.early) await this.allReceived
    socket.close(plan.code, plan.reason)
  }

  /** Whether it was sent; not when the connection is not open any more. */
  private async send(socket: Socket, message: string | Uint8Array, { type, parts }: MessageSpec): Promise<boolean> {
    if (parts > 1) return (await socket.sendFragments(split(message, parts))) === 'ok'
    const answer = socket.send(message, type)
    if (answer === 'dropped') this.complain('send answered dropped, with little queued')
    if (answer === 'slow') await socket.drained().catch(() => {})
    return answer === 'ok' || answer === 'slow'
  }

  private complain(wrong: string): void {
    if (this.reported) this.tooLate(`connection ${this.plan.connection}, ${this.end}: ${wrong}`)
    else this.wrong.push(wrong)
  }
}
