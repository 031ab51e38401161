/** The command line of the soak. */
import { numberOption, readOptions, UsageError } from '../support/program.ts'

export interface Options {
  minutes: number
  clients: number
  seed: number
  /** The folder of the report; undefined for its usual place. */
  out: string | undefined
  /** Bytes that the server keeps of every connection on purpose. */
  leak: number
}

export const HELP = `Usage: npm run soak -- [options]

Keeps a heartwire server under mixed traffic, with clients that come and go all the time, and watches it once a second.
The exit code is 1 when memory or handles grew, a message was lost or changed, or a connection ended as it should not.

  --minutes N    how long (default 10, at most a day)
  --clients N    clients at a time (default 200)
  --seed N       what they do depends on it (default by chance, and printed)
  --out DIR      where report.md, report.json and soak.svg go (default build/soak)
  --leak BYTES   the server keeps so much of every connection, to see that it is found (default 0)
  --help         print this
`

/**
 * @returns the options, or undefined when the help was asked for
 * @throws {UsageError} for anything that is not understood
 */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const given = readOptions(argv, ['minutes', 'clients', 'seed', 'out', 'leak'], ['help'])
  if (given.help) return undefined
  if (given.out === '') throw new UsageError('--out takes the name of a folder')
  return {
    minutes: numberOption('minutes', given.minutes, 10, { min: 0.05, max: 1440 }),
    clients: numberOption('clients', given.clients, 200, { min: 1, max: 10_000, whole: true }),
    seed: numberOption('seed', given.seed, Math.floor(Math.random() * 2 ** 32), {
      min: 0,
      max: 2 ** 32 - 1,
      whole: true,
    }),
    out: given.out,
    leak: numberOption('leak', given.leak, 0, { min: 0, max: 1e6, whole: true }),
  }
}
