import { describe, expect, test } from 'vitest'
import { estimate, isLevel, median, pairedRatios, quantile, signTestCut, spread } from '../../bench/stats.ts'

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

describe('the 95 % interval of a median', () => {
  // The least k for which a coin thrown n times shows more than k heads or tails on one side in 95 % of all cases.
  test.each([
    [1, 0],
    [5, 0],
    [6, 0],
    [8, 0],
    [9, 1],
    [11, 1],
    [12, 2],
    [15, 3],
    [20, 5],
    [30, 9],
    [100, 39],
  ])('of %i values, %i at either end lie outside', (n, cut) => expect(signTestCut(n)).toBe(cut))

  test('is from the fourth to the twelfth of fifteen values, in whatever order they come', () => {
    const values = [15, 3, 9, 1, 12, 7, 5, 14, 2, 8, 11, 4, 13, 6, 10]
    expect(estimate(values)).toEqual({ median: 8, low: 4, high: 12 })
  })

  test('is the lowest and the highest of a few', () => {
    expect(estimate([2, 1, 3])).toEqual({ median: 2, low: 1, high: 3 })
  })

  test('holds the true median in 96.5 % of all cases of fifteen', () => {
    let inside = 0
    for (let sides = 0; sides < 2 ** 15; sides++) {
      const values = Array.from({ length: 15 }, (_, i) => ((sides >> i) & 1 ? 1 : -1) * (i + 1))
      const { low, high } = estimate(values)
      if (low < 0 && high > 0) inside++
    }
    expect(inside / 2 ** 15).toBeCloseTo(0.9648, 4)
  })
})

test('level is what has 1 in its interval', () => {
  expect(isLevel({ median: 1.1, low: 0.9, high: 1.3 })).toBe(true)
  expect(isLevel({ median: 1.1, low: 1, high: 1.3 })).toBe(true)
  expect(isLevel({ median: 1.1, low: 1.01, high: 1.3 })).toBe(false)
  expect(isLevel({ median: 0.9, low: 0.8, high: 0.99 })).toBe(false)
})

describe('pairedRatios', () => {
  test('pairs the rounds: it is not the ratio of the medians', () => {
    // The machine was four times as slow in the middle round; the ratios do not show it.
    expect(pairedRatios([200, 60, 200], [100, 25, 100])).toEqual([2, 2.4, 2])
  })

  test('refuses rounds without a partner and a base of nothing', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(new RangeError('paired rounds are needed, not 2 against 1'))
    expect(() => pairedRatios([1], [0])).toThrow(new RangeError('a ratio to 0 says nothing'))
  })
})
