/** What has come of all connections, fault by fault. */
import { Latencies, type LatencySummary } from '../support/latency.ts'
import type { Evidence, Verdict } from './judge.ts'
import { type End, FAULTS, type Fault, type Plan } from './plan.ts'

export interface Row {
  fault: Fault
  connections: number
  /** Connections to which the proxy did something that cut, reset, stalled or silenced them. */
  struck: number
  /** How often an end reported which cause. */
  causes: Record<End, Record<string, number>>
  /** Messages delivered, both ways. */
  messages: number
  /** Connections that lost a healthy peer because a process did nothing for too long. */
  excused: number
  /** Milliseconds in which dead peers were found: on the machine's clock, and without what the finder's own stalls can have added. */
  detection: { after: LatencySummary; own: LatencySummary }
}

interface Count extends Omit<Row, 'detection'> {
  after: Latencies
  own: Latencies
}

export class Tally {
  connections = 0
  messages = 0
  /** Connections that had another plan than `none`. */
  faulty = 0
  private readonly counts = new Map<Fault, Count>()

  add(plan: Plan, { client, server, proxy }: Evidence, verdict: Verdict): void {
    const count = this.countOf(plan.fault)
    const messages = (client?.received ?? 0) + (server?.received ?? 0)
    this.connections++
    this.messages += messages
    if (plan.fault !== 'none') this.faulty++
    count.connections++
    count.messages += messages
    if ((proxy?.struck.length ?? 0) > 0) count.struck++
    if (verdict.excused) count.excused++
    for (const [end, report] of [
      ['client', client],
      ['server', server],
    ] as const) {
      const cause = report?.ending?.cause ?? 'none'
      count.causes[end][cause] = (count.causes[end][cause] ?? 0) + 1
    }
    for (const { after, own } of verdict.detections) {
      count.after.add(after)
      count.own.add(own)
    }
  }

  rows(): Row[] {
    return FAULTS.flatMap((fault) => {
      const count = this.counts.get(fault)
      if (count === undefined) return []
      const { after, own, ...rest } = count
      return [{ ...rest, detection: { after: after.summary(), own: own.summary() } }]
    })
  }

  private countOf(fault: Fault): Count {
    const known = this.counts.get(fault)
    if (known !== undefined) return known
    const count: Count = {
      fault,
      connections: 0,
      struck: 0,
      causes: { client: {}, server: {} },
      messages: 0,
      excused: 0,
      after: new Latencies(),
      own: new Latencies(),
    }
    this.counts.set(fault, count)
    return count
  }
}
