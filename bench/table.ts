/** The report for people: a heading and one table, for the terminal or as Markdown. */
import type { Machine } from './machine.ts'
import type { Report, ScenarioResult, ServerResult } from './report.ts'
import type { Spread } from './stats.ts'

/** Below this share of idle time the load generator may have been what limited the figure. */
const SATURATED = 0.05

/** Above this share of time that the server had to wait for its core, a result is not one of a quiet machine. */
const DISTURBED = 0.05

const COLUMNS = [
  'scenario',
  'server',
  'per second',
  'ratio',
  'per CPU second',
  'ratio',
  'CPU',
  'wait',
  'RSS',
  'p50',
  'p99',
]

/** What the figures depend on, a line each. */
export function heading(report: Report): string[] {
  const { machine, settings, pinning, load, versions } = report
  const rounds = `${settings.rounds} paired round${settings.rounds === 1 ? '' : 's'}`
  return [
    machineLine(machine),
    versionsLine(versions),
    `${rounds} of ${settings.seconds} s after ${settings.warmup} s of warm-up, ${report.date}`,
    pinning === null
      ? 'processes not pinned to cores'
      : `server on core ${pinning.server}, load generator on core ${pinning.load}`,
    `load generator: ${load.generator}${load.why === undefined ? '' : ` (${load.why})`}`,
    ...report.remarks,
  ]
}

export function machineLine({ cpu, cores, memory, kernel, arch, load }: Machine): string {
  return `${cpu}, ${cores} cores, ${bytes(memory)}, ${kernel} ${arch}, load average ${load.toFixed(2)}`
}

export function versionsLine(versions: Record<string, string>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** What the columns mean and what went wrong, a line each. */
export function legend(report: Report): string[] {
  const lines = [
    `Medians over the rounds; a ratio is the median of the paired ratios to ${report.baseline} (lowest–highest round).`,
    'CPU: how busy the server was. Wait: how long other processes kept it from its core.',
    'The unit is messages, for publish deliveries, for handshake a handshake with its close.',
  ]
  if (report.scenarios.some(({ results }) => results.some(saturated))) {
    lines.push('* The load generator had no time to spare: a floor.')
  }
  const results = report.scenarios.flatMap((scenario) => scenario.results)
  const disturbed = results.filter(({ summary }) => summary.wait.median > DISTURBED).length
  if (disturbed > 0) {
    lines.push(
      `Other processes disturbed ${disturbed} of ${results.length} results (wait above 5 %): the machine was not quiet.`,
    )
  }
  const failures = report.scenarios.flatMap(({ name, failures }) =>
    failures.map(({ server, error }) => `${name} failed on ${server}: ${error}`),
  )
  return [...lines, ...failures]
}

export function terminalTable(report: Report): string {
  return [...heading(report), '', ...terminalLines(COLUMNS, rows(report)), '', ...legend(report), ''].join('\n')
}

export function markdownTable(report: Report): string {
  return [
    ...heading(report).map((text) => `- ${text}`),
    '',
    ...markdownLines(COLUMNS, rows(report)),
    '',
    ...legend(report).map((text) => text.replaceAll('*', '\\*')),
    '',
  ].join('\n')
}

/** A table for the terminal. The first two columns are names, the others figures; so it is in Markdown. */
export function terminalLines(columns: readonly string[], rows: readonly string[][]): string[] {
  const table = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...table.map((row) => [...(row[column] ?? '')].length)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => {
        const fill = ' '.repeat((widths[column] ?? 0) - [...cell].length)
        return column < 2 ? cell + fill : fill + cell
      })
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)))
  return lines
}

export function markdownLines(columns: readonly string[], rows: readonly string[][]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns),
    line(columns.map((_, column) => (column < 2 ? '---' : '---:'))),
    ...rows.map((row) => line(row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('*', '\\*')))),
  ]
}

function rows(report: Report): string[][] {
  return report.scenarios.flatMap((scenario) => [
    ...scenario.results.map((result, i) => [i === 0 ? title(scenario) : '', ...cells(result)]),
    ...scenario.failures.map(({ server }, i) => [
      i === 0 && scenario.results.length === 0 ? title(scenario) : '',
      server,
      'failed',
      ...COLUMNS.slice(3).map(() => ''),
    ]),
  ])
}

function title({ name, connections, mode }: ScenarioResult): string {
  return mode === 'echo' ? `${name} (${connections} conns)` : name
}

function cells({ server, summary, ratio }: ServerResult): string[] {
  const star = saturated({ summary }) ? '*' : ''
  return [
    server,
    count(summary.perSecond.median) + star,
    ratio === undefined ? '' : times(ratio.perSecond),
    count(summary.perCpuSecond.median),
    ratio === undefined ? '' : times(ratio.perCpuSecond),
    `${(100 * summary.cpu.median).toFixed(0)} %`,
    `${(100 * summary.wait.median).toFixed(0)} %`,
    bytes(summary.rss.median),
    duration(summary.p50.median),
    duration(summary.p99.median),
  ]
}

function saturated({ summary }: Pick<ServerResult, 'summary'>): boolean {
  return summary.loadIdle.median < SATURATED
}

/** Three digits and a letter: 113 k, 2.71 M. */
export function count(value: number): string {
  const units = ['', ' k', ' M', ' G']
  let scaled = value
  while (scaled >= 999.5 && units.length > 1) {
    scaled /= 1000
    units.shift()
  }
  return digits(scaled) + units[0]
}

/** In units of 1024: 52.1 MiB. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let scaled = value
  while (scaled >= 1000 && units.length > 1) {
    scaled /= 1024
    units.shift()
  }
  return `${digits(scaled)} ${units[0]}`
}

/** From microseconds: 87 µs, 1.2 ms. */
export function duration(microseconds: number): string {
  if (microseconds < 999.5) return `${digits(microseconds)} µs`
  const milliseconds = microseconds / 1e3
  return milliseconds < 999.5 ? `${digits(milliseconds)} ms` : `${digits(milliseconds / 1e3)} s`
}

/** Three digits. */
export function digits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}

/** A ratio with its lowest and highest round: 1.18 (0.82–1.29). */
export function times({ median, min, max }: Spread): string {
  return `${digits(median)} (${digits(min)}–${digits(max)})`
}
