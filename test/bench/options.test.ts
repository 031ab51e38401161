import { describe, expect, test } from 'vitest'
import { CONTESTANTS } from '../../bench/contestants.ts'
import { HELP, type Options, parseOptions, UsageError } from '../../bench/options.ts'
import { SCENARIOS } from '../../bench/scenarios.ts'

function options(...argv: string[]): Options {
  const parsed = parseOptions(argv)
  if ('print' in parsed) throw new Error(`printed: ${parsed.print}`)
  return parsed
}

test('defaults', () => {
  expect(options()).toEqual({
    rounds: 15,
    seconds: 0.3,
    warmup: 1,
    scenarios: SCENARIOS.filter(({ usual }) => usual),
    servers: CONTESTANTS,
    serversAsked: false,
    uws: undefined,
    rate: undefined,
    load: undefined,
    json: undefined,
    markdown: undefined,
    charts: undefined,
  })
})

test('--quick is one short round, and what is named beside it counts', () => {
  expect(options('--quick')).toMatchObject({ rounds: 1, seconds: 0.2, warmup: 0.1 })
  expect(options('--quick', '--only', 'storm').scenarios[0]?.connections).toBe(1000)
  expect(options('--quick', '--rounds', '3', '--seconds', '0.5')).toMatchObject({ rounds: 3, seconds: 0.5 })
})

test('everything given', () => {
  const given = options(
    ...['--rounds', '7', '--warmup', '0', '--only', '64B/1/binary/sync', '--servers', 'heartwire,ws,heartwire'],
    ...['--load', 'ts', '--json', 'a.json', '--markdown', 'b.md', '--charts', 'c', '--uws', 'd', '--rate', '100'],
  )
  expect(given).toMatchObject({ rounds: 7, warmup: 0, servers: ['heartwire', 'ws'], serversAsked: true, load: 'ts' })
  expect(given).toMatchObject({ json: 'a.json', markdown: 'b.md', charts: 'c', uws: 'd', rate: 100 })
  expect(given.scenarios.map(({ name }) => name)).toEqual(['64B/1/binary/sync'])
})

test('--all is everything', () => {
  expect(options('--all').scenarios).toEqual(SCENARIOS)
})

test('--help and --list print', () => {
  expect(parseOptions(['--help'])).toEqual({ print: HELP })
  const list = parseOptions(['--list'])
  expect('print' in list && list.print.split('\n').length).toBe(SCENARIOS.length + 1)
  expect('print' in list && list.print).toContain('\n64B/1/binary/sync *\n64B/1/binary/async\n')
})

describe('one sentence for what is not understood', () => {
  test.each([
    [['--rounds', '0'], '--rounds takes a whole number from 1 to 1000, not "0"'],
    [['--rounds', '1.5'], '--rounds takes a whole number from 1 to 1000, not "1.5"'],
    [['--rounds', ''], '--rounds takes a whole number from 1 to 1000, not ""'],
    [['--seconds', 'long'], '--seconds takes a number from 0.05 to 3600, not "long"'],
    [['--only', '65B'], 'no scenario is called "65B"; --list prints their names'],
    [['--servers', 'ws,socket.io'], `--servers takes some of ${CONTESTANTS.join(', ')}, not "socket.io"`],
    [['--only', '64B', '--all'], '--only and --all exclude each other'],
    [['--rate', '0'], '--rate takes a whole number from 1 to 10000000, not "0"'],
    [['--load', 'wrk'], '--load takes wsload or ts, not "wrk"'],
    [['--json', ''], '--json takes the name of a file'],
    [['--fast'], "Unknown option '--fast'; --help lists the options"],
    [['64B'], "Unexpected argument '64B'; --help lists the options"],
  ])('%j', (argv, message) => {
    expect(() => parseOptions(argv)).toThrow(new UsageError(message))
  })
})
