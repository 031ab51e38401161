/** The command line of `npm run chaos`. */
import { numberOption, readOptions, UsageError } from '../support/program.ts'
import { FAULTS, type Fault, type PlanSettings } from './plan.ts'

export interface Options extends PlanSettings {
  minutes: number
  /** Connections to make at most, the warm-up included. */
  connections: number
  concurrency: number
  /** The number of the first connection. */
  first: number
  /** Where the figures go as JSON, if anywhere. */
  json: string | undefined
}

export const HELP = `Usage: npm run chaos -- [options]

Clients and a server exchange numbered messages through a proxy that does to each connection what its plan says. Checks
that nothing is delivered twice, out of order or corrupted, that each connection ends in one report with the right cause,
that a dead peer is found in time, and that handles, timers and memory return to where they began.

  --minutes M        how long to go on (default 2)
  --connections N    make N connections at most (default: as many as the time allows)
  --concurrency N    connections at a time (default 150)
  --seed N           repeats the plans of the run that printed it (default: by chance)
  --first N          the number of the first connection (default 1): with --connections 1 it repeats one of them
  --faults LIST      some of ${FAULTS.join(', ')} (default all)
  --interval MS      the heartbeat's interval at both ends (default 500)
  --timeout MS       the heartbeat's timeout at both ends (default 500)
  --json FILE        also write the figures as JSON
  --help             print this
`

/**
 * @returns the options, or the text to print instead of running
 * @throws {UsageError} for anything that is not understood
 */
export function parseOptions(argv: readonly string[]): Options | { print: string } {
  const values = readOptions(
    argv,
    ['minutes', 'connections', 'concurrency', 'seed', 'first', 'faults', 'interval', 'timeout', 'json'],
    ['help'],
  )
  if (values.help !== undefined) return { print: HELP }
  if (values.json === '') throw new UsageError('--json takes the name of a file')
  const whole = (name: string, preset: number, min: number, max: number) =>
    numberOption(name, values[name], preset, { min, max, whole: true })
  const most = 2 ** 31 - 1
  return {
    minutes: numberOption('minutes', values.minutes, 2, { min: 0.01, max: 10_000 }),
    connections: values.connections === undefined ? Number.POSITIVE_INFINITY : whole('connections', 1, 1, most),
    concurrency: whole('concurrency', 150, 1, 5_000),
    seed: whole('seed', Math.floor(Math.random() * most), 0, most),
    first: whole('first', 1, 1, most),
    faults: faults(values.faults),
    interval: whole('interval', 500, 100, 60_000),
    timeout: whole('timeout', 500, 100, 60_000),
    json: values.json,
  }
}

function faults(list: string | undefined): Fault[] {
  if (list === undefined) return [...FAULTS]
  const chosen = list.split(',').map((name) => {
    const known = FAULTS.find((fault) => fault === name.trim())
    if (known === undefined) throw new UsageError(`--faults takes some of ${FAULTS.join(', ')}, not "${name}"`)
    return known
  })
  return [...new Set(chosen)]
}
