/** How many inputs are tried to make a finding smaller. */
const TRIES = 4_000

/**
 * The smallest input found that still fails in the same way: parts are taken out, first long ones, then bytes, and what
 * is left is made zero where it does not matter.
 * @param fails whether an input does
 */
export async function minimise(input: Uint8Array, fails: (input: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let smallest = input
  let tries = 0
  const keep = async (candidate: Uint8Array): Promise<boolean> => {
    if (tries++ >= TRIES || !(await fails(candidate))) return false
    smallest = candidate
    return true
  }
  for (let size = ceilHalf(input.length); size > 0; size = size === 1 ? 0 : ceilHalf(size)) {
    for (let at = 0; at < smallest.length; ) {
      const without = Uint8Array.from([...smallest.subarray(0, at), ...smallest.subarray(at + size)])
      if (!(await keep(without))) at += size
    }
  }
  for (let at = 0; at < smallest.length; at++) {
    if (smallest[at] !== 0) await keep(smallest.with(at, 0))
  }
  return smallest
}

function ceilHalf(length: number): number {
  return Math.ceil(length / 2)
}
