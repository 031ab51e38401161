/** The result for people. */
import { bytes, count } from '../../bench/table.ts'
import type { End } from './plan.ts'
import type { Resources } from './resources.ts'
import type { Row } from './tally.ts'

const COLUMNS = [
  'fault',
  'connections',
  'causes at the client',
  'causes at the server',
  'messages',
  'found dead',
  'p50',
  'p99',
  'max',
  'max, own',
]
/** Columns of words, which begin at the left. */
const WORDS = new Set([0, 2, 3])

export function faultTable(rows: readonly Row[]): string {
  const table = [COLUMNS, ...rows.map(cells)]
  const widths = COLUMNS.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        WORDS.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const excused = rows.reduce((sum, row) => sum + row.excused, 0)
  return [
    ...lines,
    '',
    ...(excused === 0
      ? []
      : [`Excused: ${excused} connections that were given up because a process did nothing for half of the timeout.`]),
    'Found dead: in milliseconds from when bytes began to vanish; own: from the last sign of life, without what the stalls\nof the process that found it can have added.',
    '',
  ].join('\n')
}

function cells({ fault, connections, causes, messages, detection: { after, own } }: Row): string[] {
  const found = after.count === 0 ? ['', '', '', '', ''] : [after.count, after.p50, after.p99, after.max, own.max]
  return [
    fault,
    String(connections),
    causesInWords(causes.client),
    causesInWords(causes.server),
    count(messages),
    ...found.map((value) => (typeof value === 'number' ? value.toFixed(0) : value)),
  ]
}

function causesInWords(causes: Readonly<Record<string, number>>): string {
  return Object.entries(causes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([cause, times]) => `${cause} ${times}`)
    .join(', ')
}

/** What a process held before and after, in one line. */
export function resourceLine(end: End, before: Resources, after: Resources): string {
  const handles = (one: Resources) => Object.values(one.active).reduce((sum, each) => sum + each, 0)
  const memory = (key: 'heap' | 'buffers' | 'rss') => `${bytes(before[key])} to ${bytes(after[key])}`
  return (
    `${end}: handles ${handles(before)} to ${handles(after)}, timers ${before.timers} to ${after.timers}, ` +
    `heap ${memory('heap')}, buffers ${memory('buffers')}, resident ${memory('rss')}\n`
  )
}
