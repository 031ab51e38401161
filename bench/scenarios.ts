/** What is measured: the list of scenarios, their names, and the patterns that choose among them. */

export type ServerName = 'ws' | 'heartwire' | 'tcp'
export type Handler = 'sync' | 'async'
export type Mode = 'echo' | 'publish' | 'handshake'

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
  /** What a figure "per second" counts. */
  unit: 'messages' | 'deliveries' | 'handshakes'
}

const KIB = 1024
const MIB = 1024 * KIB

const SIZES = [
  { label: '64B', payload: 64, connections: 100 },
  { label: '64KiB', payload: 64 * KIB, connections: 100 },
  // 32 messages of 1 MiB on each of 100 connections would be 3 GiB under way in each direction.
  { label: '1MiB', payload: MIB, connections: 10 },
] as const

function echoScenarios(): Scenario[] {
  const list: Scenario[] = []
  for (const { label, payload, connections } of SIZES) {
    for (const inFlight of [1, 32]) {
      for (const type of ['text', 'binary'] as const) {
        for (const handler of ['sync', 'async'] as const) {
          const name = `${label}/${inFlight}/${type}/${handler}`
          list.push({ name, mode: 'echo', payload, inFlight, connections, type, handler, unit: 'messages' })
        }
      }
    }
  }
  return list
}

export const SCENARIOS: readonly Scenario[] = [
  ...echoScenarios(),
  {
    name: 'publish/64B/1000',
    mode: 'publish',
    payload: 64,
    inFlight: 1,
    connections: 1000,
    type: 'text',
    handler: 'sync',
    unit: 'deliveries',
  },
  {
    name: 'handshake/64',
    mode: 'handshake',
    payload: 0,
    inFlight: 64,
    connections: 64,
    type: 'binary',
    handler: 'sync',
    unit: 'handshakes',
  },
]

/**
 * Whether `server` can take part in `scenario`. The TCP echo knows neither types nor handlers nor handshakes: it runs
 * once for each size and number in flight, beside the binary sync scenario.
 */
export function takesPart(server: ServerName, scenario: Scenario): boolean {
  if (server !== 'tcp') return true
  if (scenario.mode === 'publish') return true
  return scenario.mode === 'echo' && scenario.type === 'binary' && scenario.handler === 'sync'
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
