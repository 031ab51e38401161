import { describe, expect, test } from 'vitest'
import { CONTESTANTS, SIZES } from '../../../bench/compression/contestants.ts'
import { HELP, type Options, parseOptions } from '../../../bench/compression/options.ts'
import { UsageError } from '../../../bench/options.ts'

function options(...argv: string[]): Options {
  const parsed = parseOptions(argv)
  if ('print' in parsed) throw new Error(`printed: ${parsed.print}`)
  return parsed
}

test('defaults', () => {
  expect(options()).toEqual({
    rounds: 5,
    memoryRounds: 3,
    amount: 1,
    seed: 1,
    connections: 100,
    held: 5000,
    sizes: SIZES,
    contestants: CONTESTANTS,
    json: undefined,
    markdown: undefined,
  })
  expect(parseOptions(['--help'])).toEqual({ print: HELP })
})

test('servers with and without a mode, sizes', () => {
  const given = options('--servers', 'heartwire/shared,ws', '--sizes', '64KiB,200B', '--quick', '--held', '7')
  expect(given.contestants.map(({ name }) => name)).toEqual(['ws/takeover', 'ws/shared', 'heartwire/shared', 'ws/off'])
  expect(given.sizes.map(({ label }) => label)).toEqual(['200B', '64KiB'])
  expect(given).toMatchObject({ rounds: 1, memoryRounds: 1, amount: 0.1, held: 7 })
})

describe('one sentence for what is not understood', () => {
  test.each([
    [['--rounds', '0'], '--rounds takes a whole number from 1 to 1000, not "0"'],
    [['--sizes', '1KiB'], '--sizes takes some of 200B, 2KiB, 64KiB, not "1KiB"'],
    [
      ['--servers', 'ws/on'],
      '--servers takes some of ws, ws/takeover, faye-websocket, faye-websocket/takeover, bun, bun/takeover, heartwire, ' +
        'heartwire/takeover, ws/shared, faye-websocket/shared, bun/shared, heartwire/shared, ws/off, faye-websocket/off, ' +
        'bun/off, heartwire/off, not "ws/on"',
    ],
    [['--fast'], "Unknown option '--fast'; --help lists the options"],
  ])('%j', (argv, message) => {
    expect(() => parseOptions(argv)).toThrow(new UsageError(message))
  })
})
