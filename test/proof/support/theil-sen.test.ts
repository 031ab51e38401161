import { expect, test } from 'vitest'
import { growth, theilSenSlope } from '../../../proof/support/theil-sen.ts'

const points = (...ys: number[]) => ys.map((y, x) => ({ x, y }))

test('the slope of a line', () => {
  expect(theilSenSlope(points(1, 3, 5, 7))).toBe(2)
  expect(theilSenSlope(points(4, 4, 4))).toBe(0)
  expect(theilSenSlope(points(6, 3))).toBe(-3)
})

test('outliers do not move it', () => {
  expect(theilSenSlope(points(0, 1, 2, 900, 4, 5, 6, -900, 8, 9))).toBe(1)
})

test('an even number of pairs has the mean of the two in the middle', () => {
  // The slopes are 0, 0, 0, 1, 3/2 and 3.
  expect(theilSenSlope(points(0, 0, 0, 3))).toBe(0.5)
})

test('points one above the other have no slope', () => {
  expect(
    theilSenSlope([
      { x: 1, y: 1 },
      { x: 1, y: 9 },
    ]),
  ).toBe(0)
  expect(theilSenSlope([])).toBe(0)
})

test('what is too much is thinned', () => {
  expect(theilSenSlope(points(...Array.from({ length: 5000 }, (_, i) => 3 * i)))).toBe(3)
})

test('growth is the slope over all of it', () => {
  expect(growth(points(10, 11, 12, 13, 99))).toBe(4)
  expect(growth([])).toBe(0)
})
