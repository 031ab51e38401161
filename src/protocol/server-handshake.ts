import { parseAuthority } from './authority.ts'
import { base64Of16Problem } from './base64.ts'
import { HandshakeError, type HandshakeErrorCode } from './error.ts'
import { type ExtensionOffer, parseExtensions } from './extension.ts'
import { type HeaderFields, isToken, listElements, listHasToken } from './headers.ts'
import { quote } from './quote.ts'

/** The version of the protocol that RFC 6455 defines (section 4.1, item 9). */
export const VERSION = '13'

/** The head of an HTTP request. */
export interface RequestHead {
  method: string
  /** As in `1.1`. */
  httpVersion: string
  headers: HeaderFields
}

/** What a client's handshake asks for. */
export interface UpgradeOffer {
  key: string
  /** The Host header. */
  host: string
  /** The subprotocols, in the client's order of preference, each of them once. */
  protocols: string[]
  extensions: ExtensionOffer[]
}

/**
 * Checks a client's opening handshake (RFC 6455 section 4.2.1). Throws HandshakeError with the status and the headers to
 * answer it with, and with a message that says what was wrong:
 *
 * - 405 and `Allow` for a method other than GET,
 * - 426, `Upgrade` and `Sec-WebSocket-Version` for a request that does not ask for WebSocket, or for another version,
 * - 400 for everything else.
 */
export function checkUpgradeRequest(request: RequestHead): UpgradeOffer {
  const { method, httpVersion, headers } = request
  if (method !== 'GET') {
    const what = `The method is ${quote(method)}, and a WebSocket handshake is a GET request`
    throw refuse(what, 'METHOD_NOT_ALLOWED', 405, { allow: 'GET' })
  }
  if (!isVersion11OrHigher(httpVersion)) {
    throw refuse(`The HTTP version is ${quote(httpVersion)}, and a WebSocket handshake needs 1.1 or higher`)
  }
  const host = checkHost(headers)
  checkUpgrade(headers)
  checkVersion(headers)
  const key = checkKey(headers)
  checkNoBody(headers)
  return {
    key,
    host,
    protocols: offeredProtocols(headers),
    extensions: parseExtensions(headers.get('sec-websocket-extensions') ?? ''),
  }
}

function isVersion11OrHigher(version: string): boolean {
  const [major, minor, ...rest] = version.split('.')
  if (rest.length > 0 || !isDigit(major) || !isDigit(minor)) return false
  return Number(major) > 1 || (major === '1' && minor !== '0')
}

function isDigit(text: string | undefined): boolean {
  return text !== undefined && /^\d$/.test(text)
}

function checkHost(headers: HeaderFields): string {
  const host = single(headers, 'Host')
  if (parseAuthority(host) === undefined) {
    throw refuse(`The Host header ${quote(host)} is not a host with an optional port`)
  }
  return host
}

function checkUpgrade(headers: HeaderFields): void {
  const upgrade = headers.get('upgrade')
  if (upgrade === undefined) {
    // The other headers of a handshake tell a page opened in a browser from a handshake that a proxy has cut down.
    const cut = headers.get('sec-websocket-key') !== undefined
    const hint = cut ? DROPPED : 'Nothing but WebSocket is spoken here.'
    throw upgradeRequired('The request has no Upgrade header, which must name "websocket"', 'BAD_REQUEST', hint)
  }
  if (!listHasToken(headers.lines('upgrade'), 'websocket')) {
    throw upgradeRequired(`The Upgrade header ${quote(upgrade)} does not name "websocket"`)
  }
  const connection = headers.get('connection')
  if (connection === undefined) {
    throw refuse('The request has no Connection header, which must name "Upgrade"', 'BAD_REQUEST', 400, {}, DROPPED)
  }
  if (!listHasToken(headers.lines('connection'), 'upgrade')) {
    const what = `The Connection header ${quote(connection)} does not name "Upgrade"`
    throw refuse(what, 'BAD_REQUEST', 400, {}, 'A proxy in between may have replaced it.')
  }
}

const DROPPED = 'A proxy in between may have dropped it.'

function checkVersion(headers: HeaderFields): void {
  const lines = headers.lines('sec-websocket-version')
  if (lines.length === 0) {
    const what = `The request has no Sec-WebSocket-Version header, which must be "${VERSION}"`
    throw upgradeRequired(what, 'UNSUPPORTED_VERSION')
  }
  const version = single(headers, 'Sec-WebSocket-Version')
  if (version !== VERSION) {
    const what = `The Sec-WebSocket-Version ${quote(version)} is not supported, "${VERSION}" is`
    throw upgradeRequired(what, 'UNSUPPORTED_VERSION')
  }
}

function checkKey(headers: HeaderFields): string {
  const key = single(headers, 'Sec-WebSocket-Key')
  const problem = base64Of16Problem(key)
  if (problem === undefined) return key
  throw refuse(`The Sec-WebSocket-Key ${quote(key)} is not the base64 of 16 bytes: ${problem}`)
}

/** A body would stand where frames are read: what one party takes for a frame, another would take for the body. */
function checkNoBody(headers: HeaderFields): void {
  const coding = headers.get('transfer-encoding')
  if (coding !== undefined) {
    throw refuse(`The request has a body (Transfer-Encoding ${quote(coding)}), which a handshake has not`)
  }
  const length = headers.get('content-length')
  if (length !== undefined && length !== '0') {
    throw refuse(`The request has a body (Content-Length ${quote(length)}), which a handshake has not`)
  }
}

function offeredProtocols(headers: HeaderFields): string[] {
  const offered = new Set<string>()
  for (const line of headers.lines('sec-websocket-protocol')) {
    for (const protocol of listElements(line)) {
      if (!isToken(protocol)) throw refuse(`The subprotocol ${quote(protocol)} that the client offers is not a token`)
      if (offered.has(protocol)) throw refuse(`The client offers the subprotocol ${quote(protocol)} twice`)
      offered.add(protocol)
    }
  }
  return [...offered]
}

/** The value of a header that there must be exactly one of. */
function single(headers: HeaderFields, name: string): string {
  const [value, ...others] = headers.lines(name)
  if (value === undefined) throw refuse(`The request has no ${name} header`)
  if (others.length > 0) throw refuse(`The request has ${others.length + 1} ${name} headers where there must be one`)
  return value
}

function upgradeRequired(what: string, code: HandshakeErrorCode = 'BAD_REQUEST', hint?: string): HandshakeError {
  return refuse(what, code, 426, { upgrade: 'websocket', 'sec-websocket-version': VERSION }, hint)
}

function refuse(
  what: string,
  code: HandshakeErrorCode = 'BAD_REQUEST',
  status = 400,
  headers: Record<string, string> = {},
  hint?: string,
): HandshakeError {
  const message = `${what} (RFC 6455 section 4.2.1).`
  return new HandshakeError(code, hint === undefined ? message : `${message} ${hint}`, { status, headers })
}
