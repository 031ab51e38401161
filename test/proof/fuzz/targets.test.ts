import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CORPUS, load } from '../../../proof/fuzz/corpus.ts'
import { Loop } from '../../../proof/fuzz/loop.ts'
import { TARGETS } from '../../../proof/fuzz/targets/index.ts'
import { receiver } from '../../../proof/fuzz/targets/receiver.ts'
import { casesOf } from '../../conformance/case.ts'
import { RULES } from '../../conformance/rules.ts'

/** Of each kind: some seconds in all. Where nothing counts what runs, an input is kept for what came of it. */
const INPUTS = 1_500
const blind = { forget() {}, news: () => 0, covered: 0, total: 0 }

test('every target has a corpus, and every corpus a target', () => {
  expect(readdirSync(CORPUS).sort()).toEqual(TARGETS.map(({ name }) => name).sort())
})

describe.each(TARGETS)('$name', (target) => {
  const corpus = load(join(CORPUS, target.name))

  test('everything holds for the corpus, and it reaches different things', async () => {
    const outcomes = new Set<string>()
    for (const input of corpus) for (const one of await target.run(Uint8Array.from(input))) outcomes.add(one)
    expect(outcomes.size).toBeGreaterThan(3)
  })

  test('everything holds for what is made by structure', async () => {
    const property = fc.asyncProperty(
      target.structures,
      async (input) => void (await target.run(Uint8Array.from(input))),
    )
    await fc.assert(property, { numRuns: 300, seed: 1 })
  })

  test('everything holds for thousands of mutations', async () => {
    const loop = new Loop(target, { coverage: blind, seed: 1 })
    let finding = await loop.run(corpus)
    while (finding === undefined && loop.executions < corpus.length + INPUTS) finding = await loop.step()
    expect(finding?.report).toBeUndefined()
  })
})

test('everything holds for the streams of the conformance suite, under any limit', async () => {
  for (const [bit, role] of (['server', 'client'] as const).entries()) {
    for (const { input } of casesOf(RULES, role)) {
      // It is read byte by byte, too, and there are inputs of a mebibyte.
      if (input.length > 5_000) continue
      for (const limits of [0, 12, 29]) await receiver.run(Uint8Array.from([bit | 0x38, limits, 1, ...input]))
    }
  }
})
