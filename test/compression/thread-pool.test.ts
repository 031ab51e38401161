import { AsyncLocalStorage } from 'node:async_hooks'
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
})

test('each runs in the AsyncLocalStorage context in which it was given, though another one lets it begin', () => {
  const storage = new AsyncLocalStorage<number>()
  const begun: (number | undefined)[] = []
  const ends: (() => void)[] = []
  for (let i = 0; i < 6; i++) {
    storage.run(i, () =>
      startJob((done) => {
        begun.push(storage.getStore())
        ends.push(done)
      }),
    )
  }
  storage.run(100, () => {
    for (const end of ends) end()
  })
  expect(begun).toEqual([0, 1, 2, 3, 4, 5])
})
