import type { Clock, HeartbeatOptions } from './options.ts'

/** A timer that is later than this by so many milliseconds was held up: the machine slept, or the page was not let run. */
const LATE = 1_000

/** What a heartbeat needs of its connection. */
export interface Pulse {
  send(message: string): void
  /** Bytes that the platform still holds. */
  bufferedAmount(): number
  dead(): void
}

/** Asks a connection that is silent for a sign of life. */
export class Heartbeat {
  readonly #options: Required<HeartbeatOptions>
  readonly #clock: Clock
  readonly #pulse: Pulse
  #timer: unknown
  #heardAt = 0
  #askedAt = 0
  /** Answers that are yet to come. */
  #owed = 0
  /** Whether nothing has arrived since it asked. */
  #asked = false
  /** Of what was sent before the question, what had not gone out when this was last looked at. */
  #waiting = 0
  /** Whether it was asked again, since the clock had been held up. */
  #held = false

  constructor(options: Required<HeartbeatOptions>, clock: Clock, pulse: Pulse) {
    this.#options = options
    this.#clock = clock
    this.#pulse = pulse
    this.#heardAt = clock.now()
    this.#listen()
  }

  /** Notes that this has arrived. @returns whether it is an answer, so that nobody else is to get it */
  heard(data: unknown): boolean {
    const { answer } = this.#options
    this.#heardAt = this.#clock.now()
    if (this.#asked) {
      this.#asked = false
      this.#listen()
    }
    if (this.#owed === 0 || !(typeof answer === 'function' ? answer(data) : data === answer)) return false
    this.#owed--
    return true
  }

  /** Asks now: something has happened that the connection may not have survived. */
  check(): void {
    this.#held = false
    this.#ask()
  }

  stop(): void {
    this.#asked = false
    this.#clock.clearTimeout(this.#timer)
  }

  #ask(): void {
    this.#owed++
    this.#asked = true
    this.#askedAt = this.#clock.now()
    this.#waiting = this.#pulse.bufferedAmount()
    this.#after(this.#options.timeout, () => this.#judge())
    this.#pulse.send(this.#options.message)
  }

  /** Asks when nothing has arrived for the interval. */
  #listen(): void {
    const left = this.#heardAt + this.#options.interval - this.#clock.now()
    if (left > 0) this.#after(left, () => this.#listen())
    else this.check()
  }

  #judge(): void {
    const waiting = this.#pulse.bufferedAmount()
    if (waiting < this.#waiting) {
      // The question is behind what was sent before, and that goes out.
      this.#waiting = waiting
      this.#after(this.#options.timeout, () => this.#judge())
    } else if (!this.#held && this.#clock.now() - this.#askedAt > this.#options.timeout + LATE) {
      // What has come meanwhile may not have been delivered yet. A second time there is no excuse.
      this.#held = true
      this.#ask()
    } else {
      this.#pulse.dead()
    }
  }

  #after(delay: number, callback: () => void): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(callback, delay)
  }
}
