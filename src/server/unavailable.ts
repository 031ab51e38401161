import { HandshakeError, type HandshakeErrorCode } from '../protocol/error.ts'

/** Whole seconds after which to come again: one of 1 to this, by chance, so that not all who were refused come at once. */
const LONGEST_RETRY = 10

/** The refusal of a handshake that comes when the server has been told to close. */
export function serverClosing(): HandshakeError {
  return unavailable('SERVER_CLOSING', 'The server is closing.')
}

/** The refusal of a handshake that may succeed a little later: 503 with Retry-After (RFC 9110 section 10.2.3). */
export function unavailable(code: HandshakeErrorCode, message: string): HandshakeError {
  const seconds = 1 + Math.floor(Math.random() * LONGEST_RETRY)
  return new HandshakeError(code, message, { status: 503, headers: { 'retry-after': String(seconds) } })
}
