import { describe, expect, test } from 'vitest'
import { CONTESTANTS } from '../../bench/contestants.ts'
import { SCENARIOS, select, takesPart, timesAsLong } from '../../bench/scenarios.ts'

const names = (pattern: string) => select(pattern).map(({ name }) => name)

test('every scenario has a name of its own, and ten are usual', () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length)
  expect(SCENARIOS.filter(({ usual }) => usual).map(({ name }) => name)).toEqual([
    ...['64B/1/binary/sync', '64B/32/text/sync', '64B/32/binary/sync', '64KiB/4/binary/sync', '1MiB/1/binary/sync'],
    ...['publish/64B/1000', 'handshake/64', 'latency/64B', 'idle/10000', 'storm/10000'],
  ])
  expect(SCENARIOS.find(({ name }) => name === '64KiB/32/text/async')).toEqual({
    name: '64KiB/32/text/async',
    mode: 'echo',
    payload: 65_536,
    inFlight: 32,
    connections: 10,
    type: 'text',
    handler: 'async',
    usual: false,
  })
})

describe('select', () => {
  test('a whole name is that one scenario', () => {
    expect(names('64B/1/binary/sync')).toEqual(['64B/1/binary/sync'])
  })

  test('the beginning of a name is all that begin so, segment by segment', () => {
    expect(names('64B')).toHaveLength(18)
    expect(names('64KiB/32/text')).toEqual(['64KiB/32/text/sync', '64KiB/32/text/async', '64KiB/32/text/timer'])
    expect(names('64')).toEqual([])
    expect(names('publish')).toEqual(['publish/64B/1000', 'publish/64B/15000'])
  })

  test('a star is any segment', () => {
    expect(names('*/1/binary/sync')).toEqual(
      ['16B', '64B', '1KiB', '64KiB', '1MiB'].map((size) => `${size}/1/binary/sync`),
    )
  })

  test('several patterns, in any case, in the order of the matrix', () => {
    expect(names('HANDSHAKE, 64b/32/text/sync')).toEqual(['64B/32/text/sync', 'handshake/64'])
  })

  test('more segments than a name has are no match', () => {
    expect(names('64B/1/binary/sync/more')).toEqual([])
  })
})

test('who can do what: nobody awaits in Go, and the limits know no types', () => {
  const takers = (name: string) => {
    const [scenario] = select(name)
    return CONTESTANTS.filter((one) => scenario !== undefined && takesPart(one, scenario))
  }
  expect(takers('64B/1/binary/sync')).toEqual(CONTESTANTS)
  expect(takers('64B/1/text/sync')).toEqual(CONTESTANTS.filter((name) => name !== 'net' && name !== 'tcp'))
  const javaScript = ['heartwire', 'heartwire-node', 'ws', 'bun', 'deno', 'websocket', 'faye-websocket', 'uws']
  expect(takers('64B/1/binary/async')).toEqual(javaScript)
  expect(takers('64B/1/binary/timer')).toEqual(javaScript)
  expect(takers('storm')).toEqual(CONTESTANTS)
})

test('what takes long to go round once is measured longer', () => {
  const long = SCENARIOS.filter(({ mode }) => mode === 'echo' || mode === 'publish').filter(
    (one) => timesAsLong(one) > 1,
  )
  expect(new Set(long.map(({ name }) => name.replace(/\/(text|binary)\/.*/, '')))).toEqual(
    new Set(['64KiB/32', '1MiB/4', '1MiB/32', 'connections/10000', 'publish/64B/15000']),
  )
})
