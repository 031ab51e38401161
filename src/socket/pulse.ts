import { Heartbeat, type HeartbeatSettings } from '../liveness/heartbeat.ts'
import { Pings } from '../liveness/pings.ts'
import type { WheelEntry } from '../liveness/wheel.ts'
import type { Connection } from '../protocol/connection.ts'
import { HeartbeatError } from '../protocol/error.ts'
import { wheel } from './runtime.ts'

/** What a pulse asks of its link. */
export interface PulseHost {
  readonly connection: Connection
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

/** When each of these is due; infinite for those that there is nothing to wait for. */
interface Deadlines {
  /** The pause in reading becomes too long. */
  pause: number
  /** Reading goes on by itself. */
  read: number
  /** The first message must have come. */
  message: number
  life: number
}

const NEVER = Number.POSITIVE_INFINITY

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

  private readonly host: PulseHost
  private heartbeat: Heartbeat | undefined
  private pings: Pings | undefined
  /** What else there is to wait for. Most connections have nothing. */
  private deadlines: Deadlines | undefined
  /** When reading stopped; undefined while it goes on. */
  private pausedAt: number | undefined
  /** The heartbeat's own ping is on its way to the kernel. */
  private pinging = false

  constructor(host: PulseHost) {
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
    return Math.max(0, Math.floor((this.heartbeat?.aliveUntil ?? NEVER) - wheel.now()))
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
    if (this.host.connection.sender.blocked) this.heartbeat?.heldUp(wheel.now())
  }

  /** Nothing is read from here on, so nobody is judged. */
  suspend(): void {
    this.pausedAt ??= wheel.now()
    this.heartbeat?.suspend()
    this.reschedule()
  }

  resume(): void {
    const now = wheel.now()
    if (this.deadlines !== undefined) this.deadlines.message += now - (this.pausedAt ?? now)
    this.pausedAt = undefined
    this.heartbeat?.resume(now)
    this.reschedule()
  }

  /** The pause in reading is too long after so many milliseconds; an infinite number takes that back. */
  limitPause(milliseconds: number): void {
    this.wait('pause', wheel.now() + milliseconds)
  }

  /** Reading is to go on after so many milliseconds. */
  readAgainIn(milliseconds: number): void {
    this.wait('read', wheel.now() + milliseconds)
  }

  /** The first message has to come within so many milliseconds, without those in which nothing is read. */
  expectMessage(milliseconds: number): void {
    this.wait('message', (this.pausedAt ?? wheel.now()) + milliseconds)
  }

  /** The connection ends after so many milliseconds. */
  limitLife(milliseconds: number): void {
    this.wait('life', wheel.now() + milliseconds)
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
    const { connection } = this.host
    if (connection.state === 'closing') {
      connection.tick()
    } else if (connection.state === 'open') {
      this.checkDeadlines()
    }
    this.reschedule()
  }

  reschedule(): void {
    const { connection } = this.host
    if (connection.state === 'closed') return
    const due = connection.state === 'closing' ? connection.deadline : this.nextDue
    if (due !== this.wheelDue || this.wheelSlot < 0) wheel.schedule(this, due)
  }

  private wait(what: keyof Deadlines, due: number): void {
    if (this.deadlines === undefined && due === NEVER) return
    this.deadlines ??= { pause: NEVER, read: NEVER, message: NEVER, life: NEVER }
    this.deadlines[what] = due
    this.reschedule()
  }

  private get nextDue(): number {
    const heartbeat = this.heartbeat?.due ?? NEVER
    if (this.deadlines === undefined) return heartbeat
    const { pause, read, life } = this.deadlines
    return Math.min(heartbeat, pause, read, this.messageDue, life)
  }

  /** When the first message must have come; nobody is judged while nothing is read. */
  private get messageDue(): number {
    return this.pausedAt === undefined ? (this.deadlines?.message ?? NEVER) : NEVER
  }

  private checkDeadlines(): void {
    const { deadlines } = this
    const now = wheel.now()
    if (deadlines !== undefined) {
      if (now >= deadlines.pause) return this.host.pausedTooLong()
      if (now >= this.messageDue) return this.host.noMessage()
      if (now >= deadlines.life) return this.host.livedTooLong()
      if (now >= deadlines.read) {
        deadlines.read = NEVER
        this.host.readAgain()
      }
    }
    if (this.host.connection.state === 'open') this.checkHeartbeat()
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
      this.host.connection.terminate('heartbeat', new HeartbeatError(message))
    }
  }
}
