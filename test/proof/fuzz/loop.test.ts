import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CounterCoverage } from '../../../proof/fuzz/coverage.ts'
import { Loop } from '../../../proof/fuzz/loop.ts'
import { minimise } from '../../../proof/fuzz/minimise.ts'
import { mutate } from '../../../proof/fuzz/mutate.ts'
import { must, type Target } from '../../../proof/fuzz/target.ts'
import { Random } from '../../../proof/support/random.ts'

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))

describe('coverage', () => {
  test('what runs for the first time is new, and what runs about as often as never before', () => {
    const module = { s: { 0: 0, 1: 0 } as Record<number, number>, b: { 0: [0, 0] } as Record<number, number[]> }
    const coverage = new CounterCoverage({ module }, true)
    const newsOf = (statement: number, way: number) => {
      module.s[1] = statement
      module.b[0]![1] = way
      return coverage.news()
    }
    expect([
      newsOf(1, 0),
      newsOf(1, 0),
      newsOf(1, 1),
      newsOf(2, 1),
      newsOf(9, 0),
      newsOf(15, 0),
      newsOf(16, 0),
    ]).toEqual([1, 0, 1, 1, 1, 0, 1])
    expect([coverage.covered, coverage.total]).toEqual([2, 4])
    module.s[0] = 1
    coverage.forget()
    expect([coverage.news(), coverage.covered]).toEqual([0, 2])
  })

  test('without magnitudes only the first time counts', () => {
    const module = { s: { 0: 1 } as Record<number, number>, b: {} }
    const coverage = new CounterCoverage({ module }, false)
    const news = [1, 2, 100].map((times) => {
      module.s[0] = times
      return coverage.news()
    })
    expect(news).toEqual([1, 0, 0])
  })
})

describe('mutate', () => {
  const material = { corpus: [bytes('other')], dictionary: [bytes('WORD')], maxLength: 50 }

  test('leaves its input as it is, keeps to the length, and gives the same for the same seed', () => {
    const input = bytes('some input')
    const made = () => {
      const random = new Random(7)
      return Array.from({ length: 500 }, () => Buffer.from(mutate(input, random, material)).toString('latin1'))
    }
    const first = made()
    expect(made()).toEqual(first)
    expect(Buffer.from(input).toString()).toBe('some input')
    expect(Math.max(...first.map((one) => one.length))).toBeLessThanOrEqual(50)
    expect(new Set(first).size).toBeGreaterThan(400)
    expect(first.some((one) => one.includes('WORD'))).toBe(true)
    expect(first.some((one) => one.includes('othe'))).toBe(true)
  })

  test('begins with nothing, too', () => {
    const random = new Random(1)
    for (let i = 0; i < 500; i++) mutate(new Uint8Array(0), random, { corpus: [], dictionary: [], maxLength: 10 })
  })
})

test('minimise leaves what matters', async () => {
  const needs = async (input: Uint8Array) => /A.*B/s.test(Buffer.from(input).toString('latin1')) && input.length >= 4
  const smallest = await minimise(bytes('much before A something between B and much behind'), needs)
  expect(Buffer.from(smallest).toString('latin1')).toMatch(/^\0*A\0*B\0*$/)
  expect(smallest.length).toBe(4)
})

describe('the loop', () => {
  /** Fails for an input that begins with the word, and says how much of it there is. */
  const target = (word: string): Target => ({
    name: 'word',
    about: '',
    dictionary: [],
    maxLength: 20,
    structures: fc.constant(new Uint8Array(1)),
    run(input) {
      let at = 0
      while (at < word.length && input[at] === word.charCodeAt(at)) at++
      must(at < word.length, `the word, then ${input.length - at} bytes`)
      return [`${at} characters`]
    },
  })
  const blind = { forget() {}, news: () => 0, covered: 0, total: 0 }

  test('comes to a fault step by step, by what came of an input before, and makes the finding small', async () => {
    const loop = new Loop(target('WSOK'), { coverage: blind, seed: 3 })
    let finding: Awaited<ReturnType<Loop['step']>>
    while (finding === undefined && loop.executions < 500_000) finding = await loop.step()
    expect(finding?.report).toMatch(/^Broken: the word/)
    const { input, report } = await loop.minimised(finding!)
    expect(Buffer.from(input).toString()).toBe('WSOK')
    expect(report).toMatch(/^Broken: the word, then 0 bytes/)
    expect(loop.corpus.length).toBe(4)
  })

  test('keeps what reaches new code', async () => {
    const news = [1, 0, 1, 0]
    const kept: number[] = []
    const coverage = { ...blind, news: () => news.shift() ?? 0 }
    const loop = new Loop(
      { ...target('x'), run: () => [] },
      { coverage, seed: 1, onKept: (input) => kept.push(input[0]!) },
    )
    await loop.run([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3), Uint8Array.of(4)])
    expect(kept).toEqual([1, 3])
  })
})
