/** Extra bits of the length and distance codes, and where the distances begin (RFC 1951 section 3.2.5). */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, code) => Math.max(0, (code >> 1) - 1))
const DISTANCE_BASE = DISTANCE_EXTRA.map((_, code) =>
  DISTANCE_EXTRA.slice(0, code).reduce((base, extra) => base + (1 << extra), 1),
)
/** The order of the code lengths of the code length alphabet (section 3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Symbols by the bits of their code, the first one being the highest, with a 1 in front. */
type Code = Map<number, number>

/** The canonical code of these lengths (section 3.2.2). */
function codeOf(lengths: readonly number[]): Code {
  const code: Code = new Map()
  let next = 0
  for (let length = 1; length <= 15; length++, next <<= 1) {
    lengths.forEach((one, symbol) => {
      if (one === length) code.set((1 << length) | next++, symbol)
    })
  }
  return code
}

const FIXED_LENGTHS = codeOf([
  ...Array<number>(144).fill(8),
  ...Array<number>(112).fill(9),
  ...Array<number>(24).fill(7),
  ...Array<number>(8).fill(8),
])
const FIXED_DISTANCES = codeOf(Array<number>(30).fill(5))

/** The farthest that a raw deflate stream refers back, in bytes: reads its blocks, without making what they stand for. */
export function largestDistance(bytes: Uint8Array): number {
  let at = 0
  let largest = 0
  const take = (count: number): number => {
    let value = 0
    for (let bit = 0; bit < count; bit++, at++) value |= ((bytes[at >> 3]! >> (at & 7)) & 1) << bit
    return value
  }
  const symbol = (code: Code): number => {
    for (let bits = 1; bits < 1 << 16; ) {
      bits = (bits << 1) | take(1)
      const found = code.get(bits)
      if (found !== undefined) return found
    }
    throw new Error('not a code')
  }
  const dynamic = (): [Code, Code] => {
    const [literals, distances, count] = [take(5) + 257, take(5) + 1, take(4) + 4]
    const own = Array<number>(19).fill(0)
    for (const index of ORDER.slice(0, count)) own[index] = take(3)
    const code = codeOf(own)
    const lengths: number[] = []
    while (lengths.length < literals + distances) {
      const length = symbol(code)
      if (length < 16) lengths.push(length)
      else if (length === 16) lengths.push(...Array<number>(3 + take(2)).fill(lengths.at(-1)!))
      else lengths.push(...Array<number>(length === 17 ? 3 + take(3) : 11 + take(7)).fill(0))
    }
    return [codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals))]
  }

  for (let last = 0; last === 0 && at < bytes.length * 8; ) {
    last = take(1)
    const type = take(2)
    if (type === 0) {
      at = (at + 7) & ~7
      const length = take(16)
      at += 16 + length * 8
      continue
    }
    const [lengths, distances] = type === 1 ? [FIXED_LENGTHS, FIXED_DISTANCES] : dynamic()
    for (let found = symbol(lengths); found !== 256; found = symbol(lengths)) {
      if (found < 256) continue
      take(LENGTH_EXTRA[found - 257]!)
      const code = symbol(distances)
      largest = Math.max(largest, DISTANCE_BASE[code]! + take(DISTANCE_EXTRA[code]!))
    }
  }
  return largest
}
