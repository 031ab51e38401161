/** The command line of the push run. */
import { availableParallelism } from 'node:os'
import { numberOption, readOptions, UsageError } from '../support/program.ts'

export interface Options {
  clients: number
  topics: number
  /** Messages published a second, in all; measured one after the other. */
  rates: number[]
  /** Measured time for each rate. */
  seconds: number
  /** Bytes of a message. */
  payload: number
  /** Without TLS and with it. */
  modes: ('plain' | 'tls')[]
  /** Clients that never read. */
  stuck: number
  overflow: 'close' | 'drop' | 'coalesce'
  processes: number
  json: string | undefined
  markdown: string | undefined
}

/** Clients for one process: it may have 20,000 files open on many machines, and some of those are its own. */
const MOST_CLIENTS = 16_000
/** Processes for the clients, where there are cores for them. Several on one core would be measured, and not the server. */
const MOST_PROCESSES = 4

export const HELP = `Usage: npm run push -- [options]

A push service in figures: clients that have subscribed to one of many topics each, and a server that publishes to all of them.
Latency counts from when a message was due by plan to when the client has read it. The exit code is 1 when anything was missed.

  --clients N        clients in all (default 15000)
  --topics N         topics; the clients are spread over them evenly (default 100)
  --rate LIST        messages published a second, in all, each to clients / topics clients (default 1000); several are
                     measured one after the other
  --seconds N        measured time for each rate (default 20)
  --payload BYTES    of a message (default 64)
  --mode LIST        some of plain, tls (default plain,tls)
  --stuck N          so many of the clients never read (default 0)
  --overflow WHAT    what the server does with a full queue: close, drop or coalesce (default close)
  --processes N      processes for the clients (default one for each core that the server leaves, ${MOST_PROCESSES} at most, and
                     never more than ${MOST_CLIENTS} clients in one)
  --json FILE        also write all figures as JSON
  --markdown FILE    also write the table as Markdown
  --help             print this
`

const NAMES = 'clients topics rate seconds payload mode stuck overflow processes json markdown'.split(' ')

/**
 * @returns the options, or undefined when the help was asked for
 * @throws {UsageError} for anything that is not understood
 */
export function parseOptions(argv: readonly string[]): Options | undefined {
  const given = readOptions(argv, NAMES, ['help'])
  if (given.help) return undefined
  const whole = (name: string, preset: number, min: number, max: number) =>
    numberOption(name, given[name], preset, { min, max, whole: true })
  const clients = whole('clients', 15_000, 1, 1_000_000)
  return {
    clients,
    topics: whole('topics', 100, 1, clients),
    rates: (given.rate ?? '1000').split(',').map((rate) => numberOption('rate', rate, 0, { min: 1, max: 1e6 })),
    seconds: numberOption('seconds', given.seconds, 20, { min: 0.1, max: 3600 }),
    payload: whole('payload', 64, 16, 65_536),
    modes: list('mode', given.mode ?? 'plain,tls', ['plain', 'tls']),
    stuck: whole('stuck', 0, 0, clients - 1),
    overflow: one('overflow', given.overflow ?? 'close', ['close', 'drop', 'coalesce']),
    processes: whole('processes', defaultProcesses(clients), 1, 256),
    json: file('json', given.json),
    markdown: file('markdown', given.markdown),
  }
}

function defaultProcesses(clients: number): number {
  const cores = Math.max(1, Math.min(MOST_PROCESSES, availableParallelism() - 1))
  return Math.max(Math.ceil(clients / MOST_CLIENTS), Math.min(cores, clients))
}

function list<T extends string>(name: string, given: string, known: readonly T[]): T[] {
  return [...new Set(given.split(',').map((word) => one(name, word.trim(), known)))]
}

function one<T extends string>(name: string, given: string, known: readonly T[]): T {
  const found = known.find((word) => word === given)
  if (found === undefined) throw new UsageError(`--${name} takes some of ${known.join(', ')}, not "${given}"`)
  return found
}

function file(name: string, path: string | undefined): string | undefined {
  if (path === '') throw new UsageError(`--${name} takes the name of a file`)
  return path
}
