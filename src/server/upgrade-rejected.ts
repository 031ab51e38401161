import { encodeClosePayload } from '../protocol/close-payload.ts'
import { ArgumentError, HeartwireError } from '../protocol/error.ts'
import { refusalResponse, responseHead } from '../protocol/handshake.ts'
import type { OutgoingHeaders } from '../protocol/headers.ts'
import { shared } from '../socket/runtime.ts'

/** Thrown by an `upgrade` hook to refuse a client. */
export class UpgradeRejected extends HeartwireError {
  override readonly name = 'UpgradeRejected'
  readonly code = 'UPGRADE_REJECTED'
  /** The HTTP status of the answer. */
  readonly status: number
  readonly closeCode: number | undefined
  readonly headers: OutgoingHeaders

  /**
   * @param status 300 to 599
   * @param reason told to the client, as the body of the answer or as the reason of the Close frame
   * @param options `closeCode`: a browser hides the status of a refusal from its page, but not a close code; with one
   * the handshake is completed, and closed at once with that code. `headers`: further headers of the answer.
   * @throws ArgumentError for a status, a close code or a header that cannot be sent, or a reason too long for the close code
   */
  constructor(status: number, reason: string, options: { closeCode?: number; headers?: OutgoingHeaders } = {}) {
    super(reason)
    if (!Number.isInteger(status) || status < 300 || status > 599) {
      throw new ArgumentError(`A handshake cannot be refused with status ${status}: it must be from 300 to 599.`)
    }
    const { closeCode, headers = {} } = options
    // What cannot be sent is told here, to whoever wrote it.
    if (closeCode === undefined) {
      refusalResponse({ status, reason, headers }, shared.platform)
    } else {
      encodeClosePayload(shared.platform, closeCode, reason)
      responseHead({ key: '', headers }, shared.platform)
    }
    this.status = status
    this.closeCode = closeCode
    this.headers = headers
  }
}
