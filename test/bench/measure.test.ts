import { expect, test } from 'vitest'
import { roundsOf, summarize } from '../../bench/measure.ts'
import { select } from '../../bench/scenarios.ts'

test('ratios are those of each subject to the others, round by round', () => {
  const results = summarize(
    new Map([
      ['heartwire' as const, [{ perSecond: 200 }, { perSecond: 60 }, { perSecond: 200 }]],
      ['heartwire-node' as const, [{ perSecond: 100 }, { perSecond: 50 }, { perSecond: 100 }]],
      ['ws' as const, [{ perSecond: 100 }, { perSecond: 25 }, { perSecond: 100 }]],
    ]),
    ['heartwire', 'heartwire-node'],
  )
  expect(results.map(({ server, ratios }) => [server, ratios])).toEqual([
    ['heartwire', { 'heartwire-node': { perSecond: { median: 0.5, low: 0.5, high: 50 / 60 } } }],
    ['heartwire-node', { heartwire: { perSecond: { median: 2, low: 1.2, high: 2 } } }],
    [
      'ws',
      {
        heartwire: { perSecond: { median: 2, low: 2, high: 2.4 } },
        'heartwire-node': { perSecond: { median: 1, low: 1, high: 2 } },
      },
    ],
  ])
  expect(results[0]?.summary).toEqual({ perSecond: { median: 200, low: 60, high: 200 } })
})

test('there is no ratio to nothing', () => {
  const [, ws] = summarize(
    new Map([
      ['heartwire' as const, [{ wait: 0.1 }]],
      ['ws' as const, [{ wait: 0 }]],
    ]),
    ['heartwire'],
  )
  expect(ws?.ratios).toEqual({ heartwire: {} })
})

test('memory and storms have a third of the rounds, and six at least where there are six', () => {
  const [echo] = select('64B')
  const [idle] = select('idle')
  if (echo === undefined || idle === undefined) throw new Error('a scenario is missing')
  expect([1, 6, 15, 30].map((rounds) => roundsOf(echo, rounds))).toEqual([1, 6, 15, 30])
  expect([1, 6, 15, 30].map((rounds) => roundsOf(idle, rounds))).toEqual([1, 6, 6, 10])
})
