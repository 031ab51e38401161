/** The report as pictures: for each kind of figure an SVG, with a panel for each scenario and a row for each server. */
import { type ContestantName, LIMITS } from './contestants.ts'
import { type Figure, KINDS, type Kind, type KindName } from './figures.ts'
import type { Report, ScenarioResult, ServerResult } from './report.ts'
import { ENOUGH } from './stats.ts'
import { bytes, count, format } from './table.ts'

const PANEL = 460
const GAP = 40
const MARGIN = 24
const WIDTH = 2 * (MARGIN + PANEL) + GAP
const TOP = 88
const LINE = 17
const HEADING = 40
const ROW = 26
const BELOW = 30
/** Where bars begin in a panel, and the room for them; the rest is for names and figures. */
const START = 126
const ROOM = 240

const STYLE = `
.hw-bars { font: 14px system-ui, -apple-system, 'Segoe UI', sans-serif }
.hw-bars .back { fill: #fff } .hw-bars text { fill: #1f2328 } .hw-bars .quiet { fill: #59636e }
.hw-bars .title { font-size: 20px; font-weight: 600 } .hw-bars .heading, .hw-bars .own { font-weight: 600 }
.hw-bars .grid { stroke: #d1d9e0 } .hw-bars .whisker { stroke: #1f2328; stroke-width: 1.4; fill: none }
.hw-bars .peer { fill: #afb8c1 } .hw-bars .own-bar { fill: #0969da } .hw-bars .node-bar { fill: #80ccff }
.hw-bars .limit { fill: none; stroke: #818b98; stroke-dasharray: 4 3 }
.hw-bars .span { stroke: #afb8c1; stroke-width: 3 } .hw-bars .p99 { fill: #bc4c00 } .hw-bars .p999 { fill: #cf222e } .hw-bars .p50 { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
.hw-bars .back { fill: #0d1117 } .hw-bars text { fill: #f0f6fc } .hw-bars .quiet { fill: #9198a1 }
.hw-bars .grid { stroke: #2a313c } .hw-bars .whisker { stroke: #f0f6fc }
.hw-bars .peer { fill: #4d5661 } .hw-bars .own-bar { fill: #4493f8 } .hw-bars .node-bar { fill: #1f5c9e }
.hw-bars .limit { stroke: #8b949e }
.hw-bars .span { stroke: #4d5661 } .hw-bars .p99 { fill: #f0883e } .hw-bars .p999 { fill: #ff7b72 } .hw-bars .p50 { fill: #3fb950 }
}
`

const SAYS: Record<KindName, string> = {
  throughput: 'per second of server CPU time; longer is better',
  latency: 'time to an answer, counted from when the message was due; the figures are p99',
  memory: 'resident memory of the server for each connection that does nothing; shorter is better',
  storm: 'until all are open; shorter is better',
}

/** @returns the pictures by name, of those kinds of which something was measured. */
export function drawCharts(report: Report): Map<KindName, string> {
  const charts = new Map<KindName, string>()
  for (const [name, kind] of Object.entries(KINDS) as [KindName, Kind][]) {
    const scenarios = report.scenarios.filter(({ mode, results }) => kind.modes.includes(mode) && results.length > 0)
    if (scenarios.length > 0) charts.set(name, draw(name, kind, scenarios))
  }
  return charts
}

function draw(name: KindName, kind: Kind, scenarios: readonly ScenarioResult[]): string {
  const columns = Math.min(2, scenarios.length)
  const width = columns === 2 ? WIDTH : 2 * MARGIN + PANEL
  const span = scenarios.some(({ rounds }) => rounds < ENOUGH)
    ? 'from the lowest to the highest round'
    : '95\u00a0% intervals'
  const says = lines(name === 'latency' ? `${SAYS[name]}.` : `${SAYS[name]}. Medians; the lines are ${span}.`, width)
  const parts: string[] = []
  // There is room for two lines.
  let top = TOP + LINE * Math.max(0, says.length - 2)
  for (let i = 0; i < scenarios.length; i += columns) {
    const row = scenarios.slice(i, i + columns)
    for (const [column, scenario] of row.entries()) {
      const left = MARGIN + column * (PANEL + GAP)
      const panel = name === 'latency' ? dots(scenario) : bars(kind, scenario)
      parts.push(`<g transform="translate(${left} ${top})">`, ...panel, '</g>')
    }
    top += HEADING + BELOW + ROW * Math.max(...row.map(({ results }) => results.length))
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" class="hw-bars" role="img" aria-labelledby="hw-title hw-desc">`,
    `<title id="hw-title">${escapeXml(kind.title)}</title>`,
    `<desc id="hw-desc">${escapeXml(describe(kind, scenarios))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${width}" height="${top}"/>`,
    `<text class="title" x="${MARGIN}" y="38">${escapeXml(kind.title)}</text>`,
    ...says.map((text, i) => `<text class="quiet" x="${MARGIN}" y="${60 + LINE * i}">${escapeXml(text)}</text>`),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

/** Best first, with what is possible at all at the end. */
function ordered({ main, better }: Kind, { results }: ScenarioResult): ServerResult[] {
  const of = ({ summary }: ServerResult) => summary[main]?.median ?? 0
  const last = ({ server }: ServerResult) => Number(LIMITS.includes(server))
  return results.toSorted((a, b) => last(a) - last(b) || (better === 'more' ? of(b) - of(a) : of(a) - of(b)))
}

function bars(kind: Kind, scenario: ScenarioResult): string[] {
  const rows = ordered(kind, scenario)
  const most = Math.max(...rows.map(({ summary }) => summary[kind.main]?.high ?? 0), Number.MIN_VALUE)
  const x = (value: number): number => START + (Math.max(0, value) / most) * ROOM
  return [
    heading(caption(scenario)),
    ...rows.flatMap(({ server, summary }, i) => {
      const value = summary[kind.main]
      if (value === undefined) return []
      const y = HEADING + i * ROW
      const [low, high, middle] = [x(value.low), x(value.high), y - 4]
      return [
        label(server, y),
        `<rect class="${barClass(server)}" x="${START}" y="${y - 14}" width="${at(x(value.median) - START)}" height="18" rx="2"/>`,
        `<path class="whisker" d="M${at(low)} ${middle - 1}H${at(high)}M${at(low)} ${middle - 5}v8M${at(high)} ${middle - 5}v8"/>`,
        figure(server, format(kind.main, value.median), y),
      ]
    }),
  ]
}

const QUANTILES = ['p50', 'p99', 'p999'] as const satisfies readonly Figure[]
const QUANTILE_NAMES = { p50: 'p50', p99: 'p99', p999: 'p99.9' } as const

/** On an axis of powers of ten. */
function dots(scenario: ScenarioResult): string[] {
  const rows = ordered(KINDS.latency, scenario)
  const all = rows.flatMap(({ summary }) => QUANTILES.map((quantile) => Math.max(1, summary[quantile]?.median ?? 1)))
  const from = Math.floor(Math.log10(Math.min(...all)))
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...all))))
  const x = (value: number): number => START + ((Math.log10(Math.max(1, value)) - from) / (to - from)) * ROOM
  const bottom = HEADING + (rows.length - 1) * ROW + 8
  const powers = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))
  const key = QUANTILES.map((quantile) => `<tspan class="${quantile}" dx="8">●</tspan> ${QUANTILE_NAMES[quantile]}`)
  return [
    heading(caption(scenario)),
    `<text x="${PANEL}" y="14" text-anchor="end">${key.join('')}</text>`,
    ...powers.flatMap((power) => [
      `<path class="grid" d="M${at(x(power))} ${HEADING - 16}V${bottom}"/>`,
      `<text class="quiet" x="${at(x(power))}" y="${bottom + 16}" text-anchor="middle">${short(format('p50', power))}</text>`,
    ]),
    ...rows.flatMap(({ server, summary }, i) => {
      const y = HEADING + i * ROW
      const values = QUANTILES.flatMap((quantile) => {
        const value = summary[quantile]
        return value === undefined ? [] : [{ quantile, x: x(value.median) }]
      })
      const [first, last] = [values[0]?.x ?? START, values.at(-1)?.x ?? START]
      return [
        label(server, y),
        `<path class="span" d="M${at(first)} ${y - 5}H${at(last)}"/>`,
        ...values.map(({ quantile, x }) => `<circle class="${quantile}" cx="${at(x)}" cy="${y - 5}" r="5"/>`),
        figure(server, format('p99', summary.p99?.median ?? 0), y),
      ]
    }),
  ]
}

function barClass(server: ContestantName): string {
  if (server === 'heartwire') return 'own-bar'
  if (server === 'heartwire-node') return 'node-bar'
  return LIMITS.includes(server) ? 'limit' : 'peer'
}

/** What happens in a scenario. */
function caption({ mode, payload, inFlight, connections, type, handler, rate }: ScenarioResult): string {
  const many = `${connections.toLocaleString('en')} connections`
  switch (mode) {
    case 'echo': {
      const what = `Echo ${short(bytes(payload))} ${type}, ${inFlight} in flight`
      return handler === 'sync' ? `${what}, ${many}` : `${what}, ${handler}, ${many}`
    }
    case 'publish':
      return `Publish ${short(bytes(payload))} to ${connections.toLocaleString('en')}`
    case 'handshake':
      return `Handshakes, ${inFlight} at a time`
    case 'latency':
      return `Echo ${short(bytes(payload))}, ${short(count(rate ?? 0))} a second, ${many}`
    default:
      return many
  }
}

/** Without the zeros behind the point: 64 B, 1.5 KiB. */
function short(text: string): string {
  return text.replace(/\.?0+(?= |$)/, (zeros, at: number) =>
    text.slice(0, at + zeros.length).includes('.') ? '' : zeros,
  )
}

function heading(text: string): string {
  return `<text class="heading" x="0" y="14">${escapeXml(text)}</text>`
}

function label(server: ContestantName, y: number): string {
  const own = server === 'heartwire' ? ' class="own"' : ''
  return `<text${own} x="${START - 10}" y="${y}" text-anchor="end">${escapeXml(LABELS[server] ?? server)}</text>`
}

const LABELS: Partial<Record<ContestantName, string>> = { net: 'node:net echo', tcp: 'C echo', uws: 'uWebSockets.js' }

function figure(server: ContestantName, text: string, y: number): string {
  const own = server === 'heartwire' ? ' class="own"' : ''
  return `<text${own} x="${PANEL}" y="${y}" text-anchor="end">${escapeXml(text)}</text>`
}

/** For those who cannot see it. */
function describe(kind: Kind, scenarios: readonly ScenarioResult[]): string {
  return scenarios
    .map((scenario) => {
      const rows = ordered(kind, scenario).map(
        ({ server, summary }) => `${server} ${format(kind.main, summary[kind.main]?.median ?? 0)}`,
      )
      return `${caption(scenario)}: ${rows.join(', ')}.`
    })
    .join(' ')
}

/** A sentence in lines that fit, by a rough width of letters. */
function lines(text: string, width: number): string[] {
  const found: string[] = []
  for (const word of text.split(' ')) {
    const last = found.at(-1)
    if (last !== undefined && (last.length + word.length) * 7.2 < width - 2 * MARGIN)
      found[found.length - 1] = `${last} ${word}`
    else found.push(word)
  }
  return found
}

/** A coordinate: a tenth of a unit is more than can be seen. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
