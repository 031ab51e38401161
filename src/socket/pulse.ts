import { Heartbeat, type HeartbeatSettings } from '../liveness/heartbeat.ts'
import { Pings } from '../liveness/pings.ts'
import type { WheelEntry } from '../liveness/wheel.ts'
import type { Connection } from '../protocol/connection.ts'
import { HeartbeatError } from '../protocol/error.ts'
import { wheel } from './runtime.ts'

/** What a pulse asks of its link. */
export interface PulseHost {
  sendPing(payload: Uint8Array): void
  /** Nothing was read for as long as reading may be paused. */
  pausedTooLong(): void
  /** The time has passed for which nothing was to be read. */
  readAgain(): void
  /** The connection has lasted for as long as it may. */
  livedTooLong(): void
  /** The first message has not come in time. */
  noMessage(): void
}

/**
 * When something is due for a connection: a ping, the judgement that the peer is dead, the end of a pause, of the wait for
 * the first message or of the connection's life, or a deadline of closing. It is the connection's one entry in the wheel.
 */
export class Pulse implements WheelEntry {
  /** The round-trip time measured last, in milliseconds. */
  latency: number | undefined

  wheelSlot = -1
  wheelDue = 0
  wheelNext: WheelEntry | undefined
  wheelPrevious: WheelEntry | undefined

  private readonly connection: Connection
  private readonly host: PulseHost
  private heartbeat: Heartbeat | undefined
  private pings: Pings | undefined
  /** When the pause in reading becomes too long; infinite while there is none. */
  private pauseDeadline = Number.POSITIVE_INFINITY
  /** When reading goes on by itself. */
  private readDeadline = Number.POSITIVE_INFINITY
  /** When the first message must have come. */
  private messageDeadline = Number.POSITIVE_INFINITY
  private lifeDeadline = Number.POSITIVE_INFINITY
  /** When reading stopped; undefined while it goes on. */
  private pausedAt: number | undefined
  /** The heartbeat's own ping is on its way to the kernel. */
  private pinging = false

  constructor(connection: Connection, host: PulseHost) {
    this.connection = connection
    this.host = host
  }

  get settings(): HeartbeatSettings | false {
    return this.heartbeat?.settings ?? false
  }

  set settings(settings: HeartbeatSettings | false) {
    if (settings === false) {
      this.heartbeat = undefined
    } else if (this.heartbeat === undefined) {
      this.heartbeat = new Heartbeat(settings, wheel.now())
      if (this.pausedAt !== undefined) this.heartbeat.suspend()
    } else {
      this.heartbeat.settings = settings
    }
    this.reschedule()
  }

  /** Milliseconds until the peer is judged dead if nothing is heard of it any more. */
  get aliveFor(): number {
    return Math.max(0, (this.heartbeat?.aliveUntil ?? Number.POSITIVE_INFINITY) - wheel.now())
  }

  /** Something has arrived. */
  heard(): void {
    const { heartbeat } = this
    if (heartbeat === undefined) return
    heartbeat.heard(wheel.now())
    // With a timeout above the interval an answer makes the next ping due before the end of the timeout.
    if (heartbeat.due < this.wheelDue) this.reschedule()
  }

  /** The wire has let go of something that it held, or still holds it. */
  wireMoved(): void {
    this.heartbeat?.wentOn(wheel.now())
    this.wireAsked()
  }

  /** The wire was given something. */
  wireAsked(): void {
    if (this.connection.sender.blocked) this.heartbeat?.heldUp(wheel.now())
  }

  /** Nothing is read from here on, so nobody is judged. */
  suspend(): void {
    this.pausedAt ??= wheel.now()
    this.heartbeat?.suspend()
    this.reschedule()
  }

  resume(): void {
    const now = wheel.now()
    this.messageDeadline += now - (this.pausedAt ?? now)
    this.pausedAt = undefined
    this.heartbeat?.resume(now)
    this.reschedule()
  }

  /** The pause in reading is too long after so many milliseconds; an infinite number takes that back. */
  limitPause(milliseconds: number): void {
    this.pauseDeadline = wheel.now() + milliseconds
    this.reschedule()
  }

  /** Reading is to go on after so many milliseconds. */
  readAgainIn(milliseconds: number): void {
    this.readDeadline = wheel.now() + milliseconds
    this.reschedule()
  }

  /** The first message has to come within so many milliseconds, without those in which nothing is read. */
  expectMessage(milliseconds: number): void {
    this.messageDeadline = (this.pausedAt ?? wheel.now()) + milliseconds
    this.reschedule()
  }

  /** The connection ends after so many milliseconds. */
  limitLife(milliseconds: number): void {
    this.lifeDeadline = wheel.now() + milliseconds
    this.reschedule()
  }

  /** Sends a ping; `settle` gets its round-trip time, or undefined when it is given up. */
  ping(payload: Uint8Array | undefined, settle?: (roundTrip: number | undefined) => void): void {
    this.pings ??= new Pings()
    const sent = payload ?? this.pings.payload()
    this.pings.add(sent, performance.now(), settle)
    this.host.sendPing(sent)
  }

  pingTaken(): void {
    this.pings?.taken(performance.now())
    // Only the heartbeat's own ping starts its deadline: an application that pings all the time must not put it off.
    if (!this.pinging) return
    this.pinging = false
    this.heartbeat?.pingTaken(wheel.now())
    this.reschedule()
  }

  /** A pong has come. Returns the round-trip time of the ping that it answers, if it answers one. */
  answered(payload: Uint8Array): number | undefined {
    const roundTrip = this.pings?.answered(payload, performance.now())
    this.latency = roundTrip ?? this.latency
    return roundTrip
  }

  /** The connection has ended. */
  stop(): void {
    wheel.schedule(this, Number.POSITIVE_INFINITY)
    this.pings?.giveUp()
  }

  onTime(): void {
    const { connection } = this
    if (connection.state === 'closing') {
      connection.tick()
    } else if (connection.state === 'open') {
      this.checkDeadlines()
    }
    this.reschedule()
  }

  reschedule(): void {
    const { connection } = this
    if (connection.state === 'closed') return
    const due =
      connection.state === 'closing'
        ? connection.deadline
        : Math.min(
            this.heartbeat?.due ?? Number.POSITIVE_INFINITY,
            this.pauseDeadline,
            this.readDeadline,
            this.messageDue,
            this.lifeDeadline,
          )
    if (due !== this.wheelDue || this.wheelSlot < 0) wheel.schedule(this, due)
  }

  /** When the first message must have come; nobody is judged while nothing is read. */
  private get messageDue(): number {
    return this.pausedAt === undefined ? this.messageDeadline : Number.POSITIVE_INFINITY
  }

  private checkDeadlines(): void {
    const now = wheel.now()
    if (now >= this.pauseDeadline) return this.host.pausedTooLong()
    if (now >= this.messageDue) return this.host.noMessage()
    if (now >= this.lifeDeadline) return this.host.livedTooLong()
    if (now >= this.readDeadline) {
      this.readDeadline = Number.POSITIVE_INFINITY
      this.host.readAgain()
    }
    if (this.connection.state === 'open') this.checkHeartbeat()
  }

  private checkHeartbeat(): void {
    const { heartbeat } = this
    const verdict = heartbeat?.check(wheel.now())
    if (verdict === 'ping') {
      this.pinging = true
      this.ping(undefined)
    } else if (verdict === 'dead' && heartbeat !== undefined) {
      const { interval, timeout } = heartbeat.settings
      const message = `The peer was silent for ${interval} ms and did not answer a ping within ${timeout} ms more.`
      this.connection.terminate('heartbeat', new HeartbeatError(message))
    }
  }
}
