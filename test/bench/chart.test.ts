import { expect, test } from 'vitest'
import { drawCharts } from '../../bench/chart.ts'
import type { ContestantName } from '../../bench/contestants.ts'
import type { Figure } from '../../bench/figures.ts'
import type { Report, ScenarioResult } from '../../bench/report.ts'
import { select } from '../../bench/scenarios.ts'
import type { Estimate } from '../../bench/stats.ts'

type Row = readonly [ContestantName, Partial<Record<Figure, Estimate>>]

function scenario(name: string, rows: readonly Row[]): ScenarioResult {
  const [found] = select(name)
  if (found === undefined) throw new Error(`no scenario ${name}`)
  const results = rows.map(([server, summary]) => ({ server, summary, samples: [], ratios: {} }))
  return { ...found, rounds: 15, rate: 48_000, results, failures: [] }
}

function report(...scenarios: ScenarioResult[]): Report {
  return {
    format: 'heartwire-bench/2',
    date: '',
    machine: { cpu: '', cores: 2, memory: 0, kernel: '', arch: '', load: 0 },
    versions: {},
    load: { generator: 'wsload' },
    pinning: null,
    settings: { rounds: 15, seconds: 1, warmup: 1 },
    subjects: ['heartwire'],
    missing: [],
    scenarios,
    remarks: [],
  }
}

const flat = (median: number): Estimate => ({ median, low: median, high: median })

/** The texts of a picture, in order, without its style. */
const texts = (svg: string | undefined) =>
  [...(svg ?? '').matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => text)

test('bars: the best first, what is possible at all last, in proportion, with their intervals', () => {
  const charts = drawCharts(
    report(
      scenario('64B/32/binary/sync', [
        ['ws', { perCpuSecond: flat(100_000) }],
        ['tcp', { perCpuSecond: flat(400_000) }],
        ['heartwire', { perCpuSecond: { median: 200_000, low: 150_000, high: 300_000 } }],
      ]),
    ),
  )
  expect([...charts.keys()]).toEqual(['throughput'])
  const svg = charts.get('throughput') ?? ''
  expect(texts(svg)).toEqual([
    'Throughput',
    ...['per second of server CPU time; longer is better. Medians; the', 'lines are 95\u00a0% intervals.'],
    'Echo 64 B binary, 32 in flight, 100 connections',
    ...['heartwire', '200 k', 'ws', '100 k', 'C echo', '400 k'],
  ])
  expect(
    [...svg.matchAll(/<rect class="([a-z-]+)" x="126" y="\d+" width="([\d.]+)"/g)].map(([, ...bar]) => bar),
  ).toEqual([
    ['own-bar', '120'],
    ['peer', '60'],
    ['limit', '240'],
  ])
  expect(svg).toContain('d="M216 35H306M216 31v8M306 31v8"')
  expect(svg).toContain(
    '<desc id="hw-desc">Echo 64 B binary, 32 in flight, 100 connections: heartwire 200 k, ws 100 k, tcp 400 k.</desc>',
  )
})

test('latencies lie on an axis of powers of ten', () => {
  const svg = drawCharts(
    report(scenario('latency/64B', [['ws', { p50: flat(100), p99: flat(1000), p999: flat(10_000) }]])),
  ).get('latency')
  expect(texts(svg).slice(3)).toEqual([
    'Echo 64 B, 48 k a second, 100 connections',
    '<tspan class="p50" dx="8">●</tspan> p50<tspan class="p99" dx="8">●</tspan> p99<tspan class="p999" dx="8">●</tspan> p99.9',
    ...['100 µs', '1 ms', '10 ms', 'ws', '1.00 ms'],
  ])
  expect([...(svg ?? '').matchAll(/cx="([\d.]+)"/g)].map(([, x]) => Number(x))).toEqual([126, 246, 366])
})

test('a picture for each kind that was measured, for both colour schemes, and well-formed', () => {
  const charts = drawCharts(
    report(
      scenario('idle', [['heartwire', { perConnection: flat(700) }]]),
      scenario('storm', [['heartwire', { untilAll: flat(0.8) }]]),
      scenario('publish', [['heartwire', { perCpuSecond: flat(1) }]]),
      scenario('handshake', [['uws', { perCpuSecond: flat(0) }]]),
      scenario('64B/1/text/timer', []),
    ),
  )
  expect([...charts.keys()]).toEqual(['throughput', 'memory', 'storm'])
  expect(texts(charts.get('throughput')).filter((text) => /^[A-Z]\w+,? /.test(text ?? ''))).toEqual([
    'Publish 64 B to 1,000',
    'Handshakes, 64 at a time',
  ])
  for (const svg of charts.values()) {
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  }
})
