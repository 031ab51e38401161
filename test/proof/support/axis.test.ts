import { describe, expect, test } from 'vitest'
import { axis, compact, niceStep, timeStep, timeUnit } from '../../../proof/support/axis.ts'

describe('a linear axis', () => {
  test('begins at 0 and ends on a number at or above the highest', () => {
    expect(axis('linear', [12, 87]).ticks).toEqual([0, 50, 100])
    expect(axis('linear', [100]).ticks).toEqual([0, 50, 100])
    expect(axis('linear', [1380, 900]).ticks).toEqual([0, 500, 1000, 1500])
    expect(axis('linear', [0.3]).ticks).toEqual([0, 0.1, 0.2, 0.3])
    expect(axis('linear', []).ticks).toEqual([0, 1])
  })

  test('shares', () => {
    const { share } = axis('linear', [12, 87])
    expect([0, 25, 100].map(share)).toEqual([0, 0.25, 1])
  })
})

describe('a logarithmic axis', () => {
  test('goes from one power of ten to another', () => {
    expect(axis('log', [0.4, 55]).ticks).toEqual([0.1, 1, 10, 100])
    expect(axis('log', [1]).ticks).toEqual([1, 10])
    expect(axis('log', []).ticks).toEqual([1, 10])
  })

  test('shares; what is too small lies on the axis', () => {
    const { share } = axis('log', [1, 100])
    expect([0, 1, 10, 100].map(share)).toEqual([0, 0, 0.5, 1])
  })
})

test('steps', () => {
  expect([0, 0.3, 1, 1.1, 20, 21, 51].map(niceStep)).toEqual([1, 0.5, 1, 2, 20, 50, 100])
})

test('times', () => {
  expect([6, 12, 60, 600, 3600, 24 * 3600, 40 * 86400].map(timeStep)).toEqual([1, 1, 5, 60, 300, 7200, 500_000])
  expect([60, 600, 86400].map((length) => timeUnit(length).name)).toEqual(['s', 'min', 'h'])
})

test('numbers', () => {
  expect([0, 0.25, 0.1 + 0.2, 999, 1500, 10_000, 2_500_000].map(compact)).toEqual([
    ...['0', '0.25', '0.3', '999', '1.5k', '10k', '2.5M'],
  ])
})
