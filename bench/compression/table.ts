/** The report for people: a heading, a table of the echo and one of memory, for the terminal or as Markdown. */
import {
  bytes,
  count,
  digits,
  duration,
  machineLine,
  markdownLines,
  terminalLines,
  times,
  versionsLine,
} from '../table.ts'
import { HELD } from './contestants.ts'
import type { EchoResult, Report } from './report.ts'

const ECHO = [
  'messages',
  'server',
  'per CPU second',
  'to ws',
  'per second',
  'CPU',
  'wait',
  'p50',
  'p99',
  'bytes in',
  'bytes out',
  'ratio',
]
const MEMORY = ['mode', 'server', 'per connection', 'to ws']

/** Above this share of time that the server had to wait for its core, a result is not one of a quiet machine. */
const DISTURBED = 0.05

export function terminalReport(report: Report): string {
  return [
    ...heading(report),
    '',
    ...terminalLines(ECHO, echoRows(report)),
    '',
    ...(report.memory.length > 0 ? [...terminalLines(MEMORY, memoryRows(report)), ''] : []),
    ...legend(report),
    '',
  ].join('\n')
}

export function markdownReport(report: Report): string {
  return [
    ...heading(report).map((text) => `- ${text}`),
    '',
    ...markdownLines(ECHO, echoRows(report)),
    '',
    ...(report.memory.length > 0 ? [...markdownLines(MEMORY, memoryRows(report)), ''] : []),
    ...legend(report).flatMap((text) => [text, '']),
  ].join('\n')
}

function heading({ machine, versions, settings, pinning, date, skipped }: Report): string[] {
  const { rounds, memoryRounds, amount, seed, connections, held } = settings
  const plural = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
  return [
    machineLine(machine),
    versionsLine(versions),
    `${plural(rounds, 'interleaved round')} with ${plural(connections, 'connection')}, ${amount} times the usual number of messages, seed ${seed}, ${date}`,
    ...(memoryRounds > 0 ? [`memory: ${plural(memoryRounds, 'round')} with ${plural(held, 'connection')}`] : []),
    pinning === null
      ? 'processes not pinned to cores'
      : `server on core ${pinning.server}, load generator on core ${pinning.load}`,
    ...skipped.map(({ name, why }) => `without ${name}: ${why}`),
  ]
}

function legend(report: Report): string[] {
  const results = report.echo.flatMap((part) => part.results)
  const agreed = new Map([...results, ...report.memory].map((result) => [result.name, result.agreed]))
  const disturbed = results.filter(({ summary }) => summary.wait.median > DISTURBED).length
  const some = results.filter(({ mode, summary }) => mode !== 'off' && summary.compressed.median < 0.995)
  return [
    'Medians over the rounds; "to ws" is the median of the paired ratios to ws in the same mode (lowest–highest round).',
    'Bytes in and out are on the wire per message, from and to the client; ratio is message bytes per byte out.',
    'CPU: how busy the server was, all threads. Wait: how long other processes kept it from its core.',
    ...(report.memory.length > 0
      ? [
          `Memory is resident, per connection that has exchanged ${HELD.messages} messages of ${bytes(HELD.bytes)}, after garbage collection.`,
        ]
      : []),
    ...[...agreed].filter(([, answer]) => answer !== '').map(([name, answer]) => `${name} answered: ${answer}`),
    ...some.map(
      (result) => `${result.name} compressed only ${percent(result.summary.compressed.median)} of its answers.`,
    ),
    ...(disturbed > 0
      ? [
          `Other processes disturbed ${disturbed} of ${results.length} results (wait above 5 %): the machine was not quiet.`,
        ]
      : []),
    ...report.failures.map(({ part, name, error }) => `${part} failed on ${name}: ${error}`),
  ]
}

function echoRows(report: Report): string[][] {
  return report.echo.flatMap(({ size, results }) =>
    results.map((result, i) => [i === 0 ? size.label : '', ...echoCells(result)]),
  )
}

function echoCells({ name, summary, toWs }: EchoResult): string[] {
  return [
    name,
    count(summary.perCpuSecond.median),
    toWs === undefined ? '' : times(toWs),
    count(summary.perSecond.median),
    percent(summary.cpu.median),
    percent(summary.wait.median),
    duration(summary.p50.median),
    duration(summary.p99.median),
    summary.toServer.median.toFixed(0),
    summary.toClient.median.toFixed(0),
    digits(summary.ratio.median),
  ]
}

function memoryRows({ memory }: Report): string[][] {
  return memory.map(({ mode, name, summary, toWs }, i) => [
    mode === memory[i - 1]?.mode ? '' : mode,
    name,
    bytes(summary.median),
    toWs === undefined ? '' : times(toWs),
  ])
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
