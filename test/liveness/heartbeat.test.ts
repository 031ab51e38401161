import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Heartbeat } from '../../src/liveness/heartbeat.ts'

/** A heartbeat whose first interval is not shortened. */
function heartbeat(interval: number, timeout: number): Heartbeat {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  onTestFinished(() => random.mockRestore())
  return new Heartbeat({ interval, timeout }, 0)
}

test('pings after the interval, and judges dead after the timeout, and not before', () => {
  const beat = heartbeat(100, 50)
  expect(beat.due).toBe(100)
  expect(beat.aliveUntil).toBe(150)
  expect(beat.check(99)).toBeUndefined()
  expect(beat.check(100)).toBe('ping')
  expect(beat.due).toBe(150)
  expect(beat.check(149)).toBeUndefined()
  expect(beat.check(150)).toBe('dead')
})

test('the timeout runs from when the kernel has taken the ping', () => {
  const beat = heartbeat(100, 50)
  expect(beat.check(100)).toBe('ping')
  beat.pingTaken(140)
  expect(beat.aliveUntil).toBe(190)
  expect(beat.check(189)).toBeUndefined()
  expect(beat.check(190)).toBe('dead')
})

test('a ping of somebody else is none of its own', () => {
  const beat = heartbeat(100, 50)
  beat.pingTaken(90)
  expect(beat.check(100)).toBe('ping')
})

test('anything that is heard is life', () => {
  const beat = heartbeat(100, 50)
  beat.heard(60)
  expect(beat.check(100)).toBeUndefined()
  expect(beat.due).toBe(160)
  expect(beat.check(160)).toBe('ping')
  beat.heard(200)
  expect(beat.check(210)).toBeUndefined()
  expect(beat.due).toBe(300)
})

describe('bytes that the kernel had refused', () => {
  test('are a sign of life when it takes them', () => {
    const beat = heartbeat(100, 200)
    expect(beat.check(100)).toBe('ping')
    beat.heldUp(110)
    beat.heldUp(150)
    beat.wentOn(180)
    expect(beat.due).toBe(380)
    beat.heldUp(180)
    beat.wentOn(300)
    expect(beat.check(499)).toBeUndefined()
    expect(beat.check(500)).toBe('dead')
  })

  test('are none when it takes them at once: that says nothing of the peer', () => {
    const beat = heartbeat(100, 200)
    expect(beat.check(100)).toBe('ping')
    for (let now = 110; now < 300; now += 10) {
      beat.heldUp(now)
      beat.wentOn(now + 5)
    }
    beat.wentOn(299)
    expect(beat.check(300)).toBe('dead')
  })

  test('do not put off the ping', () => {
    const beat = heartbeat(100, 200)
    beat.heldUp(10)
    beat.wentOn(90)
    expect(beat.check(100)).toBe('ping')
  })
})

test('judges nothing while nothing is read, and begins anew afterwards', () => {
  const beat = heartbeat(100, 50)
  expect(beat.check(100)).toBe('ping')
  beat.suspend()
  expect(beat.due).toBe(Number.POSITIVE_INFINITY)
  expect(beat.aliveUntil).toBe(Number.POSITIVE_INFINITY)
  expect(beat.check(10_000)).toBeUndefined()
  beat.resume(10_000)
  expect(beat.check(10_099)).toBeUndefined()
  expect(beat.check(10_100)).toBe('ping')
})

test('takes other settings at any time', () => {
  const beat = heartbeat(100, 50)
  beat.settings = { interval: 10, timeout: 5 }
  expect(beat.check(10)).toBe('ping')
  beat.settings = { interval: 10, timeout: 500 }
  expect(beat.check(400)).toBeUndefined()
  expect(beat.check(510)).toBe('dead')
})

test('connections that began together are not pinged together, and none later than the interval', () => {
  const dues = Array.from({ length: 1000 }, () => new Heartbeat({ interval: 1000, timeout: 1 }, 0).due)
  expect(Math.max(...dues)).toBeLessThanOrEqual(1000)
  expect(Math.min(...dues)).toBeGreaterThanOrEqual(500)
  // No tenth of the time has more than its share and a half.
  for (let from = 500; from < 1000; from += 50) {
    expect(dues.filter((due) => due >= from && due < from + 50).length).toBeLessThan(150)
  }
})
