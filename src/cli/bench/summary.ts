import type { Style } from '../terminal.ts'
import type { ErrorCount } from './errors.ts'
import type { Latency } from './histogram.ts'
import type { Direction, Report } from './report.ts'
import { count, many, percent, size, time } from './units.ts'

const STAGES = { open: 'not opened', lost: 'lost', message: 'messages' } as const

/** The report for people. */
export function summary(report: Report, style: Style): string {
  const { connections, sent, received, errors, client } = report
  const line = (name: string, text: string) => `${style.bold(name.padEnd(13))}${text}`
  const lines = [
    `${headline(report)}`,
    '',
    line(
      'connections',
      `${count(connections.opened)} opened, ${count(connections.failed)} failed, ${count(connections.lost)} lost`,
    ),
    ...(report.handshake === null ? [] : [line('handshake', distribution(report.handshake))]),
    ...(report.mode === 'listen' ? [] : [line('sent', directionInWords(sent))]),
    line('received', directionInWords(received)),
    ...(report.latency === null ? [] : [line('latency', distribution(report.latency))]),
    line('load client', clientInWords(report)),
    line('errors', errors.total === 0 ? 'none' : style.red(count(errors.total))),
    ...errors.kinds.map((kind) => `  ${errorInWords(kind, style)}`),
  ]
  if (client.bottleneck) lines.push('', style.yellow(bottleneck(report)))
  return `${lines.join('\n')}\n`
}

function headline({ urls, mode, load, seconds, interrupted }: Report): string {
  const where = urls.length === 1 ? urls[0] : `${urls.length} URLs`
  const what = `${size(load.size)} ${load.type}${load.compress ? ', compressed' : ''}`
  const pace =
    load.rate === null ? `${count(load.inFlight ?? 1)} in flight` : `${load.rate.toLocaleString('en')} a second`
  const messages = mode === 'listen' ? 'listening' : `${what}, ${pace}`
  const how = `${many(load.connections, 'connection')}, ${messages}`
  return `${where}: ${how}, ${seconds.toFixed(1)} s${interrupted ? ' (interrupted)' : ''}`
}

function distribution({ p50, p75, p90, p99, p999, max }: Latency): string {
  const all = { p50, p75, p90, p99, 'p99.9': p999, max }
  return Object.entries(all)
    .map(([name, value]) => `${name} ${time(value)}`)
    .join('  ')
}

function directionInWords({
  messages,
  bytes,
  messagesPerSecond,
  messagesPerMinute,
  bytesPerSecond,
}: Direction): string {
  const rates = `${count(messagesPerSecond)}/s, ${count(messagesPerMinute)}/min`
  return `${many(messages, 'message')} (${rates}), ${size(bytes)} (${size(bytesPerSecond)}/s)`
}

function clientInWords({ client, load }: Report): string {
  const busy = `event loop ${percent(client.utilization)} busy, ${client.cpu.toFixed(2)} cores, ${size(client.memory)}`
  const late =
    client.lateness === null
      ? ''
      : `, messages late by p50 ${time(client.lateness.p50)}, p99 ${time(client.lateness.p99)}`
  return `${busy}${late}${load.processes === 1 ? '' : `, ${load.processes} processes`}`
}

function errorInWords({ stage, kind, count: number, example }: ErrorCount, style: Style): string {
  return `${count(number)} ${STAGES[stage]}: ${kind}  ${style.dim(example)}`
}

function bottleneck({ client, load }: Report): string {
  const why =
    client.lateness !== null && client.lateness.p99 > 5
      ? `one message in a hundred was sent ${time(client.lateness.p99)} late or more`
      : `its event loop was busy for ${percent(client.utilization)} of the time`
  return `The load client was the bottleneck: ${why}. The server may do more than this; try --processes ${load.processes + 1}.`
}
