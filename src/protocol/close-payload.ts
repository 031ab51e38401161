import { CloseCode, closeCodeName, isSendableCloseCode } from './close-code.ts'
import { ArgumentError } from './error.ts'
import type { Platform } from './platform.ts'

const MAX_REASON = 123
const EMPTY = new Uint8Array(0)

/**
 * The payload of a Close frame (RFC 6455 section 5.5.1); 1005 gives an empty one.
 * @throws ArgumentError when the code must not be sent, or the reason is over 123 bytes of UTF-8: it is never cut
 */
export function encodeClosePayload(platform: Platform, code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoStatusReceived && reason === '') return EMPTY
  if (!isSendableCloseCode(code)) {
    const name = Number.isInteger(code) ? ` (${closeCodeName(code)})` : ''
    throw new ArgumentError(
      `The close code ${code}${name} cannot be sent: use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 section 7.4).`,
    )
  }
  if (typeof reason !== 'string') throw new ArgumentError(`A close reason is a string, not ${typeof reason}.`)
  const length = platform.utf8Length(reason)
  if (length > MAX_REASON) {
    throw new ArgumentError(
      `The close reason takes ${length} bytes of UTF-8, more than the ${MAX_REASON} that fit a Close frame.`,
    )
  }
  const payload = platform.allocate(2 + length)
  payload[0] = code >> 8
  payload[1] = code
  platform.utf8Write(payload, 2, reason)
  return payload
}
