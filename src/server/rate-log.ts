import type { HandshakeError } from '../protocol/error.ts'
import { oneLine } from '../protocol/quote.ts'
import { PrintLimit, type PrintLimitOptions } from '../socket/print-limit.ts'

export interface RefusalLogOptions extends PrintLimitOptions {
  /** Where a line goes. What it throws comes out of `refused` and `flush`. */
  write: (line: string) => void
}

/** Longer lines are cut, so that what a peer sent cannot fill a disk. */
const MAX_LINE_LENGTH = 500

/**
 * Logs refused handshakes, but only so many in a time: whoever can connect can be refused, and as often as they like.
 * It keeps no timer. What was left out is counted, and said before the first line of the next window.
 */
export class RefusalLog {
  private readonly write: (line: string) => void
  private readonly limit: PrintLimit

  constructor({ write, ...limit }: RefusalLogOptions) {
    this.write = write
    this.limit = new PrintLimit(limit)
  }

  /** Logs one refusal, on one line, or counts it when the window has had its lines. */
  refused(line: string): void {
    if (!this.limit.admits()) return
    this.flush()
    this.write(oneLine(line, MAX_LINE_LENGTH))
  }

  /** Says how many refusals were left out since the last line that said so, if any were. For when a server closes. */
  flush(): void {
    const omitted = this.limit.takeOmitted()
    if (omitted === 0) return
    this.write(`${omitted === 1 ? '1 more refusal was' : `${omitted} more refusals were`} not logged.`)
  }
}

/** Logs a handshake that was refused, with the status and the reason that it was given. */
export function logRefusal(log: RefusalLog, remoteAddress: string | undefined, error: HandshakeError): void {
  const from = remoteAddress ?? 'a local peer'
  log.refused(`heartwire refused a handshake from ${from} with ${error.status}: ${error.message}`)
}
