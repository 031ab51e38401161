import { HandshakeError } from '../protocol/error.ts'
import { oneLine } from '../protocol/quote.ts'

/** Why a connection could not be opened, in words, by the code of the system's error. */
const SYSTEM: Readonly<Record<string, (name: string) => string>> = {
  ECONNREFUSED: (name) => `Nothing listens at ${name}.`,
  ENOENT: (name) => `There is no Unix socket at ${name}.`,
  ENOTFOUND: (name) => `${name} cannot be found: there is no such name.`,
  EAI_AGAIN: (name) => `${name} cannot be found now: the name server does not answer.`,
  ETIMEDOUT: (name) => `${name} did not answer.`,
  EHOSTUNREACH: (name) => `There is no way to ${name} in the network.`,
  ENETUNREACH: (name) => `There is no way to ${name} in the network.`,
  EACCES: (name) => `Connecting to ${name} is not allowed.`,
  EPERM: (name) => `Connecting to ${name} is not allowed.`,
  ECONNRESET: (name) => `${name} cut the connection before it was open.`,
  EPIPE: (name) => `${name} cut the connection before it was open.`,
  EADDRNOTAVAIL: (name) =>
    `There is no port left, or no such local address, for a connection to ${name} (EADDRNOTAVAIL).`,
  EADDRINUSE: (name) => `The local address has no port left for a connection to ${name} (EADDRINUSE).`,
  EMFILE: (name) => `This process has no file descriptor left for a connection to ${name} (EMFILE).`,
  ENFILE: (name) => `This system has no file descriptor left for a connection to ${name} (ENFILE).`,
}

const UNTRUSTED = [
  'was not issued by an authority that is trusted here',
  'If it is yours, give the issuer in tls.ca.',
] as const

/** What is wrong with a certificate, and what to do about it, by OpenSSL's and Node's names for it. */
const CERTIFICATE: Readonly<Record<string, readonly [what: string, hint?: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: ['has expired'],
  CERT_NOT_YET_VALID: ['is not valid yet', 'Is the clock right?'],
  CERT_REVOKED: ['was revoked'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['is for another name', 'If that is meant, give the name in tls.servername.'],
}

/** The error for a transport that could not be opened. */
export function connectFailure(error: unknown, name: string): HandshakeError {
  const { code = '', message } = describe(error)
  return new HandshakeError('CONNECT_FAILED', sentence(code, message, name), { cause: error })
}

function sentence(code: string, message: string, name: string): string {
  const system = SYSTEM[code]
  if (system !== undefined) return system(name)
  const [what, hint] = CERTIFICATE[code] ?? []
  if (what !== undefined) return `The certificate of ${name} ${what} (${code}).${hint === undefined ? '' : ` ${hint}`}`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return `What ${name} answered is not TLS (${code}). Perhaps "ws:" is meant, not "wss:".`
  }
  if (code.startsWith('ERR_SSL_')) return `The TLS handshake with ${name} failed (${code}): ${message}.`
  return `The connection to ${name} could not be opened${code === '' ? '' : ` (${code})`}: ${message}.`
}

/** The error for what came in place of an answer to the handshake. */
export function answerFailure(error: unknown, name: string): HandshakeError {
  const { code = '', message, firstByte } = describe(error)
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HandshakeError('BAD_RESPONSE', `The headers of the answer of ${name} are longer than Node takes.`, {
      cause: error,
    })
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'HPE_INVALID_EOF_STATE') return wentAway(name, error)
  if (code.startsWith('HPE_')) {
    // The first byte of a TLS alert (RFC 8446 section 5.1).
    const hint = firstByte === 0x15 ? ' It speaks TLS: perhaps "wss:" is meant, not "ws:".' : ''
    return new HandshakeError('BAD_RESPONSE', `What ${name} answered is not HTTP (${message}).${hint}`, {
      cause: error,
    })
  }
  return connectFailure(error, name)
}

/** The error for a peer that ended the connection without a byte: as some servers do to whom TLS should be spoken. */
export function saidNothing(name: string, cause: unknown): HandshakeError {
  const message = `${name} closed the connection without an answer. If it speaks TLS, "wss:" is meant, not "ws:".`
  return new HandshakeError('HANDSHAKE_ABORTED', message, { cause })
}

/** The error for a peer that ended the connection before its answer was there. */
export function wentAway(name: string, cause?: unknown): HandshakeError {
  return new HandshakeError('HANDSHAKE_ABORTED', `${name} closed the connection before it had answered.`, { cause })
}

/** The parts of a system's error, of OpenSSL's, of an HTTP parser's, or of whatever was thrown. */
function describe(error: unknown): { code?: string; message: string; firstByte?: number | undefined } {
  if (!(error instanceof Error)) return { message: oneLine(String(error), 200) }
  const { code, reason, rawPacket } = error as NodeJS.ErrnoException & { reason?: unknown; rawPacket?: Uint8Array }
  // It is still there, but the bytes of an answer, cookies and all, are not printed with the error.
  if (rawPacket !== undefined) Object.defineProperty(error, 'rawPacket', { enumerable: false })
  return {
    message: oneLine(typeof reason === 'string' ? reason : error.message, 200),
    firstByte: rawPacket?.[0],
    ...(typeof code === 'string' && { code }),
  }
}
