import { expect, test } from 'vitest'
import { compareResources, type Resources, readResources } from '../../../proof/chaos/resources.ts'

const MiB = 1024 * 1024
const before: Resources = { active: { TCPSocketWrap: 1 }, timers: 0, heap: 10 * MiB, buffers: 4 * MiB, rss: 80 * MiB }

test('what a process holds may shrink, and grow by a little', () => {
  expect(compareResources('server', before, before)).toEqual([])
  const after = { active: {}, timers: 1, heap: 11 * MiB, buffers: 3 * MiB, rss: 100 * MiB }
  expect(compareResources('server', before, after)).toEqual([])
})

test('what does not return is named', () => {
  const active = { TCPSocketWrap: 3, Timeout: 1 }
  const after = { active, timers: 9, heap: 13 * MiB, buffers: 11 * MiB, rss: 120 * MiB }
  expect(compareResources('server', before, after)).toEqual([
    'server: 3 TCPSocketWrap are active, 1 were',
    'server: 1 Timeout are active, 0 were',
    'server: 9 timers are set, 0 were',
    'server: the heap grew from 10.0 MiB to 13.0 MiB, by more than 2.0 MiB',
    'server: buffers grew from 4.0 MiB to 11.0 MiB, by more than 6.0 MiB',
    'server: resident memory grew from 80.0 MiB to 120.0 MiB, by more than 32.0 MiB',
  ])
})

test('what was let go of is not counted', async () => {
  let held: Uint8Array | undefined = new Uint8Array(64 * MiB)
  const holding = await readResources()
  expect(held).toHaveLength(64 * MiB)
  held = undefined
  const after = await readResources()
  expect(holding.buffers - after.buffers).toBeGreaterThan(63 * MiB)
})
