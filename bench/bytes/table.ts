import type { Sums } from './measure.ts'
import type { Class } from './snapshot.ts'

/** Bytes for each connection below which a class goes with the rest. */
const LEAST = 4

/** Both as Markdown. */
export function bytesTables(sums: Sums, classes: readonly [name: string, each: Class][]): string {
  return `${sumsTable(sums)}\n${classesTable(classes)}`
}

function sumsTable({ rss, heapUsed, arrayBuffers, malloc }: Sums): string {
  const rest = rss - heapUsed - arrayBuffers - (malloc ?? 0)
  return table(
    '| for each connection | bytes |',
    '| --- | ---: |',
    [
      ['live JavaScript objects', heapUsed],
      ['ArrayBuffers, outside of the heap', arrayBuffers],
      ...(malloc === undefined ? [] : ([['C and C++: the heap of the C library', malloc]] as [string, number][])),
      ['the rest: what V8 keeps free in its heap, mostly', rest],
      ['resident memory (RSS)', rss],
    ].map(([what, bytes]) => `| ${what} | ${whole(bytes as number)} |`),
  )
}

function classesTable(classes: readonly [name: string, each: Class][]): string {
  const shown = classes.filter(([, { bytes }]) => bytes >= LEAST)
  const all = sum(classes)
  const rest = all - sum(shown)
  return table(
    '| class | objects for each connection | bytes of one | bytes for each connection |',
    '| --- | ---: | ---: | ---: |',
    [
      ...shown.map(
        ([name, { count, bytes }]) =>
          `| \`${name}\` | ${count.toFixed(2)} | ${count > 0 ? whole(bytes / count) : ''} | ${whole(bytes)} |`,
      ),
      `| everything else | | | ${whole(rest)} |`,
      `| all | | | ${whole(all)} |`,
    ],
  )
}

function table(head: string, line: string, rows: readonly string[]): string {
  return `${[head, line, ...rows].join('\n')}\n`
}

function sum(classes: readonly [name: string, each: Class][]): number {
  return classes.reduce((total, [, { bytes }]) => total + bytes, 0)
}

function whole(bytes: number): string {
  return Math.round(bytes).toLocaleString('en')
}
