import { setMaxListeners } from 'node:events'
import { connect } from '../../client/connect.ts'
import type { ConnectOptions } from '../../client/options.ts'
import type { MessageType } from '../../socket/options.ts'
import { LoadConnection } from './connection.ts'
import { type Errors, kindOfFailure, kindOfLoss, lossInWords } from './errors.ts'
import { Histogram } from './histogram.ts'
import { firstOf, Latch } from './latch.ts'
import { connectionsOf, type Plan, type Share, withNumber } from './plan.ts'
import { ramp } from './ramp.ts'
import type { Connections } from './tally.ts'

/** Most bytes of a message that are taken, if what is sent is not longer. */
const MAX_PAYLOAD = 16 * 1024 * 1024
/** Milliseconds for the answers to our Close frames. */
const CLOSE_TIMEOUT = 2_000

/** What is to be known of connections. */
export interface PoolEvents {
  opened(connection: LoadConnection): void
  message(connection: LoadConnection, message: Uint8Array, type: MessageType): void
  /** It has ended, and not by us. */
  lost(connection: LoadConnection): void
}

/** The options of `connect` for a plan, as far as they are the same for all connections. */
export function connectOptions(plan: Plan): ConnectOptions<LoadConnection> {
  return {
    headers: plan.headers,
    origin: plan.origin,
    protocols: [...plan.protocols],
    compression: plan.compress ? 'shared' : 'off',
    tls: plan.tls,
    // A load client adds nothing of its own to the load, and looks at nothing that it does not have to.
    heartbeat: false,
    text: 'bytes',
    maxPayload: Math.max(MAX_PAYLOAD, plan.payload.length),
    handshakeTimeout: plan.timeout,
    closeTimeout: CLOSE_TIMEOUT,
  }
}

/** The connections of one process: opened as planned, watched, and closed. */
export class Pool {
  readonly connections: readonly LoadConnection[]
  readonly state: Connections = { tried: 0, opened: 0, failed: 0, lost: 0, alive: 0 }
  /** How long handshakes took. */
  readonly handshake = new Histogram()

  private readonly plan: Plan
  private readonly share: Share
  private readonly errors: Errors
  private readonly events: PoolEvents
  private readonly options: ConnectOptions<LoadConnection>
  private readonly givingUp = new AbortController()
  private readonly empty = new Latch()
  private closing = false

  constructor(plan: Plan, share: Share, errors: Errors, events: PoolEvents) {
    this.plan = plan
    this.share = share
    this.errors = errors
    this.events = events
    this.connections = connectionsOf(plan, share).map((number) => new LoadConnection(number))
    setMaxListeners(0, this.givingUp.signal)
    this.options = {
      ...connectOptions(plan),
      signal: this.givingUp.signal,
      open: (socket) => this.onOpen(socket.data, socket),
      message: (socket, message, type) => events.message(socket.data, message as Uint8Array, type),
      close: (socket, info) => this.onClose(socket.data, kindOfLoss(info), lossInWords(info)),
    }
  }

  /** Resolves when each connection is open or has failed. */
  async open(): Promise<void> {
    const rate = this.plan.openRate === undefined ? undefined : this.plan.openRate / this.share.of
    await ramp(this.connections, rate, this.givingUp.signal, (connection) => this.openOne(connection))
  }

  /** Opens no more. */
  giveUp(): void {
    this.givingUp.abort()
  }

  async close(): Promise<void> {
    this.closing = true
    this.giveUp()
    for (const { socket } of this.connections) socket?.close()
    if (this.state.alive > 0) await firstOf(CLOSE_TIMEOUT, this.empty)
    for (const { socket } of this.connections) socket?.terminate()
  }

  private async openOne(connection: LoadConnection): Promise<void> {
    const { plan, state, options } = this
    const { number } = connection
    state.tried++
    connection.begun = performance.now()
    try {
      await connect(withNumber(plan.urls[number % plan.urls.length] ?? '', number), {
        ...options,
        headers: this.headersOf(number),
        localAddress: plan.localAddresses[number % plan.localAddresses.length],
        data: connection,
      })
    } catch (error) {
      if (this.givingUp.signal.aborted) {
        state.tried--
        return
      }
      state.failed++
      this.errors.add('open', kindOfFailure(error), error instanceof Error ? error.message : String(error))
    }
  }

  private headersOf(number: number): Record<string, string[]> {
    const headers = Object.entries(this.plan.headers)
    return Object.fromEntries(headers.map(([name, values]) => [name, values.map((value) => withNumber(value, number))]))
  }

  private onOpen(connection: LoadConnection, socket: LoadConnection['socket']): void {
    this.handshake.record(performance.now() - connection.begun)
    connection.socket = socket
    this.state.opened++
    this.state.alive++
    this.events.opened(connection)
  }

  private onClose(connection: LoadConnection, kind: string, example: string): void {
    this.state.alive--
    if (this.state.alive === 0) this.empty.open()
    if (this.closing) return
    connection.lost = true
    this.state.lost++
    this.errors.add('lost', kind, example)
    this.events.lost(connection)
  }
}
