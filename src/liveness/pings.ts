interface SentPing {
  payload: Uint8Array
  /** When it was sent, or when the kernel took it. */
  at: number
  taken: boolean
  settle: ((roundTrip: number | undefined) => void) | undefined
}

/** More than this many unanswered pings are not remembered: the oldest are given up. */
const MOST = 1024

/** The pings that have been sent and not answered. A pong answers its ping and all before it (RFC 6455 section 5.5.3). */
export class Pings {
  private readonly sent: SentPing[] = []
  private sequence = 0

  /** A payload that tells this ping from the others of its connection. */
  payload(): Uint8Array {
    this.sequence = (this.sequence + 1) >>> 0
    const n = this.sequence
    return Uint8Array.of(0x68, 0x77, n >>> 24, n >>> 16, n >>> 8, n)
  }

  /** Remembers a ping; `settle` gets its round-trip time in ms, or undefined when it is given up. */
  add(payload: Uint8Array, now: number, settle?: (roundTrip: number | undefined) => void): void {
    if (this.sent.length === MOST) this.sent.shift()?.settle?.(undefined)
    this.sent.push({ payload, at: now, taken: false, settle })
  }

  taken(now: number): void {
    for (let i = this.sent.length - 1; i >= 0; i--) {
      const ping = this.sent[i]!
      if (ping.taken) break
      ping.taken = true
      ping.at = now
    }
  }

  /** The round-trip time of the ping that this pong answers, or undefined when it answers none. */
  answered(payload: Uint8Array, now: number): number | undefined {
    const index = this.sent.findLastIndex((ping) => equal(ping.payload, payload))
    if (index < 0) return undefined
    let roundTrip: number | undefined
    for (const ping of this.sent.splice(0, index + 1)) {
      roundTrip = now - ping.at
      ping.settle?.(roundTrip)
    }
    return roundTrip
  }

  giveUp(): void {
    for (const ping of this.sent.splice(0)) ping.settle?.(undefined)
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
