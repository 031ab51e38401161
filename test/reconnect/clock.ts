import type { Clock } from 'heartwire/reconnect'

interface Timer {
  at: number
  callback: () => void
}

/** A clock that moves when it is told to. */
export class ManualClock implements Clock {
  time = 0
  readonly #timers = new Set<Timer>()

  readonly now = (): number => this.time

  readonly setTimeout = (callback: () => void, delay: number): Timer => {
    const timer = { at: this.time + delay, callback }
    this.#timers.add(timer)
    return timer
  }

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as Timer)
  }

  /** Milliseconds until each timer that is set, shortest first. */
  get timers(): number[] {
    return [...this.#timers].map(({ at }) => at - this.time).sort((a, b) => a - b)
  }

  /** Lets time pass, and what is due in it happen. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at)
      if (next === undefined || next.at > end) break
      this.time = Math.max(this.time, next.at)
      this.#timers.delete(next)
      next.callback()
    }
    this.time = end
  }

  /** Lets time pass in which nothing runs, as when a machine sleeps. What was due happens after it. */
  sleep(milliseconds: number): void {
    this.time += milliseconds
    this.advance(0)
  }
}
