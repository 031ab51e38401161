import type { HandshakeError, HandshakeErrorCode } from '../protocol/error.ts'
import { refusedChannel } from '../socket/diagnostics.ts'
import type { HandshakeStream } from './handshake-stream.ts'
import { logRefusal, RefusalLog } from './rate-log.ts'

/** Why a handshake led to no connection: what was wrong with it, or that the hook refused it, or that the server failed. */
export type RefusalReason = HandshakeErrorCode | 'UPGRADE_REJECTED' | 'SERVER_FAILED'

/** Who asked for a handshake, and for what. */
export interface Asker {
  readonly clientAddress: string | undefined
  /** Without the query. */
  readonly path: string
}

/** A handshake that led to no connection. */
export interface Refusal extends Asker {
  readonly reason: RefusalReason
  /** What it was answered with; undefined when nobody was there any more. */
  readonly status: number | undefined
  readonly message: string
}

const FAILED = 'The server failed to answer the handshake.'

/** Every handshake that a server refuses comes by here, to be counted and logged. */
export class Refusals {
  private readonly log: RefusalLog
  /** Apart from the others, which anybody can bring about: this line explains the 1006 that a browser shows. */
  private readonly originLog: RefusalLog
  private readonly count: (reason: RefusalReason) => void

  constructor(write: (line: string) => void, count: (reason: RefusalReason) => void) {
    this.count = count
    const options = { write, now: () => performance.now() }
    this.log = new RefusalLog(options)
    this.originLog = new RefusalLog(options)
  }

  /** Refuses a handshake for what is wrong with it, and ends its stream. */
  refuse(stream: Pick<HandshakeStream, 'refuse'>, error: HandshakeError, from: Asker): void {
    this.noteError(error, from)
    stream.refuse(error.status ?? 400, error.message, error.headers)
  }

  /** Refuses a handshake for a fault of the server's, whose details are nobody's business. */
  fail(stream: Pick<HandshakeStream, 'refuse'>, from: Asker): void {
    this.note({ reason: 'SERVER_FAILED', status: 500, message: FAILED, ...from })
    stream.refuse(500, FAILED)
  }

  /** A handshake was refused, or its client went away. */
  noteError(error: HandshakeError, from: Asker): void {
    const { code, status, message } = error
    if (status !== undefined) {
      logRefusal(code === 'ORIGIN_REFUSED' ? this.originLog : this.log, from.clientAddress, error)
    }
    this.note({ reason: code, status, message, ...from })
  }

  /** Every refusal, once. What the application has decided, or is told of as its own failure, is not logged. */
  note({ reason, status, message, clientAddress, path }: Refusal): void {
    this.count(reason)
    if (!refusedChannel.hasSubscribers) return
    refusedChannel.publish({ code: reason, status, message, remoteAddress: clientAddress, path })
  }

  /** Says what was left out of the log. */
  flush(): void {
    this.log.flush()
    this.originLog.flush()
  }
}
