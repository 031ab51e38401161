import { createHash } from 'node:crypto'
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { messages, TOLERANCE } from '../../../bench/corpus/corpus.ts'
import { WORDS } from '../../../bench/corpus/words.ts'

const SEED = 1

function take(bytes: number, count: number, connection = 0, seed = SEED): string[] {
  const stream = messages(bytes, seed, connection)
  return Array.from({ length: count }, () => stream.next().value)
}

const length = (text: string) => Buffer.byteLength(text)
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const digest = (list: string[]) => createHash('sha256').update(list.join('\n')).digest('hex').slice(0, 16)

/** As permessage-deflate does it without context takeover. */
const deflated = (text: string) =>
  deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).length - '\x00\x00\xff\xff'.length

test('a vocabulary of a few hundred words, none of them twice', () => {
  expect(WORDS.length).toBeGreaterThan(300)
  expect(new Set(WORDS).size).toBe(WORDS.length)
})

describe.each([
  { bytes: 200, count: 400, alone: [1.2, 1.5], types: ['message', 'presence', 'tick'] },
  { bytes: 2048, count: 100, alone: [2.2, 3], types: ['history', 'quotes', 'roster'] },
  { bytes: 65_536, count: 20, alone: [3.3, 4.5], types: ['history', 'quotes', 'roster'] },
])('$bytes bytes', ({ bytes, count, alone, types }) => {
  test('the same from the same seed, another from another seed or connection', () => {
    const few = take(bytes, 5)
    expect(take(bytes, 5)).toEqual(few)
    expect(take(bytes, 5, 1)).not.toEqual(few)
    expect(take(bytes, 5, 0, SEED + 1)).not.toEqual(few)
  })

  test('the size', () => {
    for (const text of take(bytes, count)) {
      expect(Math.abs(length(text) - bytes)).toBeLessThanOrEqual(TOLERANCE * bytes)
    }
  })

  test('JSON of all three sorts', () => {
    const seen = new Set(take(bytes, count).map((text) => (JSON.parse(text) as { type: string }).type))
    expect([...seen].toSorted()).toEqual(types)
  })

  test('no message comes twice, on whichever connection', () => {
    const all = Array.from({ length: 10 }, (_, connection) => take(bytes, count / 10, connection)).flat()
    expect(new Set(all).size).toBe(count)
  })

  test('deflate makes of it what it makes of such data', () => {
    const list = take(bytes, count)
    const plain = sum(list.map(length))
    const ratio = plain / sum(list.map(deflated))
    expect(ratio).toBeGreaterThan(alone[0] as number)
    expect(ratio).toBeLessThan(alone[1] as number)
    // With what went before as its context, between what noise and what one template with a counter would give.
    const together = plain / deflateRawSync(list.join('')).length
    expect(together).toBeGreaterThan(3.3)
    expect(together).toBeLessThan(5)
  })
})

test('figures of one run can be compared with those of a later version: the corpus does not change unnoticed', () => {
  expect([200, 2048, 65_536].map((bytes) => digest(take(bytes, 20, 7)))).toEqual([
    '2e68a59dc3509198',
    '3b96582d960bf6a4',
    '433f47ff476de084',
  ])
})

test('prices move, a little at a time', () => {
  const last = new Map<string, number>()
  const moves = take(200, 2000)
    .map((text) => JSON.parse(text) as { type: string; symbol: string; last: number })
    .filter(({ type }) => type === 'tick')
    .flatMap(({ symbol, last: price }) => {
      const before = last.get(symbol)
      last.set(symbol, price)
      return before === undefined ? [] : [Math.abs(price / before - 1)]
    })
  expect(moves.filter((move) => move > 0).length).toBeGreaterThan(moves.length / 2)
  expect(Math.max(...moves)).toBeLessThan(0.05)
})
