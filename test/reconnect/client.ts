import {
  type Attempt,
  type DroppedEvent,
  type FailureEvent,
  type FinalCloseEvent,
  ReconnectingWebSocket,
  type ReconnectOptions,
  type State,
  type StateEvent,
  type Target,
} from 'heartwire/reconnect'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { ManualClock } from './clock.ts'

/** A reconnecting socket, and all that it tells. Its time is its own; waits are as long as they can be. */
export class Client {
  readonly clock = new ManualClock()
  readonly states = new Mailbox<StateEvent>()
  readonly messages = new Mailbox<unknown>()
  readonly errors = new Mailbox<FailureEvent>()
  readonly dropped = new Mailbox<DroppedEvent>()
  readonly closes = new Mailbox<FinalCloseEvent>()
  readonly socket: ReconnectingWebSocket

  constructor(target: Target | ((attempt: Attempt) => Target | Promise<Target>), options: ReconnectOptions = {}) {
    this.socket = new ReconnectingWebSocket(target, { WebSocket, clock: this.clock, random: () => 1, ...options })
    this.socket.addEventListener('state', this.states.put)
    this.socket.addEventListener('message', ({ data }) => this.messages.put(data))
    this.socket.addEventListener('error', this.errors.put)
    this.socket.addEventListener('dropped', this.dropped.put)
    this.socket.addEventListener('close', this.closes.put)
    onTestFinished(() => this.socket.close())
  }

  /** The next change to this state; others before it are passed over. */
  async until(state: State): Promise<StateEvent> {
    for (;;) {
      const event = await this.states.next()
      if (event.state === state) return event
    }
  }

  /** Lets the wait for the next attempt pass. */
  retry(): void {
    this.clock.advance(this.states.all.at(-1)?.delay ?? 0)
  }

  /** Every state so far, the first `connecting` not included: nobody can listen before it. */
  get path(): string {
    return this.states.all.map(({ state }) => state).join(' ')
  }
}
