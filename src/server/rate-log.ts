import type { HandshakeError } from '../protocol/error.ts'
import { oneLine } from '../protocol/quote.ts'

export interface RefusalLogOptions {
  /** Where a line goes. What it throws comes out of `refused` and `flush`. */
  write: (line: string) => void
  /** The time in milliseconds, from a clock that never goes back. */
  now: () => number
  /** Lines in a window; 5. */
  limit?: number
  /** Length of a window in milliseconds; 10_000. */
  window?: number
}

/** Longer lines are cut, so that what a peer sent cannot fill a disk. */
const MAX_LINE_LENGTH = 500

/**
 * Logs refused handshakes, but only so many in a time: whoever can connect can be refused, and as often as they like.
 * It keeps no timer. What was left out is counted, and said before the first line of the next window.
 */
export class RefusalLog {
  private readonly write: (line: string) => void
  private readonly now: () => number
  private readonly limit: number
  private readonly window: number
  private windowEnd = Number.NEGATIVE_INFINITY
  private written = 0
  private omitted = 0

  constructor({ write, now, limit = 5, window = 10_000 }: RefusalLogOptions) {
    this.write = write
    this.now = now
    this.limit = limit
    this.window = window
  }

  /** Logs one refusal, on one line, or counts it when the window has had its lines. */
  refused(line: string): void {
    const now = this.now()
    if (now >= this.windowEnd) {
      this.windowEnd = now + this.window
      this.written = 0
      this.flush()
    }
    if (this.written === this.limit) {
      this.omitted++
      return
    }
    this.written++
    this.write(oneLine(line, MAX_LINE_LENGTH))
  }

  /** Says how many refusals were left out since the last line that said so, if any were. For when a server closes. */
  flush(): void {
    if (this.omitted === 0) return
    const what = this.omitted === 1 ? '1 more refusal was' : `${this.omitted} more refusals were`
    this.omitted = 0
    this.write(`${what} not logged.`)
  }
}

/** Logs a handshake that was refused, with the status and the reason that it was given. */
export function logRefusal(log: RefusalLog, remoteAddress: string | undefined, error: HandshakeError): void {
  const from = remoteAddress ?? 'a local peer'
  log.refused(`heartwire refused a handshake from ${from} with ${error.status}: ${error.message}`)
}
