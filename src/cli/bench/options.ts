import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { compileOptions } from '../../client/options.ts'
import { parseTarget } from '../../client/target.ts'
import { ArgumentError } from '../../protocol/error.ts'
import { Arguments, type Section, UsageError } from '../arguments.ts'
import { makePayload, NUMBER_LENGTH } from './payload.ts'
import { type Plan, withNumber } from './plan.ts'
import { connectOptions } from './pool.ts'

export const SECTIONS: readonly Section[] = [
  {
    title: 'Connections',
    options: {
      connections: { value: 'N', short: 'c', help: 'how many (default 10)' },
      ramp: {
        value: 'TIME',
        help: 'open them evenly over this time (default: 100 handshakes at a time, as fast as that goes)',
      },
      'open-rate': { value: 'N', help: 'open so many in a second' },
      header: {
        value: "'NAME: VALUE'",
        short: 'H',
        multiple: true,
        help: 'a header of the handshake; can be given again',
      },
      origin: { value: 'ORIGIN', help: 'the Origin header' },
      subprotocol: { value: 'NAME', multiple: true, help: 'a subprotocol to offer; can be given again' },
      compress: { help: 'offer permessage-deflate, and compress where it is agreed on' },
      ca: { value: 'FILE', help: 'for wss: the certificate of the authority to trust, as PEM' },
      insecure: { help: 'for wss: take any certificate' },
      'local-address': {
        value: 'LIST',
        help: 'addresses of this machine to connect from, in turn, with commas between them: each has ports for about 28,000 connections',
      },
    },
  },
  {
    title: 'Load',
    options: {
      mode: {
        value: 'MODE',
        help: 'echo: every message is answered with one; listen: only count what comes in (default echo)',
      },
      rate: {
        value: 'N',
        short: 'r',
        help: 'messages in a second, all connections together, each sent when it is due, whatever the server does',
      },
      'in-flight': {
        value: 'N',
        help: 'without --rate: messages of each connection that are under way at a time; the next is sent when one is answered (default 1)',
      },
      duration: { value: 'TIME', short: 'd', help: 'how long (default 10s, or no end with --messages)' },
      messages: { value: 'N', short: 'n', help: 'how many of each connection: to be sent or, in mode listen, to come' },
      warmup: { value: 'TIME', help: 'load that does not count, before the rest (default 0)' },
      size: { value: 'BYTES', short: 's', help: 'of a message: 64, 16k, 1m (default 64)' },
      payload: { value: 'FILE', help: 'send what is in a file' },
      type: { value: 'TYPE', help: 'text or binary (default text)' },
      check: { help: 'compare what comes back with what was sent' },
      timeout: { value: 'TIME', help: 'for a handshake, and for the last answers (default 10s)' },
      spin: { help: 'with --rate: wait without sleeping, to send on the microsecond; takes a whole core' },
      processes: { value: 'N', help: 'spread the load over so many processes (default 1)' },
    },
  },
  {
    title: 'Output',
    options: {
      json: { help: 'print the report as JSON' },
      quiet: { short: 'q', help: 'no line each second' },
    },
  },
]

const MAX_CONNECTIONS = 1_000_000
const MAX_SIZE = 256 * 1024 * 1024

export interface BenchOptions {
  readonly plan: Plan
  readonly processes: number
  readonly json: boolean
  readonly quiet: boolean
}

/** @throws UsageError for anything that cannot be done */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const args = new Arguments(argv, SECTIONS)
  refuseContradictions(args)
  const plan = planOf(args)
  try {
    for (const url of plan.urls) parseTarget(withNumber(url, 0))
    for (const localAddress of plan.localAddresses) compileOptions({ localAddress })
    compileOptions(connectOptions(plan))
  } catch (error) {
    if (error instanceof ArgumentError) throw new UsageError(error.message.replace(/\.$/, ''))
    throw error
  }
  const processes = args.count('processes', 1, 1, 256)
  if (processes > plan.connections) throw new UsageError('there are fewer connections than processes')
  return { plan, processes, json: args.has('json'), quiet: args.has('quiet') }
}

function planOf(args: Arguments): Plan {
  if (args.words.length === 0) throw new UsageError('a URL is missing, such as ws://127.0.0.1:8080')
  const connections = args.count('connections', 10, 1, MAX_CONNECTIONS)
  const ramp = args.time('ramp', undefined)
  const messages = args.count('messages', undefined, 1, Number.MAX_SAFE_INTEGER)
  const type = args.word('type', 'text', ['text', 'binary'])
  const file = args.text('payload')
  const payload =
    file === undefined ? makePayload(args.size('size', 64, MAX_SIZE), type) : readPayload('--payload', file, type)
  const check = args.has('check')
  const ca = args.text('ca')
  const timeout = args.time('timeout', 10_000)
  if (timeout === 0) throw new UsageError('--timeout is a time above 0')
  return {
    urls: args.words,
    connections,
    openRate: ramp === undefined || ramp === 0 ? args.rate('open-rate') : (connections * 1_000) / ramp,
    headers: headersOf(args.all('header')),
    origin: args.text('origin'),
    protocols: args.all('subprotocol'),
    compress: args.has('compress'),
    tls: {
      ...(ca !== undefined && { ca: readFile('--ca', ca).toString('latin1') }),
      ...(args.has('insecure') && { rejectUnauthorized: false }),
    },
    localAddresses: args.text('local-address')?.split(',') ?? [],
    mode: args.word('mode', 'echo', ['echo', 'listen']),
    payload,
    type,
    check,
    numbered: check && file === undefined && payload.length >= NUMBER_LENGTH,
    rate: args.rate('rate'),
    inFlight: args.count('in-flight', 1, 1, 1_000_000),
    spin: args.has('spin'),
    messages,
    duration: args.time('duration', messages === undefined ? 10_000 : undefined),
    warmUp: args.time('warmup', 0),
    timeout,
  }
}

/** @throws UsageError for options of which one leaves the other no meaning */
function refuseContradictions(args: Arguments): void {
  for (const [one, other] of [
    ['ramp', 'open-rate'],
    ['rate', 'in-flight'],
    ['size', 'payload'],
    ['ca', 'insecure'],
  ] as const) {
    if (args.has(one) && args.has(other)) throw new UsageError(`--${one} and --${other} contradict each other`)
  }
  if (args.has('spin') && !args.has('rate')) throw new UsageError('--spin has no meaning without --rate')
  if (args.text('mode') !== 'listen') return
  const [sending] = args.given('rate', 'in-flight', 'size', 'payload', 'type', 'check', 'spin')
  if (sending !== undefined) throw new UsageError(`${sending} has no meaning in mode listen, which sends nothing`)
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const line of lines) {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new UsageError(`--header is 'NAME: VALUE', not "${line}"`)
    headers[name] = [...(headers[name] ?? []), value]
  }
  return headers
}

function readPayload(option: string, path: string, type: 'text' | 'binary'): Uint8Array {
  const bytes = readFile(option, path)
  if (bytes.length > MAX_SIZE) throw new UsageError(`${path} is longer than ${MAX_SIZE} bytes`)
  if (type === 'text' && !isUtf8(bytes)) throw new UsageError(`${path} is not UTF-8: send it with --type binary`)
  return bytes
}

function readFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(`${option} cannot be read: ${path} (${why})`)
  }
}
