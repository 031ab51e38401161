import { expect, test } from 'vitest'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { SLAB_SIZE, SlabPool } from '../../src/protocol/slab.ts'

test('a slab is given until it has no room', () => {
  const pool = new SlabPool(portablePlatform)
  const slab = pool.withRoom(1)
  expect(slab).toMatchObject({ at: 0, users: 0 })
  expect(slab.bytes.length).toBe(SLAB_SIZE)
  slab.at = SLAB_SIZE - 10
  expect(pool.withRoom(10)).toBe(slab)
  slab.at++
  const next = pool.withRoom(10)
  expect(next).not.toBe(slab)
  expect(next.bytes.buffer).not.toBe(slab.bytes.buffer)
  expect(next).toMatchObject({ at: 0, users: 0 })
  // The one that was full is not given again.
  slab.at = 0
  expect(pool.withRoom(10)).toBe(next)
})

test('a whole slab can be asked for', () => {
  const pool = new SlabPool(portablePlatform)
  expect(pool.withRoom(SLAB_SIZE).bytes.length).toBe(SLAB_SIZE)
})
