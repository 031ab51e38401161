import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { LoopWatch, monotonic, stalledWithin } from '../../../proof/support/loop-watch.ts'

function block(milliseconds: number): void {
  for (const until = monotonic() + milliseconds; monotonic() < until; );
}

test('notices that the loop did not run: once for long, often for a little, and just now', async () => {
  const watch = new LoopWatch()
  onTestFinished(() => watch.stop())
  for (const [times, milliseconds] of [
    [1, 200],
    [20, 10],
  ] as const) {
    const from = monotonic()
    for (let i = 0; i < times; i++) {
      block(milliseconds)
      // The next look is due by then.
      await sleep(0)
    }
    const to = monotonic()
    expect(stalledWithin(watch.since(from), from, to)).toBeGreaterThanOrEqual(times * milliseconds)
  }
  const from = monotonic()
  block(50)
  expect(stalledWithin(watch.since(from), from, monotonic())).toBeGreaterThanOrEqual(50)
})

test('counts the part of a stall that is in a span of time', () => {
  const stalls = [
    { from: 10, to: 20 },
    { from: 30, to: 60 },
  ]
  expect(stalledWithin(stalls, 0, 100)).toBe(40)
  expect(stalledWithin(stalls, 15, 40)).toBe(15)
  expect(stalledWithin(stalls, 20, 30)).toBe(0)
})
