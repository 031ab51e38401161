/** Something that is to happen at a time. It is in one wheel at most. */
export interface WheelEntry {
  /** Called once, when the time has come. It may schedule itself anew. */
  onTime(): void
  /** The wheel's own. */
  wheelSlot: number
  wheelDue: number
  wheelNext: WheelEntry | undefined
  wheelPrevious: WheelEntry | undefined
}

const SLOTS = 1024
/** Milliseconds of a slot, and so the precision of the wheel: nothing is early, and nothing is later by more. */
const TICK = 20
/** A timer that is later than this has been held up by something else than its own load. */
const STALL = 100
/** The longest time that a timer can wait: Node takes a longer one for a millisecond. */
const LONGEST = 2 ** 31 - 1

/**
 * One timing wheel for all connections: to schedule, to move and to cancel cost the same for one and for a million,
 * and there is one timer in all, which sleeps until the next slot that holds anything.
 *
 * Its clock stands still while the event loop is stalled or the machine sleeps: a peer that was not listened to is not
 * to be judged for that time. Entries are called after the loop has read what the kernel holds.
 */
export class TimingWheel {
  private readonly slots: (WheelEntry | undefined)[] = new Array(SLOTS).fill(undefined)
  private size = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private timerDue = Number.POSITIVE_INFINITY
  /** The tick that was done last. */
  private doneTick = 0
  /** The clock stops here: for the timer, which is overdue by then, or for the loop, which ought to have gone on. */
  private limit = Number.POSITIVE_INFINITY
  /** Milliseconds for which the clock stood still. */
  private stalled = 0
  private judging = false

  /** Milliseconds on the wheel's clock, which never goes back. */
  now(): number {
    return Math.min(performance.now() - this.stalled, this.limit)
  }

  /** Schedules an entry, or moves it, to a time on the wheel's clock; an infinite one cancels it. */
  schedule(entry: WheelEntry, due: number): void {
    if (entry.wheelSlot >= 0) this.remove(entry)
    if (due === Number.POSITIVE_INFINITY) return
    entry.wheelDue = due
    const tick = Math.max(Math.ceil(due / TICK), this.doneTick + 1)
    this.insert(entry, tick % SLOTS)
    this.wakeAt(tick * TICK)
  }

  private insert(entry: WheelEntry, slot: number): void {
    const first = this.slots[slot]
    entry.wheelSlot = slot
    entry.wheelPrevious = undefined
    entry.wheelNext = first
    if (first !== undefined) first.wheelPrevious = entry
    this.slots[slot] = entry
    this.size++
  }

  private remove(entry: WheelEntry): void {
    if (entry.wheelPrevious === undefined) this.slots[entry.wheelSlot] = entry.wheelNext
    else entry.wheelPrevious.wheelNext = entry.wheelNext
    if (entry.wheelNext !== undefined) entry.wheelNext.wheelPrevious = entry.wheelPrevious
    entry.wheelPrevious = undefined
    entry.wheelNext = undefined
    entry.wheelSlot = -1
    this.size--
  }

  private wakeAt(due: number): void {
    if (this.judging || due >= this.timerDue) return
    clearTimeout(this.timer)
    const now = this.now()
    this.timerDue = Math.min(due, now + LONGEST)
    this.limit = Math.min(this.limit, Math.max(this.timerDue, now) + STALL)
    this.timer = setTimeout(() => this.onTimer(), Math.min(Math.max(1, due - now), LONGEST))
    this.timer.unref()
  }

  private onTimer(): void {
    this.noteStall()
    this.judging = true
    this.afterReading(true)
  }

  /** The loop reads its sockets before it comes to this: what the kernel holds counts before anyone is judged. */
  private afterReading(mayRepeat: boolean): void {
    this.limit = this.now() + STALL
    setImmediate(() => {
      // One socket's handler that holds the loop up keeps it from reading what the others got meanwhile.
      if (this.noteStall() && mayRepeat) return this.afterReading(false)
      this.judging = false
      this.timerDue = Number.POSITIVE_INFINITY
      this.limit = Number.POSITIVE_INFINITY
      this.advance()
    })
  }

  /** Whether the loop was stalled: the clock stood still, and goes on from there. */
  private noteStall(): boolean {
    const stalled = performance.now() - this.stalled - this.limit
    if (stalled <= 0) return false
    this.stalled += stalled
    return true
  }

  private advance(): void {
    const now = this.now()
    const tick = Math.floor(now / TICK)
    const from = Math.max(this.doneTick + 1, tick - SLOTS + 1)
    const due: WheelEntry[] = []
    for (let t = from; t <= tick; t++) {
      for (let entry = this.slots[t % SLOTS]; entry !== undefined; entry = entry.wheelNext) {
        if (entry.wheelDue <= now) due.push(entry)
      }
    }
    this.doneTick = Math.max(this.doneTick, tick)
    for (const entry of due) {
      // One that was called may have moved or cancelled another.
      if (entry.wheelSlot < 0 || entry.wheelDue > now) continue
      this.remove(entry)
      entry.onTime()
    }
    this.sleep()
  }

  private sleep(): void {
    if (this.size === 0) return
    for (let t = this.doneTick + 1; t <= this.doneTick + SLOTS; t++) {
      if (this.slots[t % SLOTS] !== undefined) return this.wakeAt(t * TICK)
    }
  }
}
