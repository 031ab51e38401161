import type { CloseCause, CloseInfo } from '../protocol/close-info.ts'
import type { DropReason } from '../socket/options.ts'
import { sendBudget } from '../socket/send-budget.ts'
import type { Socket } from '../socket/socket.ts'
import type { RefusalReason } from './refusals.ts'

/** What a server has done since it was made, and what it is doing now. A copy: it does not change. */
export interface ServerStats {
  /** Connections now, by state. */
  readonly connections: {
    /** Handshakes whose `upgrade` hook is at work. */
    readonly handshakes: number
    readonly open: number
    readonly closing: number
  }
  /** Connections in all, those included that were opened only to be closed with a code (`UpgradeRejected`). */
  readonly opened: number
  /** Connections that have ended: `opened` without those that are open or closing. */
  readonly closed: {
    readonly total: number
    /** By `CloseInfo.code`. Beyond 100 different codes the rest is counted under `other`, since peers choose them. */
    readonly byCode: Readonly<Record<string, number>>
    readonly byCause: Readonly<Partial<Record<CloseCause, number>>>
  }
  /** Handshakes that led to no connection, or only to one that was closed with a code. */
  readonly refused: {
    readonly total: number
    /** By the code of the error; `UPGRADE_REJECTED` for those that the `upgrade` hook refused. */
    readonly byReason: Readonly<Partial<Record<RefusalReason, number>>>
  }
  readonly messages: {
    /** Messages from peers, those that were dropped included. */
    readonly in: number
    /** Messages that `send` and `publish` took, those that were dropped later included; without those sent in fragments. */
    readonly out: number
    /** Messages that were dropped, either way, by the limit that dropped them. */
    readonly dropped: Readonly<Record<DropReason, number>>
    /** Messages whose place in the queue a newer one with the same key took. */
    readonly coalesced: number
  }
  /** Bytes of frames, without handshakes and TLS. */
  readonly bytes: {
    readonly in: number
    readonly out: number
    /** Bytes that have been sent and not yet taken by the kernel, now. */
    readonly queued: number
  }
  /** Round-trip times of the pings that were answered, in milliseconds. */
  readonly roundTrip: RoundTrips
  /** What `sendBudget` says now, of the whole process: bytes. */
  readonly sendBudget: { readonly limit: number; readonly used: number }
  /** What plain sockets are read and written by: `server.transport`. */
  readonly transport: 'native' | 'node'
}

/** How often a time was how long. */
export interface RoundTrips {
  /** How many took at most so many milliseconds; the last bound is infinite. Each bucket contains those before it. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[]
  readonly count: number
  /** Milliseconds of all together. */
  readonly sum: number
}

const ROUND_TRIP_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY]
/** Different close codes that are counted apart. */
const MAX_CODES = 100

/** What has gone through connections. */
interface Traffic {
  messagesIn: number
  messagesOut: number
  bytesIn: number
  bytesOut: number
  dropped: Record<DropReason, number>
  coalesced: number
}

/** Counts what happens to the connections of a server. What goes through them they count themselves, while they are there. */
export class Statistics {
  private opened = 0
  private closed = 0
  private refused = 0
  private readonly byCode = new Map<string, number>()
  private readonly byCause = new Map<CloseCause, number>()
  private readonly byReason = new Map<RefusalReason, number>()
  /** Of the connections that are gone. */
  private readonly gone: Traffic = noTraffic()
  /** How many round trips ended in each bucket, and in none before it. */
  private readonly roundTrips = ROUND_TRIP_BOUNDS.map(() => 0)
  private roundTripSum = 0

  noteOpened(): void {
    this.opened++
  }

  noteClosed(socket: Socket, { code, cause }: CloseInfo): void {
    this.closed++
    const key = String(code)
    count(this.byCode, this.byCode.size < MAX_CODES || this.byCode.has(key) ? key : 'other')
    count(this.byCause, cause)
    add(this.gone, socket)
  }

  noteRefused(reason: RefusalReason): void {
    this.refused++
    count(this.byReason, reason)
  }

  noteRoundTrip(milliseconds: number): void {
    const bucket = ROUND_TRIP_BOUNDS.findIndex((bound) => milliseconds <= bound)
    this.roundTrips[bucket]!++
    this.roundTripSum += milliseconds
  }

  /** Sums it up, with the connections that are there. */
  read(sockets: Iterable<Socket>, handshakes: number, transport: ServerStats['transport']): ServerStats {
    const traffic = { ...this.gone, dropped: { ...this.gone.dropped } }
    let queued = 0
    let open = 0
    let closing = 0
    for (const socket of sockets) {
      add(traffic, socket)
      queued += socket.bufferedAmount
      if (socket.state === 'open') open++
      else closing++
    }
    const { messagesIn, messagesOut, dropped, coalesced, bytesIn, bytesOut } = traffic
    return {
      connections: { handshakes, open, closing },
      opened: this.opened,
      closed: {
        total: this.closed,
        byCode: Object.fromEntries(this.byCode),
        byCause: Object.fromEntries(this.byCause),
      },
      refused: { total: this.refused, byReason: Object.fromEntries(this.byReason) },
      messages: { in: messagesIn, out: messagesOut, dropped, coalesced },
      bytes: { in: bytesIn, out: bytesOut, queued },
      roundTrip: this.readRoundTrips(),
      sendBudget: { limit: sendBudget.limit, used: sendBudget.used },
      transport,
    }
  }

  private readRoundTrips(): RoundTrips {
    let sum = 0
    const buckets = ROUND_TRIP_BOUNDS.map((upTo, index) => {
      sum += this.roundTrips[index]!
      return { upTo, count: sum }
    })
    return { buckets, count: sum, sum: this.roundTripSum }
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function noTraffic(): Traffic {
  const dropped = { 'max-buffered': 0, 'max-queue-age': 0, 'message-rate': 0, 'byte-rate': 0 }
  return { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0, dropped, coalesced: 0 }
}

function add(traffic: Traffic, { counts }: Socket): void {
  traffic.messagesIn += counts.messagesIn
  traffic.messagesOut += counts.messagesOut
  traffic.bytesIn += counts.bytesIn
  traffic.bytesOut += counts.bytesOut
  traffic.coalesced += counts.coalesced
  for (const reason of Object.keys(counts.dropped) as DropReason[]) traffic.dropped[reason] += counts.dropped[reason]
}
