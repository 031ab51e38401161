import fc from 'fast-check'
import { HeartwireError } from '../../../src/protocol/error.ts'
import { parseExtensions } from '../../../src/protocol/extension.ts'
import { Broken, type Target } from '../target.ts'

const common = { dictionary: [], maxLength: 64, structures: fc.uint8Array({ minLength: 1, maxLength: 4 }) }

/** Faults on purpose, to see the fuzzer find them; they do not run by default. */
export const PLANTED: readonly Target[] = [
  {
    ...common,
    name: 'planted',
    about: 'a fault that is reached step by step, where nothing but the code that runs tells of a step',
    run(input) {
      const [first] = parsed(Buffer.from(input).toString('latin1'))
      if (first?.parameters.some(([, value]) => typeof value === 'string' && value.length > 2)) {
        throw new Broken('the fault on purpose')
      }
      return []
    },
  },
  {
    ...common,
    name: 'planted-endless',
    about: 'an input that never ends',
    run(input) {
      while (input[0] === 1) input[1] = 1
      return []
    },
  },
  {
    ...common,
    name: 'planted-out-of-turn',
    about: 'an error that nobody waits for, and an answer that never comes',
    run(input) {
      if (input[0] !== 1) return []
      setImmediate(() => {
        throw new Broken('out of turn')
      })
      return new Promise(() => {})
    },
  },
]

function parsed(text: string) {
  try {
    return parseExtensions(text)
  } catch (error) {
    if (error instanceof HeartwireError) return []
    throw error
  }
}
