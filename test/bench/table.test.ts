import { describe, expect, test } from 'vitest'
import type { Report, ServerResult } from '../../bench/report.ts'
import type { Spread } from '../../bench/stats.ts'
import { bytes, count, duration, markdownTable, terminalTable } from '../../bench/table.ts'

const flat = (value: number): Spread => ({ median: value, min: value, max: value, q1: value, q3: value })

function result(server: 'ws' | 'heartwire', perSecond: number, ratio?: ServerResult['ratio']): ServerResult {
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
      loadIdle: flat(server === 'ws' ? 0.6 : 0.01),
    },
    ...(ratio && { ratio }),
  }
}

const twice: Spread = { median: 2, min: 1.9, max: 2.25, q1: 1.95, q3: 2.1 }

const report: Report = {
  format: 'heartwire-bench/1',
  date: '2026-01-02T03:04:05.678Z',
  machine: { cpu: 'A CPU', cores: 2, memory: 2 ** 34, kernel: 'Linux 6.1', arch: 'x64', load: 0.1 },
  versions: { node: '20.20.0', ws: '8.23.0' },
  load: { generator: 'ts', why: 'there is no C compiler for wsload' },
  pinning: { server: 0, load: 1 },
  settings: { rounds: 5, seconds: 1, warmup: 0.5 },
  baseline: 'ws',
  remarks: ['a remark'],
  scenarios: [
    {
      name: '64B/1/text/sync',
      mode: 'echo',
      payload: 64,
      inFlight: 1,
      connections: 100,
      type: 'text',
      handler: 'sync',
      unit: 'messages',
      results: [result('ws', 113_000), result('heartwire', 226_000, { perSecond: twice, perCpuSecond: flat(2.5) })],
      failures: [{ server: 'tcp', error: 'it was not there' }],
    },
  ],
}

test('the table for the terminal', () => {
  expect(terminalTable(report).split('\n')).toEqual([
    'A CPU, 2 cores, 16.0 GiB, Linux 6.1 x64, load average 0.10',
    'node 20.20.0, ws 8.23.0',
    '5 paired rounds of 1 s after 0.5 s of warm-up, 2026-01-02T03:04:05.678Z',
    'server on core 0, load generator on core 1',
    'load generator: ts (there is no C compiler for wsload)',
    'a remark',
    '',
    'scenario                     server     per second             ratio  per CPU second             ratio   CPU  wait       RSS      p50      p99',
    '-'.repeat(142),
    '64B/1/text/sync (100 conns)  ws              113 k                             226 k                    50 %   1 %  64.0 MiB  87.0 µs  1.23 ms',
    '                             heartwire      226 k*  2.00 (1.90–2.25)           452 k  2.50 (2.50–2.50)  50 %   1 %  64.0 MiB  87.0 µs  1.23 ms',
    '                             tcp            failed',
    '',
    'Medians over the rounds; a ratio is the median of the paired ratios to ws (lowest–highest round).',
    'CPU: how busy the server was. Wait: how long other processes kept it from its core.',
    'The unit is messages, for publish deliveries, for handshake a handshake with its close.',
    '* The load generator had no time to spare: a floor.',
    '64B/1/text/sync failed on tcp: it was not there',
    '',
  ])
})

test('the table as Markdown', () => {
  const lines = markdownTable(report).split('\n')
  expect(lines.slice(5, 12)).toEqual([
    '- a remark',
    '',
    '| scenario | server | per second | ratio | per CPU second | ratio | CPU | wait | RSS | p50 | p99 |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| 64B/1/text/sync (100 conns) | ws | 113 k |  | 226 k |  | 50 % | 1 % | 64.0 MiB | 87.0 µs | 1.23 ms |',
    '|  | heartwire | 226 k\\* | 2.00 (1.90–2.25) | 452 k | 2.50 (2.50–2.50) | 50 % | 1 % | 64.0 MiB | 87.0 µs | 1.23 ms |',
    '|  | tcp | failed |  |  |  |  |  |  |  |  |',
  ])
})

test('a machine that was busy with other things is mentioned', () => {
  const [scenario] = report.scenarios
  const busy = result('ws', 1000)
  busy.summary.wait = flat(0.3)
  const scenarios = scenario ? [{ ...scenario, results: [busy, result('heartwire', 1000)] }] : []
  expect(terminalTable({ ...report, scenarios })).toContain(
    'Other processes disturbed 1 of 2 results (wait above 5 %): the machine was not quiet.\n',
  )
})

test('processes that are not pinned, and one round', () => {
  const text = terminalTable({ ...report, pinning: null, settings: { rounds: 1, seconds: 1, warmup: 0 } })
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
