import { expect, test } from 'vitest'
import { Latency } from '../../../bench/load/latency.ts'

test('small values are exact', () => {
  const latency = new Latency()
  latency.record(10, 50)
  latency.record(100.9, 49)
  latency.record(127, 1)
  expect(latency.quantile(0)).toBe(10)
  expect(latency.quantile(0.49)).toBe(10)
  expect(latency.quantile(0.5)).toBe(100)
  expect(latency.quantile(1)).toBe(127)
})

test.each([128, 1000, 65_536, 1_000_000, 2 ** 31])('%i is found again within a sixty-fourth', (value) => {
  const latency = new Latency()
  latency.record(value, 1)
  expect(Math.abs(latency.quantile(0.5) - value)).toBeLessThanOrEqual(value / 64)
})

test('nothing recorded is 0, also after clear', () => {
  const latency = new Latency()
  expect(latency.quantile(0.5)).toBe(0)
  latency.record(5, 1)
  latency.clear()
  expect(latency.quantile(0.5)).toBe(0)
})

test('what two processes recorded can be put together', () => {
  const one = new Latency()
  one.record(10, 2)
  const other = new Latency()
  other.record(10, 1)
  other.record(100, 3)
  one.merge(other.counts)
  expect(one.counts).toEqual([
    [10, 3],
    [100, 3],
  ])
  expect(one.quantile(0.4)).toBe(10)
  expect(one.quantile(0.5)).toBe(100)
})
