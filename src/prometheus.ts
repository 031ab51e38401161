import {
  Counter,
  Gauge,
  Histogram,
  type HistogramConfiguration,
  type Metric,
  type OpenMetricsContentType,
  type Registry,
  register,
} from 'prom-client'
import { ArgumentError } from './protocol/error.ts'
import { quote, shown } from './protocol/quote.ts'
import type { RoundTrips, ServerStats } from './server/stats.ts'
import { checkString } from './socket/check.ts'
import { checkNames } from './socket/option-names.ts'

type AnyRegistry = Registry | Registry<OpenMetricsContentType>
type Labels = Readonly<Record<string, string>>

export interface MetricsOptions {
  /** Default: the registry of `prom-client` itself. */
  registry?: AnyRegistry
  /** What the names of the metrics begin with. Default `heartwire_`. */
  prefix?: string
  /** Labels of everything about this server. Servers with one registry and prefix need the same names, and different values. */
  labels?: Labels
}

const OPTIONS = Object.keys({ registry: 0, prefix: 0, labels: 0 } satisfies Record<keyof MetricsOptions, 0>)

/**
 * Adds what `server.stats()` says to a registry of `prom-client`, read anew for each scrape.
 * @returns what takes it away again
 * @throws ArgumentError for an option that cannot be, and when the labels cannot be those of one more server; what prom-client says of names that cannot be
 */
export function collectMetrics(server: { stats(): ServerStats }, options: MetricsOptions = {}): () => void {
  check(server, options)
  const { registry = register, prefix = 'heartwire_', labels = {} } = options
  let exporters = exportersOf.get(registry)
  if (exporters === undefined) {
    exporters = new Map()
    exportersOf.set(registry, exporters)
  }
  const exporter = exporters.get(prefix) ?? new Exporter(registry, prefix, Object.keys(labels))
  const remove = exporter.add({ server, labels })
  exporters.set(prefix, exporter)
  return () => {
    if (remove()) exporters.delete(prefix)
  }
}

/** @throws ArgumentError that names the option and its value */
function check(server: { stats(): ServerStats }, options: MetricsOptions): void {
  if (typeof server?.stats !== 'function') {
    throw new ArgumentError(`collectMetrics takes a server, not ${shown(server)}.`)
  }
  checkNames(options, OPTIONS, 'collectMetrics')
  const { registry = register, prefix = '', labels = {} } = options
  if (typeof registry.registerMetric !== 'function') {
    throw new ArgumentError(`The option registry is a registry of prom-client, not ${shown(registry)}.`)
  }
  checkString('prefix', prefix)
  if (typeof labels !== 'object' || Array.isArray(labels)) {
    throw new ArgumentError(`The option labels is an object with the value of each label, not ${shown(labels)}.`)
  }
}

/** By the prefix of their metrics. */
const exportersOf = new WeakMap<AnyRegistry, Map<string, Exporter>>()

interface Source {
  readonly server: { stats(): ServerStats }
  readonly labels: Labels
}

/** What a server says, and its labels. */
type Reading = readonly [stats: ServerStats, labels: Labels]

/** A value, and what tells it from the others of its metric. */
type Sample = readonly [value: number, labels?: Labels]

interface Description {
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly labels: readonly string[]
  samples(stats: ServerStats): readonly Sample[]
}

function by(label: string, counts: Readonly<Record<string, number | undefined>>): Sample[] {
  return Object.entries(counts).map(([value, count]) => [count ?? 0, { [label]: value }])
}

const METRICS: Readonly<Record<string, Description>> = {
  connections: {
    type: 'gauge',
    help: 'Connections now, by state.',
    labels: ['state'],
    samples: ({ connections }) => by('state', connections),
  },
  connections_opened_total: {
    type: 'counter',
    help: 'Connections that were opened.',
    labels: [],
    samples: ({ opened }) => [[opened]],
  },
  connections_closed_total: {
    type: 'counter',
    help: 'Connections that have ended, by what began the end.',
    labels: ['cause'],
    samples: ({ closed }) => by('cause', closed.byCause),
  },
  close_codes_total: {
    type: 'counter',
    help: 'Connections that have ended, by the close code received.',
    labels: ['code'],
    samples: ({ closed }) => by('code', closed.byCode),
  },
  handshakes_refused_total: {
    type: 'counter',
    help: 'Handshakes that were refused, by reason.',
    labels: ['reason'],
    samples: ({ refused }) => by('reason', refused.byReason),
  },
  messages_total: {
    type: 'counter',
    help: 'Messages from peers (in) and to them (out).',
    labels: ['direction'],
    samples: ({ messages }) => by('direction', { in: messages.in, out: messages.out }),
  },
  messages_dropped_total: {
    type: 'counter',
    help: 'Messages that were dropped, by the limit that dropped them.',
    labels: ['reason'],
    samples: ({ messages }) => by('reason', messages.dropped),
  },
  messages_coalesced_total: {
    type: 'counter',
    help: 'Messages that a newer one with the same key replaced in the queue.',
    labels: [],
    samples: ({ messages }) => [[messages.coalesced]],
  },
  bytes_total: {
    type: 'counter',
    help: 'Bytes of frames from peers (in) and to them (out).',
    labels: ['direction'],
    samples: ({ bytes }) => by('direction', { in: bytes.in, out: bytes.out }),
  },
  queued_bytes: {
    type: 'gauge',
    help: 'Bytes that wait to be sent.',
    labels: [],
    samples: ({ bytes }) => [[bytes.queued]],
  },
  send_budget_used_bytes: {
    type: 'gauge',
    help: 'Bytes that wait to be sent in the whole process, as sendBudget counts them.',
    labels: [],
    samples: ({ sendBudget }) => [[sendBudget.used]],
  },
  send_budget_limit_bytes: {
    type: 'gauge',
    help: 'Bytes that may wait to be sent in the whole process.',
    labels: [],
    samples: ({ sendBudget }) => [[sendBudget.limit]],
  },
  native_transport: {
    type: 'gauge',
    help: 'Whether plain sockets are read and written by the native transport: 1, or by Node: 0.',
    labels: [],
    samples: ({ transport }) => [[transport === 'native' ? 1 : 0]],
  },
}

/** The metrics of one registry with one prefix, about any number of servers. */
class Exporter {
  private readonly registry: AnyRegistry
  private readonly labelNames: readonly string[]
  private readonly metrics = new Map<string, Metric>()
  private readonly sources = new Set<Source>()
  /** What the scrape that is at work has read. */
  private read: readonly Reading[] | undefined

  constructor(registry: AnyRegistry, prefix: string, labelNames: readonly string[]) {
    this.registry = registry
    this.labelNames = labelNames
    for (const [name, description] of Object.entries(METRICS)) {
      this.metrics.set(prefix + name, this.metric(prefix + name, description))
    }
    const name = `${prefix}round_trip_seconds`
    const help = 'Round-trip times of pings.'
    this.metrics.set(name, new RoundTripHistogram({ name, help, labelNames, registers: [] }, () => this.readings()))
  }

  /** Returns what takes the server away again, and says whether it was the last one. */
  add(source: Source): () => boolean {
    this.check(source.labels)
    this.register()
    this.sources.add(source)
    return () => this.sources.delete(source) && this.sources.size === 0 && this.unregister()
  }

  private check(labels: Labels): void {
    const names = Object.keys(labels)
    const reserved = [...Object.values(METRICS).flatMap((metric) => metric.labels), 'le']
    const taken = names.find((name) => reserved.includes(name))
    if (taken !== undefined) throw new ArgumentError(`The label ${quote(taken)} is one of the metrics' own.`)
    if (names.length !== this.labelNames.length || !names.every((name) => this.labelNames.includes(name))) {
      const expected = this.labelNames.map((name) => quote(name)).join(', ') || 'none'
      throw new ArgumentError(`Servers with one registry and prefix need labels with the same names: ${expected}.`)
    }
    for (const other of this.sources) {
      if (names.some((name) => labels[name] !== other.labels[name])) continue
      throw new ArgumentError('A server with these labels is in the registry already: give each one other values.')
    }
  }

  /** Also after the registry was cleared. @throws what prom-client says when others have such a name; none is left then */
  private register(): void {
    try {
      for (const metric of this.metrics.values()) this.registry.registerMetric(metric)
    } catch (error) {
      if (this.sources.size === 0) this.unregister()
      throw error
    }
  }

  private unregister(): true {
    for (const [name, metric] of this.metrics) {
      if (this.registry.getSingleMetric(name) === metric) this.registry.removeSingleMetric(name)
    }
    return true
  }

  private metric(name: string, { type, help, labels, samples }: Description): Metric {
    const config = { name, help, labelNames: [...this.labelNames, ...labels], registers: [] }
    const all = () =>
      this.readings().flatMap(([stats, ofServer]) =>
        samples(stats).map(([value, ofValue]) => ({ value, labels: { ...ofServer, ...ofValue } })),
      )
    if (type === 'gauge') {
      return new Gauge({
        ...config,
        collect() {
          this.reset()
          for (const { labels, value } of all()) this.set(labels, value)
        },
      })
    }
    return new Counter({
      ...config,
      collect() {
        this.reset()
        for (const { labels, value } of all()) this.inc(labels, value)
      },
    })
  }

  /** The statistics of each server with its labels; one reading for all the metrics of a scrape. */
  private readings(): readonly Reading[] {
    if (this.read === undefined) {
      this.read = Array.from(this.sources, ({ server, labels }) => [server.stats(), labels] as const)
      queueMicrotask(() => {
        this.read = undefined
      })
    }
    return this.read
  }
}

type HistogramValues = Awaited<ReturnType<Histogram['get']>>

/** A histogram whose buckets are counted elsewhere: prom-client's own can only be filled by one observation after another. */
class RoundTripHistogram extends Histogram {
  private readonly empty: Histogram
  private readonly readings: () => readonly Reading[]

  constructor(config: HistogramConfiguration<string>, readings: () => readonly Reading[]) {
    super(config)
    this.empty = new Histogram(config)
    this.readings = readings
  }

  override async get(): Promise<HistogramValues> {
    const readings = this.readings()
    const metric = await this.empty.get()
    const values = readings.flatMap(([{ roundTrip }, labels]) => roundTripValues(metric.name, roundTrip, labels))
    return { ...metric, values }
  }

  /** What prom-client calls in place of `get` for its text. */
  getForPromString(): Promise<HistogramValues> {
    return this.get()
  }
}

function roundTripValues(name: string, { buckets, count, sum }: RoundTrips, labels: Labels): HistogramValues['values'] {
  return [
    ...buckets.map(({ upTo, count }) => ({
      metricName: `${name}_bucket`,
      labels: { le: upTo === Number.POSITIVE_INFINITY ? '+Inf' : upTo / 1000, ...labels },
      value: count,
    })),
    { metricName: `${name}_sum`, labels, value: sum / 1000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
