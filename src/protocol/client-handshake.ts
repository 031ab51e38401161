import { HandshakeError } from './error.ts'
import { formatExtensions, parseExtensions } from './extension.ts'
import { type AgreedExtension, confirmExtensions, type Extension, offeredExtensions } from './extension-negotiation.ts'
import { acceptKey } from './handshake-key.ts'
import { type HeaderFields, type HeaderLine, listHasToken } from './headers.ts'
import type { Platform } from './platform.ts'
import { quote } from './quote.ts'
import { reasonPhrase } from './response.ts'
import { VERSION } from './server-handshake.ts'
import { checkSubprotocols, listOfNames } from './subprotocol.ts'

/** What a client asks for in its handshake. */
export interface ClientOffer<Agreed = unknown> {
  /** From `createKey`. */
  key: string
  /** In the client's order of preference. */
  protocols?: readonly string[] | undefined
  /** In the client's order of preference. */
  extensions?: readonly Extension<Agreed>[] | undefined
}

/** The head of an HTTP response. */
export interface ResponseHead {
  status: number
  headers: HeaderFields
}

/** What the server chose of a client's offer. */
export interface Agreement<Agreed = unknown> {
  /** The subprotocol, or the empty string when the server chose none. */
  protocol: string
  /** In the order of the server's answer. */
  extensions: AgreedExtension<Agreed>[]
}

/**
 * The headers of a client's handshake besides Host and Origin (RFC 6455 section 4.1). Throws ArgumentError for a
 * subprotocol that is not a token or is there twice.
 */
export function requestHeaders(offer: ClientOffer): HeaderLine[] {
  const { key, protocols = [] } = offer
  const extensions = offeredExtensions(offer.extensions ?? [])
  checkSubprotocols(protocols)
  const lines: HeaderLine[] = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', key],
    ['Sec-WebSocket-Version', VERSION],
  ]
  if (protocols.length > 0) lines.push(['Sec-WebSocket-Protocol', protocols.join(', ')])
  if (extensions.length > 0) lines.push(['Sec-WebSocket-Extensions', formatExtensions(extensions)])
  return lines
}

/**
 * Checks a server's answer (RFC 6455 section 4.1). Throws HandshakeError, with the status and the headers of the answer:
 * UNEXPECTED_STATUS when it is not 101, BAD_RESPONSE when it is and breaks a rule or chooses what was not offered.
 */
export function checkUpgradeResponse<Agreed>(
  response: ResponseHead,
  offer: ClientOffer<Agreed>,
  platform: Platform,
): Agreement<Agreed> {
  const { status } = response
  if (status !== 101) {
    const what = `The server answered ${status} ${reasonPhrase(status)} where a WebSocket handshake is answered with 101`
    throw new HandshakeError('UNEXPECTED_STATUS', `${what} (RFC 6455 section 4.1).`, { status, headers: all(response) })
  }
  checkUpgraded(response)
  const accept = single(response, 'Sec-WebSocket-Accept')
  const expected = acceptKey(offer.key, platform)
  if (accept !== expected) {
    const what = `Sec-WebSocket-Accept is ${quote(accept)}, and ${quote(expected)} answers the key that was sent`
    throw bad(response, what, 'Something that is no WebSocket server, or a cache, may have answered.')
  }
  return {
    protocol: chosenProtocol(response, offer.protocols ?? []),
    extensions: chosenExtensions(response, offer.extensions ?? []),
  }
}

function checkUpgraded(response: ResponseHead): void {
  const upgrade = single(response, 'Upgrade')
  if (upgrade.toLowerCase() !== 'websocket') {
    throw bad(response, `the Upgrade header is ${quote(upgrade)}, not "websocket"`)
  }
  const connection = response.headers.get('connection')
  if (connection === undefined) throw bad(response, 'it has no Connection header')
  if (!listHasToken(response.headers.lines('connection'), 'upgrade')) {
    throw bad(response, `the Connection header ${quote(connection)} does not name "Upgrade"`)
  }
}

function chosenProtocol(response: ResponseHead, offered: readonly string[]): string {
  if (response.headers.lines('sec-websocket-protocol').length === 0) return ''
  const protocol = single(response, 'Sec-WebSocket-Protocol')
  if (offered.includes(protocol)) return protocol
  throw bad(response, `it chooses the subprotocol ${quote(protocol)}, and the client offered ${listOfNames(offered)}`)
}

/** Several lines are as good as one (RFC 6455 section 11.3.2, as corrected by its erratum 3433). */
function chosenExtensions<Agreed>(
  response: ResponseHead,
  offered: readonly Extension<Agreed>[],
): AgreedExtension<Agreed>[] {
  const header = response.headers.get('sec-websocket-extensions')
  if (header === undefined) return []
  const headers = all(response)
  return confirmExtensions(parseExtensions(header, 'server', headers), offered, headers)
}

/** The value of a header that there must be exactly one of (RFC 6455 section 11.3). */
function single(response: ResponseHead, name: string): string {
  const [value, ...others] = response.headers.lines(name)
  if (value === undefined) throw bad(response, `it has no ${name} header`)
  if (others.length > 0) throw bad(response, `it has ${others.length + 1} ${name} headers where there must be one`)
  return value
}

function bad(response: ResponseHead, what: string, hint?: string): HandshakeError {
  const message = `The server's answer is 101, but ${what} (RFC 6455 section 4.1).`
  return new HandshakeError('BAD_RESPONSE', hint === undefined ? message : `${message} ${hint}`, {
    status: response.status,
    headers: all(response),
  })
}

/** The answer's headers for an error. Set-Cookie is the one that cannot be joined (RFC 9110 section 5.3). */
function all({ headers }: ResponseHead): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = headers.record()
  const cookies = headers.lines('set-cookie')
  if (cookies.length > 0) record['set-cookie'] = [...cookies]
  return record
}
