/** What the clients of a soak have seen, and what the server should have. */
import type { CloseCause } from 'heartwire'
import { Latencies } from '../support/latency.ts'
import type { Ended } from './protocol.ts'

/** As many are kept in words. */
const MOST_PROBLEMS = 50

export class Tally {
  /** Messages that came back or were published, and arrived as they should. */
  messages = 0
  /** Messages that were not answered, or left a gap. */
  lost = 0
  /** Messages that were not the one that was due. */
  corrupted = 0
  /** Handshakes that were refused as they should be. */
  refused = 0
  /** Ends that were not what the client had done, and handshakes that went wrong. */
  unexpected = 0
  /** Of the above, the first few. */
  readonly problems: string[] = []
  /** From sending to the echo, since it was last taken. */
  readonly latency = new Latencies()
  /** Ends that the server reported, by cause. */
  readonly causes: Record<string, number> = {}
  private nextId = 1
  /** The connections whose end has not been reported, with the causes that it may have. */
  private readonly due = new Map<number, readonly CloseCause[]>()

  /** The number of a connection that is opened now. */
  open(): number {
    const id = this.nextId++
    this.due.set(id, [])
    return id
  }

  /** The handshake failed: there will be no end. */
  failed(id: number): void {
    this.due.delete(id)
  }

  /** What the client is about to do may be reported as any of these. */
  expect(id: number, ...causes: readonly CloseCause[]): void {
    this.due.set(id, causes)
  }

  /** What the server reported. */
  reported(ended: readonly Ended[]): void {
    for (const [id, cause] of ended) {
      this.causes[cause] = (this.causes[cause] ?? 0) + 1
      const expected = this.due.get(id)
      this.due.delete(id)
      if (expected === undefined) this.wrong(`connection ${id} ended twice, the second time with ${cause}`)
      else if (!expected.includes(cause))
        this.wrong(`connection ${id} ended with ${cause}, not ${expected.join(' or ') || 'at all'}`)
    }
  }

  get opened(): number {
    return this.nextId - 1
  }

  /** Connections whose end was not reported. */
  get unreported(): number {
    return this.due.size
  }

  lose(count: number, what: string): void {
    this.lost += count
    this.note(what)
  }

  corrupt(what: string): void {
    this.corrupted++
    this.note(what)
  }

  wrong(what: string): void {
    this.unexpected++
    this.note(what)
  }

  private note(what: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(what)
  }
}
