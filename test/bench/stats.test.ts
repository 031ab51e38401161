import { describe, expect, test } from 'vitest'
import { median, quantile, ratioSpread, spread } from '../../bench/stats.ts'

describe('quantile', () => {
  test('takes the value at the position, whatever the order of the values', () => {
    expect(quantile([50, 10, 40, 20, 30], 0)).toBe(10)
    expect(quantile([50, 10, 40, 20, 30], 0.25)).toBe(20)
    expect(quantile([50, 10, 40, 20, 30], 1)).toBe(50)
  })

  test('interpolates between two neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75)
    expect(quantile([0, 10], 0.1)).toBe(1)
  })

  test('compares as numbers, not as text', () => {
    expect(quantile([10, 9, 100], 1)).toBe(100)
  })

  test('leaves the values in their order', () => {
    const values = [3, 1, 2]
    quantile(values, 0.5)
    expect(values).toEqual([3, 1, 2])
  })

  test('refuses what has no quantile', () => {
    expect(() => quantile([], 0.5)).toThrow(new RangeError('a quantile needs at least one value'))
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow(new RangeError('a quantile needs finite values'))
    expect(() => quantile([1], 1.5)).toThrow(new RangeError('a quantile is between 0 and 1, not 1.5'))
  })
})

test('median of an odd and of an even number of values', () => {
  expect(median([7])).toBe(7)
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('spread', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, min: 1, max: 5, q1: 2, q3: 4 })
  expect(spread([2])).toEqual({ median: 2, min: 2, max: 2, q1: 2, q3: 2 })
})

describe('ratioSpread', () => {
  test('pairs the rounds: it is not the ratio of the medians', () => {
    // The machine was four times as slow in the middle round; the ratios do not show it.
    expect(ratioSpread([200, 60, 200], [100, 25, 100])).toEqual({ median: 2, min: 2, max: 2.4, q1: 2, q3: 2.2 })
  })

  test('refuses rounds without a partner and a base of nothing', () => {
    expect(() => ratioSpread([1, 2], [1])).toThrow(new RangeError('paired rounds are needed, not 2 against 1'))
    expect(() => ratioSpread([1], [0])).toThrow(new RangeError('a ratio to 0 says nothing'))
  })
})
