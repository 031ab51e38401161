import { describe, expect, it } from 'vitest'
import { backoff, FIRST_DELAY, LONGEST_DELAY } from '../../../chat/page/backoff.ts'

describe('backoff', () => {
  it('doubles the limit with every attempt, up to the longest delay', () => {
    const limits = [0, 1, 2, 3, 4, 5, 100].map((attempt) => backoff(attempt, () => 1))
    expect(limits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(limits[0]).toBe(FIRST_DELAY)
    expect(limits.at(-1)).toBe(LONGEST_DELAY)
  })

  it('takes anything from nothing to the limit', () => {
    expect(backoff(3, () => 0)).toBe(0)
    expect(backoff(3, () => 0.25)).toBe(4_000)
    for (let i = 0; i < 100; i++) expect(backoff(0)).toBeLessThan(FIRST_DELAY)
  })
})
