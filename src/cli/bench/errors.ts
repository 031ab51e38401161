import { type CloseInfo, describeClose } from '../../protocol/close-info.ts'
import { HandshakeError, ProtocolError } from '../../protocol/error.ts'

/** When it happened: while a connection was opened; when one was lost; or with a message. */
export type Stage = 'open' | 'lost' | 'message'

/** Errors of one kind. */
export interface ErrorCount {
  readonly stage: Stage
  readonly kind: string
  count: number
  /** The first one in words. */
  readonly example: string
}

/** What went wrong, by kind. */
export class Errors {
  private readonly kinds = new Map<string, ErrorCount>()

  add(stage: Stage, kind: string, example: string, count = 1): void {
    const known = this.kinds.get(`${stage} ${kind}`)
    if (known !== undefined) known.count += count
    else if (count > 0) this.kinds.set(`${stage} ${kind}`, { stage, kind, count, example })
  }

  merge(others: readonly ErrorCount[]): void {
    for (const { stage, kind, example, count } of others) this.add(stage, kind, example, count)
  }

  get total(): number {
    return this.list.reduce((sum, { count }) => sum + count, 0)
  }

  /** The most frequent first. */
  get list(): ErrorCount[] {
    return [...this.kinds.values()].toSorted((a, b) => b.count - a.count)
  }
}

/** Why a connection was not opened: as `ECONNREFUSED`, `503` or `HANDSHAKE_TIMEOUT`. */
export function kindOfFailure(error: unknown): string {
  if (!(error instanceof HandshakeError)) return error instanceof Error ? error.name : 'unknown'
  const { code, status, cause } = error
  if (code === 'UNEXPECTED_STATUS') return String(status)
  const system = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'CONNECT_FAILED' && typeof system === 'string' ? system : code
}

/** Why one was lost: as `reset`, `peer-close 1011` or `protocol-error INVALID_UTF8`. */
export function kindOfLoss({ cause, code, error }: CloseInfo): string {
  if (cause === 'peer-close') return `${cause} ${code}`
  return error instanceof ProtocolError ? `${cause} ${error.code}` : cause
}

/** The end of a connection in a sentence. */
export function lossInWords(info: CloseInfo): string {
  return info.error?.message ?? `${describeClose(info)}.`
}
