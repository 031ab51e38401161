import { TimingWheel } from '../liveness/wheel.ts'
import { withNativeMask } from '../platform/native-mask.ts'
import { nodePlatform } from '../platform/node.ts'
import { MaskKeySource } from '../protocol/mask-key-source.ts'
import type { SenderShared } from '../protocol/sender.ts'
import { SlabPool } from '../protocol/slab.ts'
import { findAddon } from '../transport/addon.ts'
import { gatherWrites, sendGathered } from '../transport/gathering.ts'

const { addon } = findAddon()
const platform = addon === undefined ? nodePlatform : withNativeMask(nodePlatform, addon.mask)

/** What all connections of a thread share. */
export const shared: SenderShared = {
  platform,
  slabs: new SlabPool(platform),
  keys: new MaskKeySource(platform),
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
  shared.slabs.keep()
  gatherWrites()
  try {
    for (const one of all) one.flush()
  } finally {
    sendGathered()
    shared.slabs.reuse()
  }
}
