/** The file in which V8 tells perf what lies at which address (`--perf-basic-prof`): lines with address, length and name. */

/**
 * Without what lay where something else does now. V8 only ever adds lines, and perf believes the first.
 * @returns the lines that are left, in order of their addresses
 */
export function currentMap(text: string): string {
  /** Sorted; none reaches into another. */
  const kept: { from: number; to: number; line: string }[] = []
  for (const line of text.split('\n').reverse()) {
    const [, address, length] = /^([0-9a-f]+) ([0-9a-f]+) /.exec(line) ?? []
    if (address === undefined || length === undefined) continue
    const from = Number.parseInt(address, 16)
    const to = from + Number.parseInt(length, 16)
    const at = indexAfter(kept, from)
    const free = (kept[at - 1]?.to ?? 0) <= from && (kept[at]?.from ?? Number.POSITIVE_INFINITY) >= to
    if (free) kept.splice(at, 0, { from, to, line })
  }
  return `${kept.map(({ line }) => line).join('\n')}\n`
}

/** The first one that begins behind an address. */
function indexAfter(sorted: readonly { from: number }[], address: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]!.from <= address) low = middle + 1
    else high = middle
  }
  return low
}
