/** The report of a push run: what is in the JSON, and the table for people. */
import type { Machine } from '../../bench/machine.ts'
import { bytes, count } from '../../bench/table.ts'
import type { Options } from './options.ts'

export interface Report {
  format: 'heartwire-push/1'
  /** When it began, ISO 8601. */
  date: string
  machine: Machine
  versions: Record<string, string>
  settings: Omit<Options, 'json' | 'markdown'>
  results: ModeResult[]
}

/** One server. Memory in bytes. */
export interface ModeResult {
  mode: 'plain' | 'tls'
  connectSeconds: number
  /** CPU seconds of the server for all handshakes. */
  connectCpu: number
  /** Resident memory without a connection, and with all of them, before anything was published. */
  emptyRss: number
  connectedRss: number
  heapPerConnection: number
  externalPerConnection: number
  rates: RateResult[]
  /** At the end. */
  connections: number
  causes: Record<string, number>
  /** Queued for clients that do not read, in all and most for one. */
  stuckBuffered: number
  stuckMost: number
}

/** One rate. Latencies in ms. */
export interface RateResult {
  rate: number
  topics: number
  seconds: number
  payload: number
  published: number
  /** Copies for clients that read, and how many of them came. */
  expected: number
  received: number
  /** Messages that were not the next of their topic. */
  wrong: number
  /** Connections that ended. */
  dead: number
  /** From the first message to the last delivery. */
  tookSeconds: number
  /** How far the server was behind its plan at most, in ms. */
  late: number
  p50: number
  p99: number
  longest: number
  /** Cores that the server's process kept busy. */
  cpu: number
  /** Microseconds of CPU time of the server's process. */
  cpuPerDelivery: number
  rss: number
  /** Share of the time (0 to 1) in which the busiest load process waited. */
  loadIdle: number
}

/** Whether nothing was missed: what has to hold, however slow the machine. */
export function isComplete({ results }: Report): boolean {
  return results.every(({ rates }) =>
    rates.every(({ expected, received, wrong, dead }) => expected === received && wrong === 0 && dead === 0),
  )
}

/** Whether the rate was held: the last message arrived within a second of the plan's end. */
function isHeld({ tookSeconds, seconds }: RateResult): boolean {
  return tookSeconds <= seconds + 1
}

/** Below this share of idle time the clients may have been what limited a figure. */
const SATURATED = 0.05

const COLUMNS = [
  '',
  'published/s',
  'deliveries/s',
  'held',
  'missed',
  'p50',
  'p99',
  'max',
  'server CPU',
  'CPU a delivery',
  'RSS',
]

export function markdown(report: Report): string {
  const { machine, settings, results } = report
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  const readers = `${settings.clients} clients, each subscribed to one of ${settings.topics} topics`
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    `- ${machine.cpu}, ${machine.cores} cores, ${bytes(machine.memory)}, ${machine.kernel} ${machine.arch}, load average ${machine.load.toFixed(2)}`,
    `- ${versions.join(', ')}; ${report.date}`,
    `- ${readers}: a message goes to ${Number((settings.clients / settings.topics).toFixed(1))} of them; ${settings.payload} bytes a message, ${settings.seconds} s for each rate`,
    ...(settings.stuck === 0 ? [] : [`- ${settings.stuck} of the clients never read; overflow: ${settings.overflow}`]),
    '',
    line(['', 'to connect', 'handshakes/s', 'CPU a handshake', 'RSS, empty', 'RSS, connected', 'a connection']),
    line(['---', ...Array<string>(6).fill('---:')]),
    ...results.map((result) => line(connectCells(result, settings.clients))),
    '',
    line(COLUMNS),
    line(['---', ...Array<string>(COLUMNS.length - 1).fill('---:')]),
    ...results.flatMap(({ mode, rates }) => rates.map((rate) => line(rateCells(mode, rate)))),
    '',
    'Latency counts from when a message was due by plan to when a client has read it. Held: the last delivery came within',
    'a second of the end of the plan. An asterisk: the clients had no time to spare, so the server might have done more.',
    ...results.flatMap(({ mode, stuckBuffered, stuckMost, causes }) =>
      settings.stuck === 0
        ? []
        : [
            '',
            `${mode}: for the clients that do not read ${bytes(stuckBuffered)} were queued at the end, at most ${bytes(stuckMost)} for one. Connections ended meanwhile: ${JSON.stringify(causes)}.`,
          ],
    ),
    '',
  ].join('\n')
}

function connectCells(
  { mode, connectSeconds, connectCpu, emptyRss, connectedRss }: ModeResult,
  clients: number,
): string[] {
  return [
    mode,
    `${connectSeconds.toFixed(1)} s`,
    count(clients / connectSeconds),
    `${((connectCpu / clients) * 1e3).toFixed(2)} ms`,
    bytes(emptyRss),
    bytes(connectedRss),
    bytes((connectedRss - emptyRss) / clients),
  ]
}

function rateCells(mode: string, result: RateResult): string[] {
  return [
    mode,
    count(result.rate),
    count(result.received / result.tookSeconds) + (result.loadIdle < SATURATED ? '\\*' : ''),
    isHeld(result) ? 'yes' : 'no',
    String(result.expected - result.received),
    ms(result.p50),
    ms(result.p99),
    ms(result.longest),
    `${result.cpu.toFixed(2)} cores`,
    `${result.cpuPerDelivery.toFixed(1)} µs`,
    bytes(result.rss),
  ]
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
}
