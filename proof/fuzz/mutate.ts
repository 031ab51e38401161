import type { Random } from '../support/random.ts'

/** What a mutation may draw on beside the input itself. */
export interface Material {
  corpus: readonly Uint8Array[]
  dictionary: readonly Uint8Array[]
  /** Bytes that an input may have; one that was longer already may stay so. */
  maxLength: number
}

type Mutation = (input: Uint8Array, random: Random, material: Material) => Uint8Array

const EMPTY = new Uint8Array(0)
/** Bytes at which a header or a character changes its meaning. */
const BYTES = [0, 1, 2, 8, 9, 10, 13, 32, 34, 44, 58, 59, 61, 92, 125, 126, 127, 128, 129, 130, 136, 191, 192, 254, 255]
/** Numbers at which a length changes its form, or a close code its meaning. */
const NUMBERS = [0n, 1n, 125n, 126n, 127n, 255n, 256n, 999n, 1000n, 1005n, 1006n, 1015n, 3000n, 4999n, 5000n, 65_535n]
const LARGE = [
  65_536n,
  1n << 31n,
  (1n << 32n) - 1n,
  1n << 40n,
  (1n << 53n) - 1n,
  1n << 53n,
  1n << 63n,
  (1n << 64n) - 1n,
]

const MUTATIONS: readonly Mutation[] = [
  function flipBit(input, random) {
    return change(input, random, (byte) => byte ^ (1 << below(random, 8)))
  },
  function setByte(input, random) {
    return change(input, random, () => oneOf(random, BYTES))
  },
  function randomByte(input, random) {
    return change(input, random, () => below(random, 256))
  },
  function addToByte(input, random) {
    return change(input, random, (byte) => byte + below(random, 33) - 16)
  },
  function setNumber(input, random) {
    const size = oneOf(random, [2, 2, 8])
    const bytes = bigEndian(oneOf(random, size === 2 ? NUMBERS : [...NUMBERS, ...LARGE]), size)
    return put(input, below(random, input.length), size, bytes)
  },
  function insertRandom(input, random) {
    const bytes = Uint8Array.from({ length: 1 + below(random, 8) }, () => below(random, 256))
    return put(input, below(random, input.length + 1), 0, bytes)
  },
  function insertRun(input, random) {
    const bytes = new Uint8Array(1 + below(random, 200)).fill(oneOf(random, BYTES))
    return put(input, below(random, input.length + 1), 0, bytes)
  },
  function remove(input, random) {
    return put(input, below(random, input.length), 1 + below(random, oneOf(random, [2, 8, 64])), EMPTY)
  },
  function cutShort(input, random) {
    return input.slice(0, below(random, input.length + 1))
  },
  function repeat(input, random) {
    const part = piece(input, random)
    return put(input, below(random, input.length + 1), 0, part)
  },
  function move(input, random) {
    const part = piece(input, random)
    return put(input, below(random, input.length), part.length, part)
  },
  function insertWord(input, random, { dictionary }) {
    return put(input, below(random, input.length + 1), 0, oneOf(random, dictionary) ?? EMPTY)
  },
  function overwriteByWord(input, random, { dictionary }) {
    const word = oneOf(random, dictionary) ?? EMPTY
    return put(input, below(random, input.length), word.length, word)
  },
  function spliceOther(input, random, { corpus }) {
    const other = oneOf(random, corpus) ?? EMPTY
    const head = input.subarray(0, below(random, input.length + 1))
    return put(head, head.length, 0, other.subarray(below(random, other.length + 1)))
  },
  function insertOther(input, random, { corpus }) {
    return put(input, below(random, input.length + 1), 0, piece(oneOf(random, corpus) ?? EMPTY, random))
  },
]

/** Another input, a few steps away from this one, which is left as it is. */
export function mutate(input: Uint8Array, random: Random, material: Material): Uint8Array {
  const most = Math.max(material.maxLength, input.length)
  let mutant = input
  for (let steps = 1 << below(random, 4); steps > 0; steps--)
    mutant = oneOf(random, MUTATIONS)(mutant, random, material)
  return mutant.length > most ? mutant.slice(0, most) : mutant
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit)
}

function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!
}

function change(input: Uint8Array, random: Random, to: (byte: number) => number): Uint8Array {
  const changed = Uint8Array.from(input)
  const at = below(random, input.length)
  if (input.length > 0) changed[at] = to(input[at]!)
  return changed
}

/** The input with `length` bytes from `at` replaced. */
function put(input: Uint8Array, at: number, length: number, bytes: Uint8Array): Uint8Array {
  const rest = input.subarray(Math.min(input.length, at + length))
  const made = new Uint8Array(at + bytes.length + rest.length)
  made.set(input.subarray(0, at))
  made.set(bytes, at)
  made.set(rest, at + bytes.length)
  return made
}

function piece(input: Uint8Array, random: Random): Uint8Array {
  const from = below(random, input.length)
  return input.slice(from, from + 1 + below(random, oneOf(random, [4, 16, 128])))
}

function bigEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn))
}
