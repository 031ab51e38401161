import { expect, test } from 'vitest'
import { startJob } from '../../src/compression/thread-pool.ts'

test('four jobs at a time, and those that wait in their order, but for what is taken back', () => {
  const begun: number[] = []
  const ends: (() => void)[] = []
  const takeBack = Array.from({ length: 9 }, (_, i) =>
    startJob((done) => {
      begun.push(i)
      ends.push(done)
    }),
  )
  expect(begun).toEqual([0, 1, 2, 3])
  takeBack[5]?.()
  // Too late: it has begun.
  takeBack[0]?.()
  ends.shift()?.()
  expect(begun).toEqual([0, 1, 2, 3, 4])
  ends.shift()?.()
  ends.shift()?.()
  expect(begun).toEqual([0, 1, 2, 3, 4, 6, 7])
  for (const end of ends) end()
  expect(begun).toEqual([0, 1, 2, 3, 4, 6, 7, 8])
  for (const end of ends.splice(0)) void end
})
