import { expect, test } from 'vitest'
import { parseResidentHeap } from '../../../bench/bytes/memory-map.ts'
import { classesOf, difference } from '../../../bench/bytes/snapshot.ts'
import { bytesTables } from '../../../bench/bytes/table.ts'

const META = {
  node_fields: ['type', 'name', 'id', 'self_size'],
  node_types: [['array', 'object', 'closure', 'string']],
}

function snapshot(nodes: number[], strings: string[]) {
  return classesOf({ snapshot: { meta: META as never }, nodes, strings })
}

test('what there is more of is counted by class, for each connection', () => {
  const strings = ['Link', 'onData', 'some text', '(object elements)']
  const before = snapshot([1, 0, 1, 40], strings)
  const after = snapshot([1, 0, 1, 40, 1, 0, 3, 40, 1, 0, 5, 48, 2, 1, 7, 64, 3, 2, 9, 24, 0, 3, 11, 16], strings)
  expect(difference(before, after, 2)).toEqual([
    ['Link', { count: 1, bytes: 44 }],
    ['function onData', { count: 0.5, bytes: 32 }],
    ['(string)', { count: 0.5, bytes: 12 }],
    ['(array) object elements', { count: 0.5, bytes: 8 }],
  ])
})

test('the resident part of the C library is found among all mappings', () => {
  const smaps = `55d0-55e0 r-xp 00000000 08:01 1 /usr/bin/node
Size:               1000 kB
Rss:                 900 kB
01a0-02b0 rw-p 00000000 00:00 0                          [heap]
Size:               2048 kB
KernelPageSize:        4 kB
Rss:                1024 kB
Pss:                1024 kB
`
  expect(parseResidentHeap(smaps)).toBe(1024 * 1024)
  expect(parseResidentHeap('')).toBeUndefined()
})

test('the tables: what is left over is told, and little things are put together', () => {
  const sums = { rss: 3000, heapUsed: 1500, arrayBuffers: 100, malloc: 50 }
  const tables = bytesTables(sums, [
    ['Link', { count: 1, bytes: 96 }],
    ['Set', { count: 0.02, bytes: 2 }],
  ])
  expect(tables).toContain(
    '| the rest: what V8 keeps free in its heap, mostly | 1,350 |\n| resident memory (RSS) | 3,000 |',
  )
  expect(tables).toContain('| `Link` | 1.00 | 96 | 96 |\n| everything else | | | 2 |\n| all | | | 98 |')
})
