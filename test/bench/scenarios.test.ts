import { describe, expect, test } from 'vitest'
import { SCENARIOS, select, takesPart } from '../../bench/scenarios.ts'

const names = (pattern: string) => select(pattern).map(({ name }) => name)

test('the matrix: three sizes, two depths, two types, two handlers, and publish and handshake', () => {
  expect(SCENARIOS).toHaveLength(26)
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(26)
  expect(SCENARIOS.find(({ name }) => name === '1MiB/32/text/async')).toEqual({
    name: '1MiB/32/text/async',
    mode: 'echo',
    payload: 1_048_576,
    inFlight: 32,
    connections: 10,
    type: 'text',
    handler: 'async',
    unit: 'messages',
  })
})

describe('select', () => {
  test('a whole name is that one scenario', () => {
    expect(names('64B/1/binary/sync')).toEqual(['64B/1/binary/sync'])
  })

  test('the beginning of a name is all that begin so, segment by segment', () => {
    expect(names('64B')).toHaveLength(8)
    expect(names('64KiB/32/text')).toEqual(['64KiB/32/text/sync', '64KiB/32/text/async'])
    expect(names('64')).toEqual([])
    expect(names('publish')).toEqual(['publish/64B/1000'])
  })

  test('a star is any segment', () => {
    expect(names('*/1/binary/sync')).toEqual(['64B/1/binary/sync', '64KiB/1/binary/sync', '1MiB/1/binary/sync'])
  })

  test('several patterns, in any case, in the order of the matrix', () => {
    expect(names('HANDSHAKE, 64b/32/text/sync')).toEqual(['64B/32/text/sync', 'handshake/64'])
  })

  test('more segments than a name has are no match', () => {
    expect(names('64B/1/binary/sync/more')).toEqual([])
  })
})

test('the TCP echo runs once for each size and depth, and for publish', () => {
  expect(SCENARIOS.filter((scenario) => takesPart('tcp', scenario)).map(({ name }) => name)).toEqual([
    '64B/1/binary/sync',
    '64B/32/binary/sync',
    '64KiB/1/binary/sync',
    '64KiB/32/binary/sync',
    '1MiB/1/binary/sync',
    '1MiB/32/binary/sync',
    'publish/64B/1000',
  ])
  expect(SCENARIOS.every((scenario) => takesPart('ws', scenario) && takesPart('heartwire', scenario))).toBe(true)
})
