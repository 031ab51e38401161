/** What is measured: the list of scenarios, their names, and the patterns that choose among them. */
import { type ContestantName, handlersOf, LIMITS } from './contestants.ts'
import type { Handler } from './servers/control.ts'

/**
 * - `echo`: every message comes back, and with it the next one goes out;
 * - `publish`: a message of one goes to all;
 * - `handshake`: opening and closing handshakes;
 * - `latency`: an echo at a rate that is fixed in advance;
 * - `idle`: connections that do nothing, and the memory they take;
 * - `storm`: connections that come all at once.
 */
export type Mode = 'echo' | 'publish' | 'handshake' | 'latency' | 'idle' | 'storm'

export interface Scenario {
  /** Segments with `/` between them: `64B/32/text/sync`. */
  name: string
  mode: Mode
  /** Of a message, in bytes. */
  payload: number
  /** Messages each connection has under way (echo), publications under way (publish), attempts at once (handshake). */
  inFlight: number
  connections: number
  type: 'text' | 'binary'
  handler: Handler
  /** Whether it runs when nothing is asked for. */
  usual: boolean
}

const KIB = 1024
const MIB = 1024 * KIB

const SIZES = [
  { label: '16B', payload: 16, connections: 100 },
  { label: '64B', payload: 64, connections: 100 },
  { label: '1KiB', payload: KIB, connections: 100 },
  // With more connections, 32 messages on each of them would be gigabytes under way.
  { label: '64KiB', payload: 64 * KIB, connections: 10 },
  { label: '1MiB', payload: MIB, connections: 4 },
] as const

const USUAL = [
  ...['64B/1/binary/sync', '64B/32/binary/sync', '64B/32/text/sync', '64KiB/4/binary/sync', '1MiB/1/binary/sync'],
  ...['publish/64B/1000', 'handshake/64', 'latency/64B', 'idle/10000', 'storm/10000'],
]

function scenario(name: string, mode: Mode, rest: Partial<Scenario>): Scenario {
  return {
    name,
    mode,
    payload: 64,
    inFlight: 1,
    connections: 100,
    type: 'binary',
    handler: 'sync',
    usual: USUAL.includes(name),
    ...rest,
  }
}

function echoScenarios(): Scenario[] {
  const list: Scenario[] = []
  for (const { label, payload, connections } of SIZES) {
    for (const inFlight of [1, 4, 32]) {
      for (const type of ['text', 'binary'] as const) {
        for (const handler of ['sync', 'async', 'timer'] as const) {
          // When an answer is sent makes a difference for one small and one large size, or for none.
          if (handler !== 'sync' && label !== '64B' && label !== '64KiB') continue
          const name = `${label}/${inFlight}/${type}/${handler}`
          list.push(scenario(name, 'echo', { payload, inFlight, connections, type, handler }))
        }
      }
    }
  }
  return list
}

export const SCENARIOS: readonly Scenario[] = [
  ...echoScenarios(),
  ...[10, 1000, 10_000].map((connections) => scenario(`connections/${connections}`, 'echo', { connections })),
  ...[1000, 15_000].map((connections) => scenario(`publish/64B/${connections}`, 'publish', { connections })),
  scenario('handshake/64', 'handshake', { payload: 0, inFlight: 64, connections: 64 }),
  scenario('latency/64B', 'latency', {}),
  scenario('idle/10000', 'idle', { payload: 0, inFlight: 0, connections: 10_000 }),
  scenario('storm/10000', 'storm', { payload: 0, inFlight: 0, connections: 10_000 }),
]

/**
 * How many times the usual time a scenario is measured: where one turn of all messages under way takes a good part of it, what
 * is left over at either end would count too much.
 */
export function timesAsLong({ payload, inFlight, connections }: Scenario): number {
  return connections >= 10_000 || payload * inFlight * connections >= 16 * MIB ? 4 : 1
}

/**
 * Whether `contestant` can take part in `scenario`. The limits know no types: they run once for each size and number in
 * flight, beside the binary ones.
 */
export function takesPart(contestant: ContestantName, { handler, type }: Scenario): boolean {
  return handlersOf(contestant).includes(handler) && (type === 'binary' || !LIMITS.includes(contestant))
}

/**
 * The scenarios that `pattern` names: names or beginnings of names with commas between them, segment by segment, where
 * `*` stands for any segment. `64B`, `64B/32`, `*` + `/32/text` and `handshake,publish` are patterns.
 */
export function select(pattern: string): Scenario[] {
  const patterns = pattern.split(',').map((one) => one.trim().split('/'))
  return SCENARIOS.filter(({ name }) => {
    const segments = name.split('/')
    return patterns.some(
      (wanted) =>
        wanted.length <= segments.length &&
        wanted.every((segment, i) => segment === '*' || segment.toLowerCase() === segments[i]?.toLowerCase()),
    )
  })
}
