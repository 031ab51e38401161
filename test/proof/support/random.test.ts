import { expect, test } from 'vitest'
import { Random } from '../../../proof/support/random.ts'

test('the same seed gives the same numbers, another seed others', () => {
  const some = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 5 }, () => random.whole(1, 1000))
  }
  expect(some(1)).toEqual(some(1))
  expect(some(1)).not.toEqual(some(2))
})

test('whole numbers reach both ends, and nothing beyond', () => {
  const random = new Random(3)
  const seen = new Set(Array.from({ length: 1000 }, () => random.whole(2, 5)))
  expect([...seen].toSorted()).toEqual([2, 3, 4, 5])
})

test('what has no weight is not picked', () => {
  const random = new Random(4)
  const seen = Array.from({ length: 1000 }, () => random.pick({ often: 9, never: 0, rarely: 1 }))
  expect(new Set(seen)).toEqual(new Set(['often', 'rarely']))
  expect(seen.filter((one) => one === 'often').length).toBeGreaterThan(800)
})

test('a fork does not depend on what is taken later', () => {
  const one = new Random(5)
  const other = new Random(5)
  const first = one.fork()
  const second = other.fork()
  one.next()
  expect(first.next()).toBe(second.next())
})
