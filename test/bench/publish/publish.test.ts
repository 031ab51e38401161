import { expect, test } from 'vitest'
import { costOf } from '../../../bench/publish/measure.ts'
import { publishTable } from '../../../bench/publish/table.ts'

test('what a publication costs is the CPU time of a second, by the publications in it', () => {
  const first = { cpu: 10, system: 4, time: 100, rss: 0 }
  // In two seconds: 1.5 s of CPU, 1 s of these by the kernel.
  const last = { cpu: 11.5, system: 5, time: 102, rss: 0 }
  expect(costOf(first, last, 50)).toEqual({ user: 5_000, system: 10_000 })
  expect(() => costOf({ cpu: 0, time: 0, rss: 0 }, last, 50)).toThrow('does not tell')
})

test('the table has each publication in microseconds, and each receiver in nanoseconds', () => {
  const flat = (median: number) => ({ median, low: median, high: median })
  const result = { subscribers: 1000, server: 'heartwire' as const, user: flat(1234.5), system: flat(9.87) }
  expect(publishTable([result]).split('\n')[2]).toBe(
    '| 1,000 | heartwire | 1,244 | 1,235 (1,235–1,235) | 9.87 (9.87–9.87) | 1,235 | 9.87 |',
  )
})
