import { expect, test } from 'vitest'
import { RefusalLog } from '../../src/server/rate-log.ts'

/** A log whose clock is set by hand. */
function logged(options: { limit?: number; window?: number } = {}) {
  const lines: string[] = []
  const clock = { now: 0 }
  const log = new RefusalLog({ write: (line) => lines.push(line), now: () => clock.now, ...options })
  return { lines, clock, log }
}

test('five lines in ten seconds, then how many were left out', () => {
  const { lines, clock, log } = logged()
  for (let index = 1; index <= 8; index++) log.refused(`line ${index}`)
  expect(lines).toEqual(['line 1', 'line 2', 'line 3', 'line 4', 'line 5'])
  clock.now = 9_999
  log.refused('line 9')
  expect(lines).toHaveLength(5)
  clock.now = 10_000
  log.refused('line 10')
  expect(lines.slice(5)).toEqual(['4 more refusals were not logged.', 'line 10'])
})

test('a window begins with its first line', () => {
  const { lines, clock, log } = logged({ limit: 1, window: 100 })
  clock.now = 5_000
  log.refused('a')
  clock.now = 5_099
  log.refused('b')
  clock.now = 9_000
  log.refused('c')
  clock.now = 9_099
  log.refused('d')
  clock.now = 9_100
  log.refused('e')
  expect(lines).toEqual(['a', '1 more refusal was not logged.', 'c', '1 more refusal was not logged.', 'e'])
})

test('a flush says what was left out, once', () => {
  const { lines, log } = logged({ limit: 1 })
  log.flush()
  expect(lines).toEqual([])
  for (const line of ['a', 'b', 'c']) log.refused(line)
  log.flush()
  log.flush()
  expect(lines).toEqual(['a', '2 more refusals were not logged.'])
})

test('a flood of a million refusals writes as many lines as windows allow', () => {
  const { lines, clock, log } = logged()
  for (let index = 0; index < 1_000_000; index++) {
    clock.now = index / 50
    log.refused('refused')
  }
  expect(lines.filter((line) => line === 'refused')).toHaveLength(10)
  expect(lines[5]).toBe('499995 more refusals were not logged.')
})

test('a line is one line, of 500 characters at most', () => {
  const { lines, log } = logged()
  log.refused('a\r\nforged line\x1b[31m')
  log.refused('x'.repeat(501))
  expect(lines).toEqual(['a\\r\\nforged line\\x1b[31m', `${'x'.repeat(500)}…`])
})

test('what the writer throws comes out, and the line counts', () => {
  let calls = 0
  const log = new RefusalLog({
    write: () => {
      calls++
      throw new Error('disk full')
    },
    now: () => 0,
    limit: 1,
  })
  expect(() => log.refused('a')).toThrow('disk full')
  log.refused('b')
  expect(calls).toBe(1)
})
