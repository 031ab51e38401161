/** The command line of the benchmark. */
import { parseArgs } from 'node:util'
import { CONTESTANTS, type ContestantName } from './contestants.ts'
import { SCENARIOS, type Scenario, select } from './scenarios.ts'

/** Something wrong with what was asked for: one sentence for the terminal, exit code 2, no stack. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface Options {
  rounds: number
  /** Measured time of a run, in seconds. */
  seconds: number
  /** Load on a process that was started, before it is measured, in seconds. */
  warmup: number
  scenarios: Scenario[]
  servers: ContestantName[]
  /** Servers were named on the command line, so that one that is not there is an error and not a remark. */
  serversAsked: boolean
  /** Where uWebSockets.js is. */
  uws: string | undefined
  /** Messages a second of the latency scenario; `undefined` for half of what the slowest server can do. */
  rate: number | undefined
  /** `undefined`: `wsload` when it can be built, else `ts`. */
  load: 'wsload' | 'ts' | undefined
  /** Where the JSON report goes; `undefined` for its place beside the built benchmark. */
  json: string | undefined
  /** Where the Markdown tables go, if anywhere. */
  markdown: string | undefined
  /** The directory that the charts go to; `undefined` for beside the JSON report's usual place. */
  charts: string | undefined
}

export const HELP = `Usage: npm run bench -- [options]

Measures heartwire beside other WebSocket servers, each in a process of its own, in paired rounds.

  --rounds N         paired rounds of every scenario (default 15; a third of them for memory and storms)
  --seconds S        measured time of a run (default 0.3)
  --warmup S         load on each process before it is measured (default 1)
  --only PATTERN     scenarios by name, or the beginning of a name: 64B, 64B/32/text/sync, */32, publish,handshake
  --all              all scenarios, not only the usual ones
  --servers LIST     some of ${CONTESTANTS.join(', ')}
                     (default all that are there)
  --uws DIR          where uWebSockets.js is, which is not on npm
  --rate N           messages a second of the latency scenario (default half of what the slowest server can do)
  --load KIND        load generator: wsload (C) or ts (default wsload when a C compiler is there)
  --json FILE        where to write the report as JSON (default build/bench/report.json)
  --markdown FILE    also write the tables as Markdown
  --charts DIR       where to write the charts as SVG (default build/bench/charts)
  --quick            1 round, 0.2 s, 1,000 connections at most: does everything run? The figures mean little
  --list             print the names of the scenarios, the usual ones with a star
  --help             print this
`

/** Connections with `--quick`. */
const QUICK = 1000

/**
 * @returns the options, or the text to print instead of measuring.
 * @throws {UsageError} for anything that is not understood.
 */
export function parseOptions(argv: readonly string[]): Options | { print: string } {
  const values = read(argv)
  if (values.help) return { print: HELP }
  if (values.list) return { print: SCENARIOS.map(({ name, usual }) => `${name}${usual ? ' *' : ''}\n`).join('') }
  const quick = values.quick ?? false
  return {
    rounds: number('--rounds', values.rounds, quick ? 1 : 15, { min: 1, max: 1000, whole: true }),
    seconds: number('--seconds', values.seconds, quick ? 0.2 : 0.3, { min: 0.05, max: 3600, whole: false }),
    warmup: number('--warmup', values.warmup, quick ? 0.1 : 1, { min: 0, max: 3600, whole: false }),
    scenarios: scenarios(values.only, values.all ?? false).map((scenario) =>
      quick ? { ...scenario, connections: Math.min(scenario.connections, QUICK) } : scenario,
    ),
    servers: servers(values.servers),
    serversAsked: values.servers !== undefined,
    uws: file('--uws', values.uws),
    rate: values.rate === undefined ? undefined : number('--rate', values.rate, 0, { min: 1, max: 1e7, whole: true }),
    load: load(values.load),
    json: file('--json', values.json),
    markdown: file('--markdown', values.markdown),
    charts: file('--charts', values.charts),
  }
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegatives(argv),
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        only: { type: 'string' },
        servers: { type: 'string' },
        uws: { type: 'string' },
        rate: { type: 'string' },
        load: { type: 'string' },
        json: { type: 'string' },
        markdown: { type: 'string' },
        charts: { type: 'string' },
        all: { type: 'boolean' },
        quick: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node's explanation of how to pass such a value all the same is of no use here.
    throw new UsageError(`${message.split(/\.\s|\n/)[0]}; --help lists the options`)
  }
}

/** The arguments with `--name -1` as `--name=-1`: a negative number is no option, which Node would take it for. */
export function joinNegatives(argv: readonly string[]): string[] {
  const joined: string[] = []
  for (const argument of argv) {
    const last = joined.at(-1)
    if (/^-[\d.]/.test(argument) && last !== undefined && /^--[^=]+$/.test(last))
      joined.push(`${joined.pop()}=${argument}`)
    else joined.push(argument)
  }
  return joined
}

/** @throws {UsageError} when `given` is not a number in the range. */
export function number(
  option: string,
  given: string | undefined,
  preset: number,
  { min, max, whole }: { min: number; max: number; whole: boolean },
): number {
  if (given === undefined) return preset
  const value = given.trim() === '' ? Number.NaN : Number(given)
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw new UsageError(`${option} takes a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${given}"`)
}

function scenarios(pattern: string | undefined, all: boolean): Scenario[] {
  if (pattern !== undefined && all) throw new UsageError('--only and --all exclude each other')
  if (pattern === undefined) return SCENARIOS.filter(({ usual }) => all || usual)
  const chosen = select(pattern)
  if (chosen.length === 0) throw new UsageError(`no scenario is called "${pattern}"; --list prints their names`)
  return chosen
}

function servers(list: string | undefined): ContestantName[] {
  if (list === undefined) return [...CONTESTANTS]
  const chosen = list.split(',').map((name) => {
    const known = CONTESTANTS.find((server) => server === name.trim())
    if (known === undefined) throw new UsageError(`--servers takes some of ${CONTESTANTS.join(', ')}, not "${name}"`)
    return known
  })
  return [...new Set(chosen)]
}

function load(kind: string | undefined): 'wsload' | 'ts' | undefined {
  if (kind === undefined || kind === 'wsload' || kind === 'ts') return kind
  throw new UsageError(`--load takes wsload or ts, not "${kind}"`)
}

/** @throws {UsageError} for an empty name. */
export function file(option: string, path: string | undefined): string | undefined {
  if (path === '') throw new UsageError(`${option} takes the name of a file`)
  return path
}
