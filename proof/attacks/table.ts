import { describeMachine } from '../../bench/machine.ts'
import { heartwireVersion } from '../support/version.ts'
import type { AttackReport } from './attackers.ts'
import type { Phase, Result } from './measure.ts'
import { FULL, MIB, type Plan, written } from './scenario.ts'

/** What the figures depend on, in a line. */
export function describeRun({ scale, seconds }: Plan): string {
  const { cpu, cores, kernel, arch } = describeMachine()
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpu}, ${cores} cores, ${kernel} ${arch}`
  const run = scale === FULL.scale && seconds === FULL.seconds ? '' : `; scale ${scale}, ${seconds} s`
  return `Measured on ${date}: ${machine}; heartwire ${heartwireVersion()}, Node.js ${process.versions.node}${run}.`
}

const COLUMNS = [
  'attack',
  'what the attackers got',
  'memory, MiB: before, peak, after',
  'CPU of the server, % of a core: before, during (attackers)',
  'event-loop delay, ms: p99 before, p99 during, max',
  'p99 of the others, ms: before, during',
]

/** One row a scenario, to be pasted into a document. */
export function markdownTable(results: readonly Result[]): string {
  const rows = results.map((result) => row(result).map((cell) => cell.replaceAll('|', '\\|')))
  return [COLUMNS, COLUMNS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function row(result: Result): string[] {
  const { name, title, limits, before, during, attack, failures } = result
  const given = limits === '' ? [] : [`with \`${limits}\``]
  const failed = failures.length > 0 ? ' **Failed.**' : ''
  return [
    `\`${name}\`: ${[title, ...rates(attack), ...given].join('; ')}.${failed}`,
    outcomes(attack.outcomes),
    memory(result),
    `${percent(before.server.cpu)}, ${percent(during.server.cpu)} (${percent(attack.cpu)})`,
    [before.server.loopDelay.p99, during.server.loopDelay.p99, during.server.loopDelay.max]
      .map(milliseconds)
      .join(', '),
    [before.clients.echo.p99, during.clients.echo.p99].map(milliseconds).join(', '),
  ]
}

/** What was done, in a second. */
function rates({ done, seconds }: AttackReport): string[] {
  const rate = (count: number) => written(Math.round(count / seconds))
  return Object.entries(done).map(([what, count]) => `${rate(count)} ${what} a second`)
}

/** In MiB. */
function memory({ before, during, after }: Result): string {
  return [before.server.rss, during.server.peakRss, after.server.rss]
    .map((bytes) => (bytes / MIB).toFixed(0))
    .join(', ')
}

/** What happened so many times: `5,000 × 408`. */
export function outcomes(counts: Record<string, number>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return entries.map(([what, count]) => `${written(count)} × ${what}`).join(', ')
}

/** A scenario in lines, for the terminal. */
export function describeResult(result: Result): string {
  const { name, title, limits, before, during, after, attack, clients, mayHold, failures } = result
  const three = (figure: (phase: Phase) => number, show: (value: number) => string) =>
    [before, during, after].map((phase) => show(figure(phase))).join(', ')
  const lines = [
    `${failures.length === 0 ? 'ok    ' : 'FAILED'} ${name}: ${title}`,
    `server: defaults${limits === '' ? '' : ` and ${limits}`}`,
    `attack: ${[...rates(attack), `${attack.seconds.toFixed(1)} s`].join(', ')}; CPU ${percent(attack.cpu)} %`,
    `attackers got: ${outcomes(attack.outcomes)}`,
    `server counted: ${outcomes({ ...after.server.closed, ...after.server.refused }) || 'nothing'}; ${after.server.logged} lines logged`,
    `memory: ${memory(result)} MiB before, peak, after; the attackers may hold ${(mayHold / MIB).toFixed(0)} MiB`,
    `CPU of the server: ${three(({ server }) => server.cpu, percent)} % before, during, after`,
    `event-loop delay: p99 ${three(({ server }) => server.loopDelay.p99, milliseconds)} ms before, during, after; max ${three(({ server }) => server.loopDelay.max, milliseconds)} ms`,
    `${clients.clients} other clients: echo p99 ${three(({ clients }) => clients.echo.p99, milliseconds)} ms; max ${three(({ clients }) => clients.echo.max, milliseconds)} ms`,
    `  ${clients.echoed} of ${clients.sent} messages echoed, ${clients.newsReceived} of ${clients.newsDue} published ones received, p99 ${three(({ clients }) => clients.news.p99, milliseconds)} ms`,
    ...failures.map((failure) => `does not hold: ${failure}`),
  ]
  return `${lines.join('\n       ')}\n`
}

function percent(share: number): string {
  return (share * 100).toFixed(0)
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}
