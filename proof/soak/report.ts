/** The report of a soak: as JSON, as Markdown, and as a picture. */
import type { Machine } from '../../bench/machine.ts'
import { bytes, count } from '../../bench/table.ts'
import { plotSvg } from '../support/plot.ts'
import type { ServerState } from './protocol.ts'
import type { Check, Sample } from './verdict.ts'

export interface Report {
  format: 'heartwire-soak/1'
  /** When it began, ISO 8601. */
  date: string
  machine: Machine
  versions: Record<string, string>
  settings: { minutes: number; clients: number; seed: number; settlingSeconds: number }
  ok: boolean
  checks: Check[]
  totals: {
    connections: number
    refused: number
    messages: number
    /** Connections ended, by the cause that the server reported. */
    causes: Record<string, number>
  }
  /** Over all seconds after the first ones: medians, and the worst. */
  summary: Summary
  problems: string[]
  before: ServerState
  after: ServerState
  closed: ServerState
  samples: Sample[]
}

export interface Summary {
  perSecond: number
  p50: number
  p99: number
  worstP99: number
  cpu: number
  rss: number
  connections: number
  /** The latest that the event loop was for a timer, in ms. */
  loopDelay: number
}

export function summarize(samples: readonly Sample[]): Summary {
  const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const p99 = samples.flatMap((sample) => sample.p99 ?? [])
  return {
    perSecond: middle(samples.map((sample) => sample.perSecond)),
    p50: middle(samples.flatMap((sample) => sample.p50 ?? [])),
    p99: middle(p99),
    worstP99: Math.max(0, ...p99),
    cpu: middle(samples.map((sample) => sample.cpu)),
    rss: middle(samples.map((sample) => sample.rss)),
    connections: middle(samples.map((sample) => sample.connections)),
    loopDelay: Math.max(0, ...samples.map((sample) => sample.loopDelay)),
  }
}

export function markdown(report: Report): string {
  const { machine, settings, totals, summary, checks, problems, ok } = report
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  const causes = Object.entries(totals.causes).toSorted(([, a], [, b]) => b - a)
  return [
    `# Soak: ${ok ? 'passed' : 'FAILED'}`,
    '',
    `- ${machine.cpu}, ${machine.cores} cores, ${bytes(machine.memory)}, ${machine.kernel} ${machine.arch}, load average ${machine.load.toFixed(2)}`,
    `- ${versions.join(', ')}; ${report.date}`,
    `- ${settings.minutes} min, ${settings.clients} clients at a time, seed ${settings.seed}; growth counts after ${settings.settlingSeconds} s`,
    '',
    '![Memory, latency and throughput over time](soak.svg)',
    '',
    '| check | found | allowed | |',
    '| --- | ---: | ---: | --- |',
    ...checks.map(
      ({ what, found, allowed, ok }) => `| ${what} | ${found} | ${allowed} | ${ok ? 'ok' : '**failed**'} |`,
    ),
    '',
    '| | |',
    '| --- | ---: |',
    `| connections | ${totals.connections} |`,
    `| handshakes refused, as they should be | ${totals.refused} |`,
    `| messages that arrived at clients | ${totals.messages} |`,
    `| a second, median | ${count(summary.perSecond)} |`,
    `| connections at a time, median | ${summary.connections} |`,
    `| echo p50, median of the seconds | ${ms(summary.p50)} |`,
    `| echo p99, median of the seconds, and worst | ${ms(summary.p99)}, ${ms(summary.worstP99)} |`,
    `| event loop late at most | ${ms(summary.loopDelay)} |`,
    `| server CPU, median | ${(100 * summary.cpu).toFixed(0)} % of a core |`,
    `| server memory (RSS), median | ${bytes(summary.rss)} |`,
    ...causes.map(([cause, count]) => `| ended by ${cause} | ${count} |`),
    ...(problems.length === 0 ? [] : ['', 'What went wrong, the first of it:', '']),
    ...problems.map((problem) => `- ${problem}`),
    '',
  ].join('\n')
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
}

export function picture({ samples, settings, summary, ok }: Report): string {
  const mib = (value: number | undefined) => (value === undefined ? undefined : value / 2 ** 20)
  const title = `Soak: ${settings.minutes} min with ${settings.clients} clients at a time`
  return plotSvg({
    title,
    description: [
      `Three panels over ${settings.minutes} minutes.`,
      `Memory of the server: the median of its resident memory is ${bytes(summary.rss)}.`,
      `Latency of echoes: p50 ${ms(summary.p50)} and p99 ${ms(summary.p99)}, medians of the seconds.`,
      `Throughput: ${count(summary.perSecond)} messages a second.`,
      `The soak was ${ok ? 'passed' : 'failed'}.`,
    ].join(' '),
    times: samples.map(({ at }) => at),
    timeLabel: 'time since the traffic began',
    panels: [
      {
        title: 'Memory',
        unit: 'MiB',
        scale: 'linear',
        series: [
          { name: 'resident', values: samples.map(({ rss }) => mib(rss)) },
          { name: 'external', values: samples.map(({ external }) => mib(external)) },
          // It is smooth, and would be hidden by what goes up and down around it.
          { name: 'heap after GC', values: samples.map(({ heap }) => mib(heap)) },
        ],
      },
      {
        title: 'Echo latency',
        unit: 'ms',
        scale: 'log',
        series: [
          { name: 'p50', values: samples.map(({ p50 }) => p50) },
          { name: 'p99', values: samples.map(({ p99 }) => p99) },
        ],
      },
      {
        title: 'Throughput',
        unit: 'messages/s',
        scale: 'linear',
        series: [{ name: 'arrived at clients', values: samples.map(({ perSecond }) => perSecond) }],
      },
    ],
  })
}
