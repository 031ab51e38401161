import { expect, test } from 'vitest'
import type { ServerState } from '../../../proof/soak/protocol.ts'
import { judge, type Observed, type Sample } from '../../../proof/soak/verdict.ts'

const MIB = 2 ** 20

const STATE: ServerState = {
  rss: 80 * MIB,
  external: 2 * MIB,
  heap: 10 * MIB,
  handles: { PipeWrap: 1, TCPServerWrap: 1 },
  connections: 0,
  opened: 500,
  ended: [],
  cpu: 1,
  time: 1,
  loopDelay: 0,
}

/** A sample a second for two minutes, of a server on which nothing grows. */
function samples(change: (second: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 120 }, (_, at) => ({
    ...STATE,
    at,
    cpu: 0.1,
    perSecond: 100,
    p50: 1,
    p99: 2,
    connections: 50 + (at % 7),
    handles: { PipeWrap: 1, TCPServerWrap: 1, TCPSocketWrap: 50 + (at % 7), Timeout: 2 },
    ...change(at),
  }))
}

const GOOD: Observed = {
  samples: samples(),
  settling: 60,
  lost: 0,
  corrupted: 0,
  unexpected: 0,
  unreported: 0,
  before: STATE,
  after: STATE,
  closed: { ...STATE, handles: { PipeWrap: 1 } },
}

function failed(change: Partial<Observed>): [what: string, found: string][] {
  return judge({ ...GOOD, ...change }).flatMap(({ what, found, ok }) => (ok ? [] : [[what, found]]))
}

test('a server on which nothing grows passes', () => {
  expect(failed({})).toEqual([])
})

test('memory that grows does not, however little at a time', () => {
  expect(failed({ samples: samples((at) => ({ heap: 10 * MIB + (at * 3 * MIB) / 59 })) })).toEqual([
    ['growth: heap in use after garbage collection', '3.00 MiB in 59 s'],
  ])
  expect(failed({ samples: samples((at) => ({ rss: 80 * MIB + at * MIB })) })).toEqual([
    ['growth: resident memory', '59.00 MiB in 59 s'],
  ])
})

test('a short run has more room, as its process has not found its size yet', () => {
  const rss = samples((at) => ({ rss: 80 * MIB + (at * MIB) / 2 }))
  expect(failed({ samples: rss })).toEqual([['growth: resident memory', '29.50 MiB in 59 s']])
  expect(failed({ samples: rss, settling: 59 })).toEqual([])
})

test('what grows at the beginning does not count, nor do bursts', () => {
  const heap = (at: number) => (at < 60 ? at * MIB : at % 10 === 0 ? 300 * MIB : 60 * MIB)
  expect(failed({ samples: samples((at) => ({ heap: heap(at) })) })).toEqual([])
})

test('without a sample after garbage collection nothing is known', () => {
  const without = samples().map(({ heap: _, ...sample }) => sample)
  expect(failed({ samples: without }).map(([what]) => what)).toEqual([
    'growth: heap in use after garbage collection',
    'growth: resident memory',
  ])
})

test('handles may come and go with connections, but not pile up', () => {
  const more = (at: number, kind: string) => ({ handles: { TCPSocketWrap: 50 + (at % 7), [kind]: at } })
  const sockets = samples((at) => ({ handles: { TCPSocketWrap: 50 + at } }))
  expect(failed({ samples: sockets }).map(([what]) => what)).toEqual(['growth: sockets beyond the open connections'])
  expect(failed({ samples: samples((at) => more(at, 'Timeout')) })).toEqual([['growth: timers', '59.0 in 59 s']])
  expect(failed({ samples: samples((at) => more(at, 'FSReqCallback')) })).toEqual([
    ['growth: other handles', '59.0 in 59 s'],
  ])
})

test.each([
  ['lost', 'messages lost'],
  ['corrupted', 'messages corrupted'],
  ['unexpected', 'ends and answers that were not the ones due'],
  ['unreported', 'connections whose end was not reported'],
])('%s', (key, what) => {
  expect(failed({ [key]: 1 })).toEqual([[what, '1']])
})

test('what is left when all clients are gone', () => {
  expect(failed({ after: { ...STATE, connections: 2 } })).toEqual([['connections when all clients were gone', '2']])
  expect(failed({ after: { ...STATE, handles: { ...STATE.handles, Timeout: 1 } } })).toEqual([
    ['handles when all clients were gone', '1 PipeWrap, 1 TCPServerWrap, 1 Timeout'],
  ])
  expect(failed({ after: { ...STATE, heap: 15 * MIB } })).toEqual([
    ['heap in use when all clients were gone', '5.00 MiB'],
  ])
  expect(failed({ closed: STATE })).toEqual([['handles of the closed server', '1']])
})
