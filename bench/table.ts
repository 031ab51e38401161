/** The report for people: a heading and a table of each kind, for the terminal or as Markdown. */
import type { ContestantName } from './contestants.ts'
import { type Figure, KINDS, type Kind } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Report, ScenarioResult, ServerResult } from './report.ts'
import { ENOUGH, type Estimate, isLevel, type Spread } from './stats.ts'

/** Below this share of idle time the load generator may have been what limited the figure. */
const SATURATED = 0.05

/** Above this share of time that the server had to wait for its core, a result is not one of a quiet machine. */
const DISTURBED = 0.05

const HEADINGS: Record<Figure, string> = {
  perCpuSecond: 'per CPU second',
  perSecond: 'per second',
  perConnection: 'per connection',
  openAfterSecond: 'open after 1 s',
  untilAll: 'all open after',
  p50: 'p50',
  p99: 'p99',
  p999: 'p99.9',
  cpu: 'CPU',
  wait: 'wait',
  rss: 'RSS',
  loadIdle: 'load idle',
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

const FORMATS: Record<Figure, (value: number) => string> = {
  perCpuSecond: count,
  perSecond: count,
  perConnection: bytes,
  openAfterSecond: (value) => value.toFixed(0),
  untilAll: (seconds) => duration(seconds * 1e6),
  p50: duration,
  p99: duration,
  p999: duration,
  cpu: percent,
  wait: percent,
  rss: bytes,
  loadIdle: percent,
}

/** What the figures depend on, a line each. */
export function heading(report: Report): string[] {
  const { machine, settings, pinning, load, versions, missing } = report
  const rounds = `${settings.rounds} paired round${settings.rounds === 1 ? '' : 's'}`
  return [
    machineLine(machine),
    versionsLine(versions),
    `${rounds} of ${settings.seconds} s, ${settings.warmup} s of warm-up for each process, ${report.date}`,
    pinning === null
      ? 'processes not pinned to cores'
      : `server on core ${pinning.server}, load generator on core ${pinning.load}`,
    `load generator: ${load.generator}${load.why === undefined ? '' : ` (${load.why})`}`,
    ...missing.map(({ server, why }) => `without ${server}: ${why}`),
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
  const few = report.scenarios.some(({ rounds }) => rounds < ENOUGH)
  const lines = [
    `Medians over the rounds. "${report.subjects[0]} to it" is the median of the paired ratios of the first figure, ${report.subjects[0]}'s ` +
      `divided by that of the server in this row, with ${few ? 'the lowest and the highest round' : 'its 95 % interval'}; ` +
      '"level" when 1 lies within.',
    'CPU: how busy the server was. Wait: how long other processes kept it from its core. Load idle: what the load generator had to spare.',
    'The unit is messages, for publish deliveries, for handshake a handshake with its close, for storm a connection.',
  ]
  const results = report.scenarios.flatMap((scenario) => scenario.results)
  if (results.some(saturated)) lines.push('* The load generator had no time to spare: a floor.')
  const disturbed = results.filter(({ summary }) => (summary.wait?.median ?? 0) > DISTURBED).length
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

export function terminalTables(report: Report): string {
  const tables = eachKind(report, (kind, scenarios) => [
    kind.title,
    '',
    ...terminalLines(columns(kind, report), rows(kind, scenarios, report)),
    '',
  ])
  return [...heading(report), '', ...tables, ...legend(report), ''].join('\n')
}

export function markdownTables(report: Report): string {
  const tables = eachKind(report, (kind, scenarios) => [
    `**${kind.title}**`,
    '',
    ...markdownLines(columns(kind, report), rows(kind, scenarios, report)),
    '',
  ])
  return [
    ...heading(report).map((text) => `- ${text}`),
    '',
    ...tables,
    ...legend(report).map((text) => `- ${text.replace(/^\*/, '\\*')}`),
    '',
  ].join('\n')
}

function eachKind(report: Report, lines: (kind: Kind, scenarios: ScenarioResult[]) => string[]): string[] {
  return Object.values<Kind>(KINDS).flatMap((kind) => {
    const scenarios = report.scenarios.filter(({ mode }) => kind.modes.includes(mode))
    return scenarios.length === 0 ? [] : lines(kind, scenarios)
  })
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

function columns(kind: Kind, { subjects }: Report): string[] {
  const [main, ...others] = [kind.main, ...kind.columns].map((figure) => HEADINGS[figure])
  return ['scenario', 'server', main ?? '', ...subjects.map((subject) => `${subject} to it`), ...others]
}

function rows(kind: Kind, scenarios: readonly ScenarioResult[], report: Report): string[][] {
  const width = columns(kind, report).length
  return scenarios.flatMap((scenario) => {
    const lines = [
      ...scenario.results.map((result) => [result.server, ...cells(kind, result, report.subjects)]),
      ...scenario.failures.map(({ server }) => [server, 'failed', ...Array<string>(width - 3).fill('')]),
    ]
    return lines.map((line, i) => [i === 0 ? titleOf(scenario) : '', ...line])
  })
}

/** The name of a scenario, and what it does not say. */
function titleOf({ name, mode, connections, rate }: ScenarioResult): string {
  if (mode === 'latency') return `${name} (${connections} conns, ${count(rate ?? 0)}/s)`
  return mode === 'handshake' || name.endsWith(`/${connections}`) ? name : `${name} (${connections} conns)`
}

function cells(kind: Kind, { server, summary, ratios }: ServerResult, subjects: readonly ContestantName[]): string[] {
  const star = saturated({ summary }) ? '*' : ''
  const cell = (figure: Figure): string => {
    const value = summary[figure]
    if (value === undefined) return ''
    return format(figure, value.median) + (figure === 'perSecond' || figure === 'untilAll' ? star : '')
  }
  return [
    cell(kind.main),
    ...subjects.map((subject) => {
      const ratio = ratios[subject]?.[kind.main]
      return subject === server || ratio === undefined ? '' : ratioText(ratio)
    }),
    ...kind.columns.map(cell),
  ]
}

export function format(figure: Figure, value: number): string {
  return FORMATS[figure](value)
}

/** 1.52 (1.41–1.60), or what cannot be told from 1: level (0.94–1.03). */
export function ratioText(ratio: Estimate): string {
  return `${isLevel(ratio) ? 'level' : digits(ratio.median)} (${digits(ratio.low)}–${digits(ratio.high)})`
}

function saturated({ summary }: Pick<ServerResult, 'summary'>): boolean {
  return summary.loadIdle !== undefined && summary.loadIdle.median < SATURATED
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
