/** How the other end is known to be alive. */
export interface HeartbeatSettings {
  /** Milliseconds in which nothing arrived before a ping is sent. Default 25,000. */
  readonly interval: number
  /** Milliseconds from when the kernel has taken the ping to when the peer is judged dead. Default 20,000. */
  readonly timeout: number
}

/** How long a write must have been held up for its end to tell that the peer's side took something. */
const HELD_UP = 50

/**
 * Judges from what arrives, and from what the kernel takes, whether a peer is alive. It has no timer: it says when it
 * wants to be asked again.
 *
 * Whatever arrives is a sign of life. So is it when the kernel takes bytes that it had refused, since that room was
 * made by the peer's side; bytes that it takes at once say nothing.
 */
export class Heartbeat {
  settings: HeartbeatSettings
  private heardAt: number
  /** When the outstanding ping was sent, taken by the kernel, or given more time; undefined when there is none. */
  private pingedAt: number | undefined
  private heldUpSince: number | undefined
  private suspended = false

  constructor(settings: HeartbeatSettings, now: number) {
    this.settings = settings
    // The first interval is shorter by chance, so that connections that began together are not pinged together.
    this.heardAt = whole(now - Math.random() * settings.interval * 0.5)
  }

  heard(now: number): void {
    this.heardAt = whole(now)
    this.pingedAt = undefined
  }

  pingTaken(now: number): void {
    if (this.pingedAt !== undefined) this.pingedAt = whole(now)
  }

  /** The kernel refuses bytes. */
  heldUp(now: number): void {
    this.heldUpSince ??= now
  }

  /** The kernel has taken what it refused. */
  wentOn(now: number): void {
    if (this.heldUpSince === undefined) return
    if (now - this.heldUpSince >= HELD_UP && this.pingedAt !== undefined) this.pingedAt = whole(now)
    this.heldUpSince = undefined
  }

  /** Nothing is read for now, so nothing can be judged. */
  suspend(): void {
    this.suspended = true
  }

  resume(now: number): void {
    this.suspended = false
    this.heard(now)
  }

  /** When `check` is to be called next. */
  get due(): number {
    if (this.suspended) return Number.POSITIVE_INFINITY
    if (this.pingedAt === undefined) return this.heardAt + this.settings.interval
    return this.pingedAt + this.settings.timeout
  }

  /** When the peer will be judged dead if nothing is heard of it any more. */
  get aliveUntil(): number {
    if (this.suspended) return Number.POSITIVE_INFINITY
    return this.due + (this.pingedAt === undefined ? this.settings.timeout : 0)
  }

  /** Says what is to be done now: send a ping, give the peer up, or nothing. */
  check(now: number): 'ping' | 'dead' | undefined {
    if (now < this.due) return undefined
    if (this.pingedAt !== undefined) return 'dead'
    this.pingedAt = whole(now)
    return 'ping'
  }
}

/** The next whole millisecond: V8 keeps a whole number in its place, and any other in an object of 16 bytes. */
function whole(milliseconds: number): number {
  return Math.ceil(milliseconds)
}
