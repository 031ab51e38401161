import { expect, test } from 'vitest'
import { Latencies } from '../../../proof/support/latency.ts'

const NOTHING = { count: 0, p50: 0, p99: 0, max: 0 }

test('sums up to three digits, and begins anew', () => {
  const latencies = new Latencies()
  expect(latencies.summary()).toEqual(NOTHING)
  for (let i = 1; i <= 100; i++) latencies.add(i / 10)
  expect(latencies.summary()).toEqual({
    count: 100,
    p50: expect.closeTo(5, 1),
    p99: expect.closeTo(9.9, 1),
    max: expect.closeTo(10, 1),
  })
  expect(latencies.take().count).toBe(100)
  expect(latencies.take()).toEqual(NOTHING)
})

test('takes no time for a microsecond', () => {
  const latencies = new Latencies()
  latencies.add(0)
  expect(latencies.take()).toEqual({ count: 1, p50: 0.001, p99: 0.001, max: 0.001 })
})
