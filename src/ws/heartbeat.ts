import { Heartbeat, type HeartbeatSettings } from '../liveness/heartbeat.ts'
import type { WheelEntry } from '../liveness/wheel.ts'
import { wheel } from '../socket/runtime.ts'

/** The option `heartbeat`: milliseconds of silence before a ping, and after it before the peer is given up. */
export interface HeartbeatOptions {
  /** Default 25000. */
  interval?: number | undefined
  /** Default 20000. */
  timeout?: number | undefined
}

/** What a heartbeat does to its connection. */
export interface HeartbeatHost {
  sendPing(): void
  /** Nothing has come, for as long as the settings say. */
  judgedDead(settings: HeartbeatSettings): void
}

/** One connection's entry in the wheel, for those that are to be given up when their peer is gone without a word. */
export class HeartbeatEntry implements WheelEntry {
  wheelSlot = -1
  wheelDue = 0
  wheelNext: WheelEntry | undefined
  wheelPrevious: WheelEntry | undefined
  private readonly heartbeat: Heartbeat
  private readonly host: HeartbeatHost

  constructor(host: HeartbeatHost, { interval = 25_000, timeout = 20_000 }: HeartbeatOptions) {
    this.host = host
    this.heartbeat = new Heartbeat({ interval, timeout }, wheel.now())
    this.reschedule()
  }

  /** Something has come. The entry stays where it is: when its time has come it sees that there is more. */
  heard(): void {
    this.heartbeat.heard(wheel.now())
  }

  /** The kernel refuses bytes. */
  heldUp(): void {
    this.heartbeat.heldUp(wheel.now())
  }

  /** The kernel has taken what it refused. */
  wentOn(): void {
    this.heartbeat.wentOn(wheel.now())
  }

  pingTaken(): void {
    this.heartbeat.pingTaken(wheel.now())
    this.reschedule()
  }

  /** Nothing is read, so nothing can be judged. */
  suspend(): void {
    this.heartbeat.suspend()
  }

  resume(): void {
    this.heartbeat.resume(wheel.now())
    this.reschedule()
  }

  stop(): void {
    wheel.schedule(this, Number.POSITIVE_INFINITY)
  }

  onTime(): void {
    const due = this.heartbeat.check(wheel.now())
    if (due === 'dead') return this.host.judgedDead(this.heartbeat.settings)
    if (due === 'ping') this.host.sendPing()
    this.reschedule()
  }

  private reschedule(): void {
    wheel.schedule(this, this.heartbeat.due)
  }
}
