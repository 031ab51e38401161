import { describe, expect, it } from 'vitest'
import { backoff } from '../../src/reconnect/backoff.ts'

const bounds = { initialDelay: 1_000, factor: 2, maxDelay: 30_000 }

describe('backoff', () => {
  it('doubles the longest wait until it is the longest of all', () => {
    const longest = [1, 2, 3, 4, 5, 6, 1_000, 2_000].map((failures) =>
      backoff({ ...bounds, random: () => 1 }, failures),
    )
    expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('waits anything between nothing and that', () => {
    expect(backoff({ ...bounds, random: () => 0 }, 4)).toBe(0)
    expect(backoff({ ...bounds, random: () => 0.25 }, 4)).toBe(2_000)
  })
})
