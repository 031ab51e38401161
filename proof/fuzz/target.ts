import type { Arbitrary } from 'fast-check'

/** One thing that is fuzzed, and what must hold of it. */
export interface Target {
  readonly name: string
  /** Half a sentence, for the terminal. */
  readonly about: string
  /** Words that its inputs are likely to have. */
  readonly dictionary: readonly Uint8Array[]
  /** Bytes up to which inputs are made longer. */
  readonly maxLength: number
  /** Inputs that are well-formed, or nearly so. */
  readonly structures: Arbitrary<Uint8Array>
  /**
   * Runs one input, and throws when something that must hold does not. What it returns says in a few words what came of
   * the input: inputs of which something new came are kept, as those are that reach new code.
   */
  run(input: Uint8Array): Iterable<string> | Promise<Iterable<string>>
}

/** Something that must hold does not. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function must(holds: boolean, what: string | (() => string)): asserts holds {
  if (!holds) throw new Broken(typeof what === 'string' ? what : what())
}

/** That two lists of events are the same. */
export function mustEqual(what: string, got: readonly string[], expected: readonly string[]): void {
  if (got.length === expected.length && got.every((event, i) => event === expected[i])) return
  const at = got.findIndex((event, i) => event !== expected[i])
  const where = at === -1 ? got.length : at
  throw new Broken(`${what}: event ${where} is "${got[where]}", not "${expected[where]}"`)
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

/** Bytes from text, with `\xNN` for any byte. */
export function words(...texts: readonly string[]): Uint8Array[] {
  return texts.map(bytesOf)
}
