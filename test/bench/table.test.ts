import { describe, expect, test } from 'vitest'
import type { ContestantName } from '../../bench/contestants.ts'
import type { Report, ScenarioResult, ServerResult } from '../../bench/report.ts'
import type { Estimate } from '../../bench/stats.ts'
import { bytes, count, duration, markdownTables, ratioText, terminalTables } from '../../bench/table.ts'

const flat = (value: number): Estimate => ({ median: value, low: value, high: value })

function result(server: ContestantName, perSecond: number, ratio?: Estimate): ServerResult {
  return {
    server,
    samples: [],
    summary: {
      perSecond: flat(perSecond),
      perCpuSecond: flat(2 * perSecond),
      cpu: flat(0.5),
      wait: flat(0.01),
      rss: flat(64 * 1024 * 1024),
      p50: flat(87),
      p99: flat(1234),
      p999: flat(5678),
      loadIdle: flat(server === 'ws' ? 0.6 : 0.01),
    },
    ratios: ratio === undefined ? {} : { heartwire: { perCpuSecond: ratio } },
  }
}

const echo: ScenarioResult = {
  name: '64B/1/text/sync',
  mode: 'echo',
  payload: 64,
  inFlight: 1,
  connections: 100,
  type: 'text',
  handler: 'sync',
  usual: false,
  rounds: 15,
  results: [result('heartwire', 226_000), result('ws', 113_000, { median: 2, low: 1.9, high: 2.25 })],
  failures: [{ server: 'deno', error: 'it was not there' }],
}

const idle: ScenarioResult = {
  ...echo,
  name: 'idle/10000',
  mode: 'idle',
  connections: 10_000,
  results: [
    {
      server: 'heartwire',
      samples: [],
      summary: { perConnection: flat(700), rss: flat(2 ** 26) },
      ratios: {},
    },
  ],
  failures: [],
}

const report: Report = {
  format: 'heartwire-bench/2',
  date: '2026-01-02T03:04:05.678Z',
  machine: { cpu: 'A CPU', cores: 2, memory: 2 ** 34, kernel: 'Linux 6.1', arch: 'x64', load: 0.1 },
  versions: { node: '20.20.0', ws: '8.23.0' },
  load: { generator: 'ts', why: 'there is no C compiler for wsload' },
  pinning: { server: 0, load: 1 },
  settings: { rounds: 15, seconds: 1, warmup: 0.5 },
  subjects: ['heartwire'],
  missing: [{ server: 'bun', why: 'there is no program "bun"' }],
  remarks: ['a remark'],
  scenarios: [echo, idle],
}

test('the tables for the terminal', () => {
  expect(terminalTables(report).split('\n')).toEqual([
    'A CPU, 2 cores, 16.0 GiB, Linux 6.1 x64, load average 0.10',
    'node 20.20.0, ws 8.23.0',
    '15 paired rounds of 1 s, 0.5 s of warm-up for each process, 2026-01-02T03:04:05.678Z',
    'server on core 0, load generator on core 1',
    'load generator: ts (there is no C compiler for wsload)',
    'without bun: there is no program "bun"',
    'a remark',
    '',
    'Throughput',
    '',
    'scenario                     server     per CPU second   heartwire to it  per second      p50      p99   CPU  wait       RSS  load idle',
    '-'.repeat(135),
    '64B/1/text/sync (100 conns)  heartwire           452 k                        226 k*  87.0 µs  1.23 ms  50 %   1 %  64.0 MiB        1 %',
    '                             ws                  226 k  2.00 (1.90–2.25)       113 k  87.0 µs  1.23 ms  50 %   1 %  64.0 MiB       60 %',
    '                             deno               failed',
    '',
    'Memory of an idle connection',
    '',
    'scenario    server     per connection  heartwire to it       RSS',
    '-'.repeat(64),
    'idle/10000  heartwire           700 B                   64.0 MiB',
    '',
    'Medians over the rounds. "heartwire to it" is the median of the paired ratios of the first figure, heartwire\'s divided by that of the server in this row, with its 95 % interval; "level" when 1 lies within.',
    'CPU: how busy the server was. Wait: how long other processes kept it from its core. Load idle: what the load generator had to spare.',
    'The unit is messages, for publish deliveries, for handshake a handshake with its close, for storm a connection.',
    '* The load generator had no time to spare: a floor.',
    '64B/1/text/sync failed on deno: it was not there',
    '',
  ])
})

test('the tables as Markdown', () => {
  const lines = markdownTables(report).split('\n')
  expect(lines.slice(6, 20)).toEqual([
    '- a remark',
    '',
    '**Throughput**',
    '',
    '| scenario | server | per CPU second | heartwire to it | per second | p50 | p99 | CPU | wait | RSS | load idle |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| 64B/1/text/sync (100 conns) | heartwire | 452 k |  | 226 k\\* | 87.0 µs | 1.23 ms | 50 % | 1 % | 64.0 MiB | 1 % |',
    '|  | ws | 226 k | 2.00 (1.90–2.25) | 113 k | 87.0 µs | 1.23 ms | 50 % | 1 % | 64.0 MiB | 60 % |',
    '|  | deno | failed |  |  |  |  |  |  |  |  |',
    '',
    '**Memory of an idle connection**',
    '',
    '| scenario | server | per connection | heartwire to it | RSS |',
    '| --- | --- | ---: | ---: | ---: |',
  ])
})

test('a ratio whose interval contains 1 is level', () => {
  expect(ratioText({ median: 1.04, low: 0.97, high: 1.1 })).toBe('level (0.97–1.10)')
  expect(ratioText({ median: 0.5, low: 0.4, high: 0.6 })).toBe('0.50 (0.40–0.60)')
})

test('the latencies say at which rate, and few rounds that there is no interval', () => {
  const latency: ScenarioResult = {
    ...echo,
    name: 'latency/64B',
    mode: 'latency',
    rate: 48_000,
    rounds: 3,
    failures: [],
  }
  const text = terminalTables({ ...report, scenarios: [latency] })
  expect(text).toContain('latency/64B (100 conns, 48.0 k/s)  heartwire  1.23 ms')
  expect(text).toContain('with the lowest and the highest round;')
})

test('a machine that was busy with other things is mentioned', () => {
  const busy = result('ws', 1000)
  busy.summary.wait = flat(0.3)
  const scenarios = [{ ...echo, results: [busy, result('heartwire', 1000)] }]
  expect(terminalTables({ ...report, scenarios })).toContain(
    'Other processes disturbed 1 of 2 results (wait above 5 %): the machine was not quiet.\n',
  )
})

test('processes that are not pinned, and one round', () => {
  const text = terminalTables({ ...report, pinning: null, settings: { rounds: 1, seconds: 1, warmup: 0 } })
  expect(text).toContain('processes not pinned to cores')
  expect(text).toContain('1 paired round of 1 s')
})

describe('figures have three digits', () => {
  test.each([
    [0, '0.00'],
    [9.994, '9.99'],
    [9.996, '10.0'],
    [999.4, '999'],
    [999.6, '1.00 k'],
    [113_400, '113 k'],
    [2_710_000, '2.71 M'],
    [5e12, '5000 G'],
  ])('count(%d) is %s', (value, text) => expect(count(value)).toBe(text))

  test.each([
    [512, '512 B'],
    [1000, '0.98 KiB'],
    [65_536, '64.0 KiB'],
    [52.1 * 2 ** 20, '52.1 MiB'],
    [2 ** 34, '16.0 GiB'],
  ])('bytes(%d) is %s', (value, text) => expect(bytes(value)).toBe(text))

  test.each([
    [87, '87.0 µs'],
    [999.6, '1.00 ms'],
    [1234, '1.23 ms'],
    [2_500_000, '2.50 s'],
  ])('duration(%d) is %s', (value, text) => expect(duration(value)).toBe(text))
})
