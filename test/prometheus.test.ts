import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ArgumentError, type ServerStats, sendBudget } from 'heartwire'
import { collectMetrics } from 'heartwire/prometheus'
import { Opcode } from 'heartwire/protocol'
import { Counter, type OpenMetricsContentType, Registry, register } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { masked } from './support/raw-peer.ts'
import { rawPair, serve } from './support/servers.ts'

/** What Prometheus would read. */
async function scrape(registry: Pick<Registry, 'metrics' | 'contentType'>): Promise<string> {
  const http = createHttpServer(async (_request, response) => {
    response.setHeader('content-type', registry.contentType)
    response.end(await registry.metrics())
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  try {
    const answer = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)
    return await answer.text()
  } finally {
    http.close()
  }
}

/** The lines of one metric. */
function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter((line) => new RegExp(`^(# \\w+ )?${name}[ {_]`).test(line))
}

const BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY]

/** Statistics of a server that there never was. */
function stats(changes: Partial<ServerStats> = {}): ServerStats {
  return {
    connections: { handshakes: 0, open: 0, closing: 0 },
    opened: 0,
    closed: { total: 0, byCode: {}, byCause: {} },
    refused: { total: 0, byReason: {} },
    messages: {
      in: 0,
      out: 0,
      dropped: { 'max-buffered': 0, 'max-queue-age': 0, 'message-rate': 0, 'byte-rate': 0 },
      coalesced: 0,
    },
    bytes: { in: 0, out: 0, queued: 0 },
    roundTrip: { buckets: BOUNDS.map((upTo) => ({ upTo, count: 0 })), count: 0, sum: 0 },
    sendBudget: { limit: 1000, used: 0 },
    transport: 'native',
    ...changes,
  }
}

const EVERYTHING = stats({
  connections: { handshakes: 1, open: 2, closing: 3 },
  opened: 9,
  closed: { total: 4, byCode: { 1000: 3, other: 1 }, byCause: { 'peer-close': 3, heartbeat: 1 } },
  refused: { total: 5, byReason: { ORIGIN_REFUSED: 5 } },
  messages: {
    in: 6,
    out: 7,
    dropped: { 'max-buffered': 1, 'max-queue-age': 2, 'message-rate': 3, 'byte-rate': 4 },
    coalesced: 8,
  },
  bytes: { in: 10, out: 11, queued: 12 },
  roundTrip: { buckets: BOUNDS.map((upTo, index) => ({ upTo, count: index })), count: 13, sum: 1250 },
  sendBudget: { limit: 1000, used: 12 },
})

test('everything that stats() says, as Prometheus reads it', async () => {
  const registry = new Registry()
  collectMetrics({ stats: () => EVERYTHING }, { registry })
  expect(await scrape(registry)).toBe(`\
# HELP heartwire_connections Connections now, by state.
# TYPE heartwire_connections gauge
heartwire_connections{state="handshakes"} 1
heartwire_connections{state="open"} 2
heartwire_connections{state="closing"} 3

# HELP heartwire_connections_opened_total Connections that were opened.
# TYPE heartwire_connections_opened_total counter
heartwire_connections_opened_total 9

# HELP heartwire_connections_closed_total Connections that have ended, by what began the end.
# TYPE heartwire_connections_closed_total counter
heartwire_connections_closed_total{cause="peer-close"} 3
heartwire_connections_closed_total{cause="heartbeat"} 1

# HELP heartwire_close_codes_total Connections that have ended, by the close code received.
# TYPE heartwire_close_codes_total counter
heartwire_close_codes_total{code="1000"} 3
heartwire_close_codes_total{code="other"} 1

# HELP heartwire_handshakes_refused_total Handshakes that were refused, by reason.
# TYPE heartwire_handshakes_refused_total counter
heartwire_handshakes_refused_total{reason="ORIGIN_REFUSED"} 5

# HELP heartwire_messages_total Messages from peers (in) and to them (out).
# TYPE heartwire_messages_total counter
heartwire_messages_total{direction="in"} 6
heartwire_messages_total{direction="out"} 7

# HELP heartwire_messages_dropped_total Messages that were dropped, by the limit that dropped them.
# TYPE heartwire_messages_dropped_total counter
heartwire_messages_dropped_total{reason="max-buffered"} 1
heartwire_messages_dropped_total{reason="max-queue-age"} 2
heartwire_messages_dropped_total{reason="message-rate"} 3
heartwire_messages_dropped_total{reason="byte-rate"} 4

# HELP heartwire_messages_coalesced_total Messages that a newer one with the same key replaced in the queue.
# TYPE heartwire_messages_coalesced_total counter
heartwire_messages_coalesced_total 8

# HELP heartwire_bytes_total Bytes of frames from peers (in) and to them (out).
# TYPE heartwire_bytes_total counter
heartwire_bytes_total{direction="in"} 10
heartwire_bytes_total{direction="out"} 11

# HELP heartwire_queued_bytes Bytes that wait to be sent.
# TYPE heartwire_queued_bytes gauge
heartwire_queued_bytes 12

# HELP heartwire_send_budget_used_bytes Bytes that wait to be sent in the whole process, as sendBudget counts them.
# TYPE heartwire_send_budget_used_bytes gauge
heartwire_send_budget_used_bytes 12

# HELP heartwire_send_budget_limit_bytes Bytes that may wait to be sent in the whole process.
# TYPE heartwire_send_budget_limit_bytes gauge
heartwire_send_budget_limit_bytes 1000

# HELP heartwire_native_transport Whether plain sockets are read and written by the native transport: 1, or by Node: 0.
# TYPE heartwire_native_transport gauge
heartwire_native_transport 1

# HELP heartwire_round_trip_seconds Round-trip times of pings.
# TYPE heartwire_round_trip_seconds histogram
heartwire_round_trip_seconds_bucket{le="0.001"} 0
heartwire_round_trip_seconds_bucket{le="0.002"} 1
heartwire_round_trip_seconds_bucket{le="0.005"} 2
heartwire_round_trip_seconds_bucket{le="0.01"} 3
heartwire_round_trip_seconds_bucket{le="0.025"} 4
heartwire_round_trip_seconds_bucket{le="0.05"} 5
heartwire_round_trip_seconds_bucket{le="0.1"} 6
heartwire_round_trip_seconds_bucket{le="0.25"} 7
heartwire_round_trip_seconds_bucket{le="0.5"} 8
heartwire_round_trip_seconds_bucket{le="1"} 9
heartwire_round_trip_seconds_bucket{le="2.5"} 10
heartwire_round_trip_seconds_bucket{le="5"} 11
heartwire_round_trip_seconds_bucket{le="10"} 12
heartwire_round_trip_seconds_bucket{le="+Inf"} 13
heartwire_round_trip_seconds_sum 1.25
heartwire_round_trip_seconds_count 13
`)
})

test('a real server, read anew for each scrape', async () => {
  const registry = new Registry()
  const { server, socket, peer } = await rawPair({ message: (one, message) => void one.send(message) })
  collectMetrics(server, { registry, prefix: 'app_' })
  peer.write(masked(Opcode.Text, 'hello'))
  await peer.frame()
  const first = await scrape(registry)
  expect(linesOf(first, 'app_bytes_total').slice(2)).toEqual([
    'app_bytes_total{direction="in"} 11',
    'app_bytes_total{direction="out"} 7',
  ])
  expect(linesOf(first, 'app_send_budget_limit_bytes').at(-1)).toBe(`app_send_budget_limit_bytes ${sendBudget.limit}`)
  socket.terminate()
  await socket.closed
  const second = await scrape(registry)
  expect(linesOf(second, 'app_connections').slice(2, 5)).toEqual([
    'app_connections{state="handshakes"} 0',
    'app_connections{state="open"} 0',
    'app_connections{state="closing"} 0',
  ])
  expect(linesOf(second, 'app_connections_closed_total').at(-1)).toBe(
    'app_connections_closed_total{cause="terminated"} 1',
  )
  expect(linesOf(second, 'app_messages_total').slice(2)).toEqual([
    'app_messages_total{direction="in"} 1',
    'app_messages_total{direction="out"} 1',
  ])
})

describe('several servers on one registry', () => {
  const shown = async (registry: Registry) =>
    linesOf(await scrape(registry), 'heartwire_connections_opened_total').slice(2)

  test('are told apart by their labels, and each can be taken away', async () => {
    const registry = new Registry()
    let readings = 0
    const server = (opened: number) => ({
      stats() {
        readings++
        return stats({ opened })
      },
    })
    const removeA = collectMetrics(server(1), { registry, labels: { name: 'a', zone: 'x' } })
    const removeB = collectMetrics(server(2), { registry, labels: { zone: 'y', name: 'b' } })
    expect(await shown(registry)).toEqual([
      'heartwire_connections_opened_total{name="a",zone="x"} 1',
      'heartwire_connections_opened_total{zone="y",name="b"} 2',
    ])
    // Once each for the whole scrape.
    expect(readings).toBe(2)
    expect(linesOf(await scrape(registry), 'heartwire_round_trip_seconds_count')).toEqual([
      'heartwire_round_trip_seconds_count{name="a",zone="x"} 0',
      'heartwire_round_trip_seconds_count{zone="y",name="b"} 0',
    ])
    removeA()
    removeA()
    expect(await shown(registry)).toEqual(['heartwire_connections_opened_total{zone="y",name="b"} 2'])
    removeB()
    expect(registry.getMetricsAsArray()).toEqual([])
    collectMetrics(server(3), { registry, labels: { other: 'c' } })
    expect(await shown(registry)).toEqual(['heartwire_connections_opened_total{other="c"} 3'])
  })

  test('cannot have the same labels, or labels with other names, or names of the metrics', () => {
    const registry = new Registry()
    const server = { stats }
    collectMetrics(server, { registry, labels: { name: 'a' } })
    const refused = (labels: Record<string, string>, message: string) =>
      expect(() => collectMetrics(server, { registry, labels })).toThrow(new ArgumentError(message))
    refused({ name: 'a' }, 'A server with these labels is in the registry already: give each one other values.')
    refused({}, 'Servers with one registry and prefix need labels with the same names: "name".')
    refused({ name: 'b', zone: 'x' }, 'Servers with one registry and prefix need labels with the same names: "name".')
    refused({ code: 'x' }, 'The label "code" is one of the metrics\' own.')
    collectMetrics(server, { registry, prefix: 'other_', labels: { zone: 'x' } })
  })

  test.each([
    [{ label: {} }, 'There is no option "label" of collectMetrics. Did you mean labels?'],
    [{ registry: 5 }, 'The option registry is a registry of prom-client, not 5.'],
    [{ registry: {} }, 'The option registry is a registry of prom-client, not an object.'],
    [{ prefix: 5 }, 'The option prefix is a string, not 5.'],
    [{ labels: 'chat' }, 'The option labels is an object with the value of each label, not "chat".'],
    [{ labels: ['chat'] }, 'The option labels is an object with the value of each label, not an array.'],
    ['chat', 'collectMetrics takes an object of options, not "chat".'],
  ])('and options that cannot be: %j', (options, message) => {
    expect(() => collectMetrics({ stats }, options as object)).toThrow(new ArgumentError(message))
  })

  test.each([
    [undefined, 'undefined'],
    [{}, 'an object'],
  ])('and what is no server: %j', (server, not) => {
    expect(() => collectMetrics(server as { stats: typeof stats })).toThrow(
      new ArgumentError(`collectMetrics takes a server, not ${not}.`),
    )
  })

  test('leave nothing behind when a metric of somebody else has one of the names', () => {
    const registry = new Registry()
    const taken = new Counter({ name: 'heartwire_bytes_total', help: 'taken', registers: [registry] })
    expect(() => collectMetrics({ stats }, { registry })).toThrow('heartwire_bytes_total has already been registered')
    expect(registry.getMetricsAsArray()).toEqual([taken])
  })

  test('are there again in a registry that was cleared, when one more is added', async () => {
    const registry = new Registry()
    collectMetrics({ stats }, { registry, labels: { name: 'a' } })
    registry.clear()
    collectMetrics({ stats }, { registry, labels: { name: 'b' } })
    expect(await shown(registry)).toEqual([
      'heartwire_connections_opened_total{name="a"} 0',
      'heartwire_connections_opened_total{name="b"} 0',
    ])
  })
})

test('the registry is that of prom-client unless another is given', async () => {
  const { server } = await serve()
  const remove = collectMetrics(server)
  onTestFinished(remove)
  expect(register.getSingleMetric('heartwire_connections_opened_total')).toBeDefined()
  remove()
  expect(register.getMetricsAsArray()).toEqual([])
})

test('as OpenMetrics', async () => {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const remove = collectMetrics({ stats: () => EVERYTHING }, { registry })
  for (let times = 0; times < 2; times++) {
    const text = await registry.metrics()
    expect(text).toContain('# TYPE heartwire_connections_opened counter\nheartwire_connections_opened_total 9\n# HELP')
    expect(text).toContain('heartwire_round_trip_seconds_bucket{le="+Inf"} 13\n')
    expect(text.endsWith('\n# EOF\n')).toBe(true)
  }
  remove()
  expect(registry.getMetricsAsArray()).toEqual([])
})

test('as JSON, from which prom-client adds up the workers of a cluster', async () => {
  const registry = new Registry()
  collectMetrics({ stats: () => EVERYTHING }, { registry, labels: { name: 'a' } })
  const metrics = await registry.getMetricsAsJSON()
  const histogram = metrics.find(({ name }) => name === 'heartwire_round_trip_seconds')
  expect(histogram).toMatchObject({ type: 'histogram', aggregator: 'sum' })
  expect(histogram?.values.at(-3)).toEqual({
    metricName: 'heartwire_round_trip_seconds_bucket',
    labels: { le: '+Inf', name: 'a' },
    value: 13,
  })
})
