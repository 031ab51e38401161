import { beforeEach, describe, expect, it } from 'vitest'
import { Heartbeat } from '../../src/reconnect/heartbeat.ts'
import { HEARTBEAT } from '../../src/reconnect/options.ts'
import { ManualClock } from './clock.ts'

const options = { ...HEARTBEAT, interval: 100, timeout: 50 }

let clock: ManualClock
let sent: string[]
let buffered: number
let deaths: number

beforeEach(() => {
  clock = new ManualClock()
  sent = []
  buffered = 0
  deaths = 0
})

function start(given: Partial<typeof options> | { answer: (data: unknown) => boolean } = {}): Heartbeat {
  return new Heartbeat({ ...options, ...given }, clock, {
    send: (message) => void sent.push(message),
    bufferedAmount: () => buffered,
    dead: () => deaths++,
  })
}

describe('Heartbeat', () => {
  it('asks when nothing has arrived for the interval', () => {
    const heartbeat = start()
    clock.advance(60)
    expect(heartbeat.heard('news')).toBe(false)
    clock.advance(99)
    expect(sent).toEqual([])
    clock.advance(1)
    expect(sent).toEqual(['ping'])
  })

  it('is content with the answer, which is nobody else’s', () => {
    const heartbeat = start()
    clock.advance(149)
    expect(heartbeat.heard('pong')).toBe(true)
    clock.advance(99)
    expect(sent).toEqual(['ping'])
    clock.advance(1)
    expect(sent).toEqual(['ping', 'ping'])
    expect(deaths).toBe(0)
  })

  it('is content with anything else as well, and still knows the answer', () => {
    const heartbeat = start()
    clock.advance(120)
    expect(heartbeat.heard('news')).toBe(false)
    clock.advance(60)
    expect(deaths).toBe(0)
    expect(heartbeat.heard('pong')).toBe(true)
  })

  it('delivers what looks like an answer when none is owed', () => {
    const heartbeat = start()
    expect(heartbeat.heard('pong')).toBe(false)
    heartbeat.check()
    heartbeat.check()
    expect([1, 2, 3].map(() => heartbeat.heard('pong'))).toEqual([true, true, false])
  })

  it('knows an answer by a function', () => {
    const heartbeat = start({ answer: (data) => JSON.parse(String(data)).type === 'pong' })
    heartbeat.check()
    expect(heartbeat.heard('{"type":"news"}')).toBe(false)
    expect(heartbeat.heard('{"type":"pong","at":1}')).toBe(true)
  })

  it('counts the interval from the answer, however long it would have waited for that', () => {
    const heartbeat = start({ timeout: 1_000 })
    clock.advance(101)
    heartbeat.heard('pong')
    clock.advance(99)
    expect(sent).toEqual(['ping'])
    clock.advance(1)
    expect(sent).toEqual(['ping', 'ping'])
  })

  it('calls it dead after the timeout', () => {
    start()
    clock.advance(149)
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
    expect(clock.timers).toEqual([])
  })

  it('asks at once when it is told to, from when the timeout counts', () => {
    const heartbeat = start()
    clock.advance(130)
    heartbeat.check()
    clock.advance(49)
    expect([sent.length, deaths]).toEqual([2, 0])
    clock.advance(1)
    expect(deaths).toBe(1)
  })

  it('asks once more after a sleep, and only once', () => {
    const heartbeat = start()
    clock.advance(100)
    clock.sleep(60_000)
    expect([sent.length, deaths]).toEqual([2, 0])
    clock.sleep(60_000)
    expect([sent.length, deaths]).toEqual([2, 1])
    heartbeat.stop()
  })

  it('waits while what was sent before the question goes out', () => {
    start()
    buffered = 1_000_000
    clock.advance(100)
    for (buffered of [600_000, 200_000, 0]) clock.advance(50)
    expect(deaths).toBe(0)
    clock.advance(50)
    expect(deaths).toBe(1)
  })

  it('does nothing when it was stopped, until it is told to ask', () => {
    const heartbeat = start()
    heartbeat.stop()
    expect(clock.timers).toEqual([])
    clock.advance(1_000)
    heartbeat.check()
    heartbeat.stop()
    heartbeat.heard('pong')
    expect(clock.timers).toEqual([])
    heartbeat.check()
    expect(sent).toEqual(['ping', 'ping'])
    expect(clock.timers).toEqual([50])
  })
})
