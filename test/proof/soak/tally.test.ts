import { expect, test } from 'vitest'
import { Tally } from '../../../proof/soak/tally.ts'

test('an end that was due is counted by its cause', () => {
  const tally = new Tally()
  const [one, other] = [tally.open(), tally.open()]
  tally.expect(one, 'peer-close')
  tally.expect(other, 'eof', 'reset')
  expect(tally.unreported).toBe(2)
  tally.reported([
    [one, 'peer-close'],
    [other, 'reset'],
  ])
  expect(tally).toMatchObject({ opened: 2, unreported: 0, unexpected: 0, causes: { 'peer-close': 1, reset: 1 } })
})

test('another end, one that nobody asked for, and a second one are not', () => {
  const tally = new Tally()
  const [one, other] = [tally.open(), tally.open()]
  tally.expect(one, 'eof', 'reset')
  tally.reported([
    [one, 'heartbeat'],
    [other, 'handler-error'],
    [other, 'eof'],
  ])
  expect(tally.unexpected).toBe(3)
  expect(tally.problems).toEqual([
    'connection 1 ended with heartbeat, not eof or reset',
    'connection 2 ended with handler-error, not at all',
    'connection 2 ended twice, the second time with eof',
  ])
})

test('a connection that was not opened has no end to wait for', () => {
  const tally = new Tally()
  tally.failed(tally.open())
  expect(tally.unreported).toBe(0)
})
