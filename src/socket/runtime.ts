import { TimingWheel } from '../liveness/wheel.ts'
import { nodePlatform } from '../platform/node.ts'
import { MaskKeySource } from '../protocol/mask-key-source.ts'
import type { SenderShared } from '../protocol/sender.ts'
import { SlabPool } from '../protocol/slab.ts'

/** What all connections of a thread share. */
export const shared: SenderShared = {
  platform: nodePlatform,
  slabs: new SlabPool(nodePlatform),
  keys: new MaskKeySource(nodePlatform),
  now: () => performance.now(),
}

/** The clock and the timer of all connections of a thread. */
export const wheel = new TimingWheel()

interface Flushable {
  flush(): void
}

let waiting: Flushable[] = []

/** Flushes what has bytes to write once the code that runs now, and the promises it settles, have had their say. */
export function flushSoon(one: Flushable): void {
  if (waiting.push(one) === 1) process.nextTick(flushAll)
}

function flushAll(): void {
  const all = waiting
  waiting = []
  for (const one of all) one.flush()
}
