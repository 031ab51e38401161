/** The command line of the benchmark of compression. */
import { parseArgs } from 'node:util'
import { file, joinNegatives, number, UsageError } from '../options.ts'
import { CONTESTANTS, type Contestant, SIZES, type Size } from './contestants.ts'

export interface Options {
  rounds: number
  /** 0: memory is not measured. */
  memoryRounds: number
  /** How many times the usual number of messages. */
  amount: number
  seed: number
  connections: number
  /** Connections whose memory is measured. */
  held: number
  sizes: Size[]
  contestants: Contestant[]
  json: string | undefined
  markdown: string | undefined
}

export const HELP = `Usage: npm run bench:compression -- [options]

Measures permessage-deflate: echo servers in processes of their own answer JSON messages, none of which comes twice.
Messages per second of the server's CPU time, latency, bytes on the wire; memory of a connection.

  --rounds N          interleaved rounds of the echo (default 5)
  --memory-rounds N   rounds of the measurement of memory (default 3; 0: leave it out)
  --sizes LIST        some of ${SIZES.map(({ label }) => label).join(', ')} (default all)
  --servers LIST      some of ws, faye-websocket, bun, heartwire, or with a mode: ws/takeover, heartwire/shared, ws/off (default all)
  --connections N     of the echo (default 100)
  --held N            connections whose memory is measured (default 5000)
  --amount X          so many times the usual number of messages (default 1)
  --seed N            what the messages are made from (default 1)
  --json FILE         where to write the report as JSON (default build/bench/compression.json)
  --markdown FILE     also write the tables as Markdown
  --quick             1 round of a tenth of the messages, 500 connections held: does everything run? The figures mean little
  --help              print this
`

/**
 * @returns the options, or the text to print instead of measuring.
 * @throws {UsageError} for anything that is not understood.
 */
export function parseOptions(argv: readonly string[]): Options | { print: string } {
  const values = read(argv)
  if (values.help) return { print: HELP }
  const quick = values.quick ?? false
  const whole = (min: number, max: number) => ({ min, max, whole: true })
  return {
    rounds: number('--rounds', values.rounds, quick ? 1 : 5, whole(1, 1000)),
    memoryRounds: number('--memory-rounds', values['memory-rounds'], quick ? 1 : 3, whole(0, 1000)),
    amount: number('--amount', values.amount, quick ? 0.1 : 1, { min: 0.01, max: 1000, whole: false }),
    seed: number('--seed', values.seed, 1, whole(0, 2 ** 32 - 1)),
    connections: number('--connections', values.connections, 100, whole(1, 10_000)),
    held: number('--held', values.held, quick ? 500 : 5000, whole(1, 20_000)),
    sizes: values.sizes === undefined ? [...SIZES] : chosen('--sizes', values.sizes, SIZES, ({ label }) => [label]),
    contestants:
      values.servers === undefined
        ? [...CONTESTANTS]
        : chosen('--servers', values.servers, CONTESTANTS, ({ name, server }) => [server, name]),
    json: file('--json', values.json),
    markdown: file('--markdown', values.markdown),
  }
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegatives(argv),
      options: {
        rounds: { type: 'string' },
        'memory-rounds': { type: 'string' },
        sizes: { type: 'string' },
        servers: { type: 'string' },
        connections: { type: 'string' },
        held: { type: 'string' },
        amount: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'string' },
        markdown: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Node's explanation of how to pass such a value all the same is of no use here.
    throw new UsageError(`${message.split(/\.\s|\n/)[0]}; --help lists the options`)
  }
}

/** Those of `all` that are named in `list`, in the order of `all`. */
function chosen<T>(option: string, list: string, all: readonly T[], names: (one: T) => string[]): T[] {
  const wanted = list.split(',').map((name) => name.trim())
  for (const name of wanted) {
    if (!all.some((one) => names(one).includes(name))) {
      throw new UsageError(`${option} takes some of ${[...new Set(all.flatMap(names))].join(', ')}, not "${name}"`)
    }
  }
  return all.filter((one) => names(one).some((name) => wanted.includes(name)))
}
