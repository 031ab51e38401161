import { onTestFinished, vi } from 'vitest'

interface Timer {
  at: number
  run: () => void
  refs: boolean
}

/** An event loop whose clock the test moves: timers, then what the sockets bring, then immediates. */
export class FakeLoop {
  now = 1000
  readonly timers = new Set<Timer>()
  private immediates: (() => void)[] = []

  constructor() {
    vi.spyOn(performance, 'now').mockImplementation(() => this.now)
    vi.stubGlobal('setTimeout', (run: () => void, delay: number) => {
      const timer = { at: this.now + Math.max(1, delay), run, refs: true }
      this.timers.add(timer)
      const handle = {
        unref: () => {
          timer.refs = false
          return handle
        },
        timer,
      }
      return handle
    })
    vi.stubGlobal('clearTimeout', (handle: { timer: Timer } | undefined) => {
      if (handle !== undefined) this.timers.delete(handle.timer)
    })
    vi.stubGlobal('setImmediate', (run: () => void) => {
      this.immediates.push(run)
    })
    onTestFinished(() => {
      vi.unstubAllGlobals()
      vi.restoreAllMocks()
    })
  }

  /** One turn of the loop at the time that it is; `poll` is what the sockets bring. */
  turn(poll: () => void = () => {}): void {
    for (const timer of [...this.timers].filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)) {
      if (this.timers.delete(timer)) timer.run()
    }
    poll()
    for (const run of this.immediates.splice(0)) run()
  }

  /** Lets time pass a millisecond at a time, with a turn for each. */
  run(milliseconds: number): void {
    for (let i = 0; i < milliseconds; i++) {
      this.now++
      this.turn()
    }
  }
}
