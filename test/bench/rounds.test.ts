import { expect, test } from 'vitest'
import { findPresent, runRounds, turn } from '../../bench/rounds.ts'
import { ServerDeclined } from '../../bench/server-process.ts'

test('each begins in its turn, and every other round goes backwards', () => {
  const all = ['a', 'b', 'c']
  expect(Array.from({ length: 6 }, (_, round) => turn(all, round).join(''))).toEqual([
    ...['abc', 'acb', 'cab', 'cba', 'bca', 'bac'],
  ])
  expect(turn([], 3)).toEqual([])
})

test('who fails is left out of the rest, and the others go on', async () => {
  const done: string[] = []
  const { samples, failures } = await runRounds(['good', 'wrong', 'weak'], 2, {
    async check(name) {
      if (name === 'wrong') throw new Error('not an echo')
    },
    async round(name) {
      if (name === 'weak' && done.includes('weak  round 2/2')) throw new Error('it fell over')
      return name.length
    },
    progress: (name, what) => done.push(`${name}  ${what}`),
  })
  expect([...samples]).toEqual([['good', [4, 4]]])
  expect(failures).toEqual([
    { contestant: 'wrong', error: 'not an echo' },
    { contestant: 'weak', error: 'it fell over' },
  ])
  expect(done).toEqual([
    'good  check',
    'wrong  check',
    'wrong  failed: not an echo',
    'weak  check',
    'good  round 1/2',
    'weak  round 1/2',
    'good  round 2/2',
    'weak  round 2/2',
    'weak  failed: it fell over',
  ])
})

test('who declines is missing, and who breaks has failed', async () => {
  const found = await findPresent(['there', 'declines', 'breaks'], async (name) => {
    if (name === 'declines') throw new ServerDeclined('not installed')
    if (name === 'breaks') throw new Error('no port')
  })
  expect(found).toEqual({
    present: ['there'],
    missing: [{ contestant: 'declines', why: 'not installed' }],
    failures: [{ contestant: 'breaks', error: 'no port' }],
  })
})
