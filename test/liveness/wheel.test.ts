import { describe, expect, test } from 'vitest'
import { TimingWheel, type WheelEntry } from '../../src/liveness/wheel.ts'
import { FakeLoop } from './fake-loop.ts'

class Entry implements WheelEntry {
  readonly times: number[] = []
  wheelSlot = -1
  wheelDue = 0
  wheelNext: WheelEntry | undefined
  wheelPrevious: WheelEntry | undefined
  private readonly loop: FakeLoop
  private readonly next: () => void

  constructor(loop: FakeLoop, next = () => {}) {
    this.loop = loop
    this.next = next
  }

  onTime(): void {
    this.times.push(this.loop.now)
    this.next()
  }
}

test('calls an entry once, never early, and no more than a slot late', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  for (const delay of [0, 1, 19, 20, 21, 40, 333, 1000, 20_479, 20_480, 20_481, 25_000, 61_440, 100_001]) {
    const entry = new Entry(loop)
    const due = wheel.now() + delay
    const before = loop.now
    wheel.schedule(entry, due)
    loop.run(delay + 100)
    expect(entry.times).toHaveLength(1)
    const [at = 0] = entry.times
    expect(at - before).toBeGreaterThanOrEqual(delay)
    expect(at - before).toBeLessThanOrEqual(delay + 41)
    expect(entry.wheelSlot).toBe(-1)
  }
})

test('calls what is past due in the next slot', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  for (const idle of [5, 30_000]) {
    loop.run(idle)
    const before = wheel.now()
    const entry = new Entry(loop)
    wheel.schedule(entry, -1000)
    loop.run(41)
    expect(entry.times).toHaveLength(1)
    expect(wheel.now() - before).toBe(41)
  }
})

test('waits for longer than a timer can', () => {
  const loop = new FakeLoop()
  loop.now += 0.3
  const wheel = new TimingWheel()
  const entry = new Entry(loop)
  const start = loop.now
  const due = start + 2 ** 31 + 30_000
  wheel.schedule(entry, due)
  const [timer] = loop.timers
  expect(timer?.at).toBe(start + 2 ** 31 - 1)
  loop.now = start + 2 ** 31 - 1
  loop.turn()
  expect(entry.times).toEqual([])
  loop.run(30_100)
  expect(entry.times).toHaveLength(1)
  expect(entry.times[0]).toBeGreaterThanOrEqual(due)
  expect(entry.times[0]).toBeLessThanOrEqual(due + 41)
})

test('moves an entry, sooner and later, and cancels it', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  const entry = new Entry(loop)
  const start = wheel.now()
  wheel.schedule(entry, start + 1000)
  wheel.schedule(entry, start + 100)
  wheel.schedule(entry, start + 3000)
  loop.run(2900)
  expect(entry.times).toEqual([])
  loop.run(200)
  expect(entry.times).toHaveLength(1)
  wheel.schedule(entry, wheel.now() + 100)
  wheel.schedule(entry, Number.POSITIVE_INFINITY)
  wheel.schedule(entry, Number.POSITIVE_INFINITY)
  loop.run(30_000)
  expect(entry.times).toHaveLength(1)
})

test('an entry that schedules itself anew is called at each of its times', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  const entry: Entry = new Entry(loop, () => wheel.schedule(entry, wheel.now() + 100))
  wheel.schedule(entry, wheel.now() + 100)
  loop.run(1300)
  expect(entry.times.length).toBeGreaterThanOrEqual(10)
  expect(entry.times.length).toBeLessThanOrEqual(13)
})

test('entries that cancel or move each other when they are due together', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  const due = wheel.now() + 100
  const cancelled = [new Entry(loop), new Entry(loop)]
  const moved = [new Entry(loop), new Entry(loop)]
  const change = () => {
    for (const entry of cancelled) wheel.schedule(entry, Number.POSITIVE_INFINITY)
    for (const entry of moved) wheel.schedule(entry, wheel.now() + 1000)
  }
  const changing = new Entry(loop, change)
  wheel.schedule(cancelled[0] ?? changing, due)
  wheel.schedule(moved[0] ?? changing, due)
  wheel.schedule(changing, due)
  wheel.schedule(cancelled[1] ?? changing, due)
  wheel.schedule(moved[1] ?? changing, due)
  loop.run(150)
  const before = [...cancelled, ...moved].map(({ times }) => times.length)
  loop.run(1100)
  expect(changing.times).toHaveLength(1)
  // Those that came before it in the same slot were called; what it did to the others holds.
  expect(cancelled.map(({ times }) => times.length)).toEqual(before.slice(0, 2))
  expect(moved.map(({ times }, index) => times.length - (before[2 + index] ?? 0))).toEqual([1, 1])
})

test('thousands of entries, each at its time, with one timer for all', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  const entries: { entry: Entry; at: number }[] = []
  let seed = 1
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  for (let i = 0; i < 5000; i++) {
    const entry = new Entry(loop)
    // Moved a few times, as the heartbeat of a busy connection is.
    for (let moves = 0; moves < 3; moves++) wheel.schedule(entry, wheel.now() + random() * 60_000)
    const delay = random() * 60_000
    wheel.schedule(entry, wheel.now() + delay)
    entries.push({ entry, at: loop.now + delay })
    expect(loop.timers.size).toBe(1)
  }
  let most = 0
  for (let i = 0; i < 60_100; i++) {
    loop.run(1)
    most = Math.max(most, loop.timers.size)
  }
  expect(most).toBe(1)
  expect(loop.timers.size).toBe(0)
  for (const { entry, at } of entries) {
    expect(entry.times).toHaveLength(1)
    const late = (entry.times[0] ?? 0) - at
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThanOrEqual(41)
  }
})

test('has no timer when it is empty, and one that keeps no process when it is not', () => {
  const loop = new FakeLoop()
  const wheel = new TimingWheel()
  expect(loop.timers.size).toBe(0)
  const entry = new Entry(loop)
  wheel.schedule(entry, wheel.now() + 5000)
  expect([...loop.timers].map(({ refs }) => refs)).toEqual([false])
  // It sleeps, rather than tick.
  loop.run(4900)
  expect([...loop.timers].map(({ at }) => at > loop.now + 50)).toEqual([true])
  loop.run(200)
  expect(loop.timers.size).toBe(0)
})

describe('a loop that stalls', () => {
  test('is not counted: the clock stands still meanwhile', () => {
    const loop = new FakeLoop()
    const wheel = new TimingWheel()
    const soon = new Entry(loop)
    const later = new Entry(loop)
    wheel.schedule(soon, wheel.now() + 50)
    wheel.schedule(later, wheel.now() + 1000)
    const before = wheel.now()
    loop.now += 10_000
    loop.turn()
    expect(soon.times).toHaveLength(1)
    expect(later.times).toEqual([])
    // It stopped 100 ms behind the slot that holds `soon`.
    expect(wheel.now() - before).toBe(160)
    loop.run(800)
    expect(later.times).toEqual([])
    loop.run(200)
    expect(later.times).toHaveLength(1)
  })

  test('is not counted by what is read before any timer is called: the clock never goes back', () => {
    const loop = new FakeLoop()
    const wheel = new TimingWheel()
    wheel.schedule(new Entry(loop), wheel.now() + 50)
    const times = [wheel.now()]
    const look = () => {
      times.push(wheel.now())
      loop.now += 10_000
      times.push(wheel.now())
    }
    look()
    loop.turn(look)
    loop.turn(look)
    look()
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(10_500)
  })

  test('for as long as any timer may be late counts', () => {
    const loop = new FakeLoop()
    const wheel = new TimingWheel()
    const entry = new Entry(loop)
    wheel.schedule(entry, wheel.now() + 50)
    const before = wheel.now()
    loop.now += 120
    loop.turn()
    expect(wheel.now() - before).toBe(120)
    expect(entry.times).toHaveLength(1)
  })

  test('what the sockets bring counts before anyone is judged', () => {
    const loop = new FakeLoop()
    const wheel = new TimingWheel()
    const entry = new Entry(loop)
    wheel.schedule(entry, wheel.now() + 50)
    loop.now += 10_000
    loop.turn(() => wheel.schedule(entry, wheel.now() + 500))
    expect(entry.times).toEqual([])
    loop.run(450)
    expect(entry.times).toEqual([])
    loop.run(100)
    expect(entry.times).toHaveLength(1)
  })

  test('while the sockets are read: they are read once more before anyone is judged', () => {
    const loop = new FakeLoop()
    const wheel = new TimingWheel()
    const soon = new Entry(loop)
    const entry = new Entry(loop)
    wheel.schedule(soon, wheel.now() + 50)
    wheel.schedule(entry, wheel.now() + 300)
    loop.now += 70
    // A handler takes 10 s, and what the kernel got meanwhile has not been read.
    loop.turn(() => {
      loop.now += 10_000
    })
    expect(entry.times).toEqual([])
    loop.turn(() => wheel.schedule(entry, wheel.now() + 500))
    expect(soon.times).toHaveLength(1)
    loop.run(450)
    expect(entry.times).toEqual([])
    loop.run(100)
    expect(entry.times).toHaveLength(1)
  })
})
