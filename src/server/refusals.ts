import type { Duplex } from 'node:stream'
import type { HandshakeError, HandshakeErrorCode } from '../protocol/error.ts'
import { logRefusal, RefusalLog } from './rate-log.ts'
import { refuseStream } from './refuse-stream.ts'

/** Why a handshake led to no connection: what was wrong with it, or that the hook refused it, or that the server failed. */
export type RefusalReason = HandshakeErrorCode | 'UPGRADE_REJECTED' | 'SERVER_FAILED'

/** A handshake that led to no connection. */
export interface Refusal {
  readonly reason: RefusalReason
  /** What it was answered with; undefined when nobody was there any more. */
  readonly status: number | undefined
  readonly message: string
  readonly clientAddress: string | undefined
}

const FAILED = 'The server failed to answer the handshake.'

/** Every handshake that a server refuses comes by here, to be counted and logged. */
export class Refusals {
  private readonly log: RefusalLog
  /** Apart from the others, which anybody can bring about: this line explains the 1006 that a browser shows. */
  private readonly originLog: RefusalLog

  constructor(write: (line: string) => void) {
    const options = { write, now: () => performance.now() }
    this.log = new RefusalLog(options)
    this.originLog = new RefusalLog(options)
  }

  /** Refuses a handshake for what is wrong with it, and ends its stream. */
  refuse(stream: Duplex, error: HandshakeError, clientAddress: string | undefined): void {
    this.noteError(error, clientAddress)
    refuseStream(stream, error.status ?? 400, error.message, error.headers)
  }

  /** Refuses a handshake for a fault of the server's, whose details are nobody's business. */
  fail(stream: Duplex, clientAddress: string | undefined): void {
    this.note({ reason: 'SERVER_FAILED', status: 500, message: FAILED, clientAddress })
    refuseStream(stream, 500, FAILED)
  }

  /** A handshake was refused, or its client went away. */
  noteError(error: HandshakeError, clientAddress: string | undefined): void {
    const { code, status, message } = error
    if (status !== undefined) {
      logRefusal(code === 'ORIGIN_REFUSED' ? this.originLog : this.log, clientAddress, error)
    }
    this.note({ reason: code, status, message, clientAddress })
  }

  /** Every refusal, once. What the application has decided, or is told of as its own failure, is not logged. */
  note(_refusal: Refusal): void {}

  /** Says what was left out of the log. */
  flush(): void {
    this.log.flush()
    this.originLog.flush()
  }
}
