import fc from 'fast-check'
import { formatExtensions, parseExtensions } from '../../../src/protocol/extension.ts'
import { Broken, type Target } from '../target.ts'

/**
 * A fault on purpose, by which the fuzzer itself is tested: it is reached only by whoever takes one step after the
 * other, since no single step tells of the next but by the code that it reaches.
 */
export const planted: Target = {
  name: 'planted',
  about: 'a fault on purpose, to see the fuzzer find it; not one of those that run by default',
  dictionary: [],
  maxLength: 64,
  structures: fc.constant(new Uint8Array(4)),

  run(input) {
    const text = Buffer.from(input).toString('latin1')
    const [first] = parsed(text)
    if (first?.parameters.some(([name, value]) => name !== '' && value !== true && value.length > 2)) {
      throw new Broken('the fault on purpose')
    }
    return []
  },
}

function parsed(text: string) {
  try {
    return parseExtensions(formatExtensions(parseExtensions(text)))
  } catch {
    return []
  }
}
