import { expect, test } from 'vitest'

// As it was built, with the library that the build has put in.
const built = new URL('../../dist/cli/bench/histogram.js', import.meta.url).href
const { Histogram } = (await import(built)) as typeof import('../../src/cli/bench/histogram.ts')

test('percentiles to three digits, and the exact maximum', () => {
  const histogram = new Histogram()
  for (let microseconds = 1; microseconds <= 1_000; microseconds++) histogram.record(microseconds / 1e3)
  expect(histogram.summary()).toEqual({
    count: 1_000,
    mean: 0.501,
    p50: 0.5,
    p75: 0.75,
    p90: 0.9,
    p99: 0.99,
    p999: 0.999,
    max: 1,
  })
  histogram.record(3_600_000.123)
  expect(histogram.summary()).toMatchObject({ count: 1_001, max: 3_600_000.123 })
})

test('several processes make one', () => {
  const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()]
  for (let microseconds = 1; microseconds <= 5_000; microseconds += 7) {
    const half = microseconds % 2 === 0 ? one : other
    half.record(microseconds)
    both.record(microseconds)
  }
  const merged = new Histogram()
  for (const { data } of [one, other]) merged.add(Histogram.from(structuredClone(data)))
  expect(merged.summary()).toEqual(both.summary())
})

test('of nothing', () => {
  const histogram = new Histogram()
  expect(histogram.summary()).toBe(undefined)
  expect(Histogram.from(histogram.data).count).toBe(0)
  histogram.record(5)
  histogram.reset()
  expect([histogram.count, histogram.percentile(99)]).toEqual([0, 0])
})
