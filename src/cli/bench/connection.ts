import type { Socket } from '../../socket/socket.ts'

/** One connection of a load run. */
export class LoadConnection {
  readonly number: number
  /** When its handshake was begun. */
  begun = 0
  /** Undefined before it is open. */
  socket: Socket<LoadConnection> | undefined
  lost = false
  /** Messages that were sent since counting began. */
  sent = 0
  /** Messages that came since counting began. */
  received = 0
  /** Messages that were sent since it is open. */
  sentEver = 0
  /** Of these, those that are answered. */
  answeredEver = 0
  /** When those that are not answered yet were due; the first of them is at `head`. */
  private due: number[] = []
  private head = 0

  constructor(number: number) {
    this.number = number
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.socket?.state === 'open'
  }

  /** How many messages are not answered yet. */
  get pending(): number {
    return this.due.length - this.head
  }

  /** A message that was due at this time is sent. */
  sending(due: number): void {
    this.sentEver++
    this.due.push(due)
  }

  /** The oldest message is answered: when it was due, or undefined when there is none. */
  answered(): number | undefined {
    if (this.pending === 0) return undefined
    const due = this.due[this.head++]
    this.answeredEver++
    if (this.head > 64 && this.head * 2 > this.due.length) {
      this.due = this.due.slice(this.head)
      this.head = 0
    } else if (this.pending === 0) {
      this.due.length = 0
      this.head = 0
    }
    return due
  }

  /** Waits for no answer any more. @returns how many of those that are missing were due since this time */
  abandon(since: number): number {
    const missing = this.due.slice(this.head).filter((due) => due >= since).length
    this.due = []
    this.head = 0
    return missing
  }
}
