import { ArgumentError } from './error.ts'
import { type ExtensionOffer, formatExtensions } from './extension.ts'
import { acceptKey } from './handshake-key.ts'
import { checkHeaderValue, type HeaderLine, type OutgoingHeaders, outgoingLines } from './headers.ts'
import type { Platform } from './platform.ts'

/** What a server answers to a handshake that it accepts. */
export interface Acceptance {
  /** The request's Sec-WebSocket-Key. */
  key: string
  /** The subprotocol that was chosen; the empty string or undefined for none. */
  protocol?: string | undefined
  extensions?: readonly ExtensionOffer[] | undefined
  /** Further headers, such as `Set-Cookie`. */
  headers?: OutgoingHeaders | undefined
}

/** What a server answers to a handshake that it refuses. */
export interface Refusal {
  /** 300 to 599. */
  status: number
  /** What was wrong, for people; the body is this text and a line feed. */
  reason: string
  /** Further headers. Names that are all in lower case are sent in their usual spelling. */
  headers?: OutgoingHeaders | undefined
}

/**
 * The bytes of the 101 response (RFC 6455 section 4.2.2, item 5). Throws ArgumentError for a header that cannot be sent
 * or that belongs to the handshake itself.
 */
export function responseHead(acceptance: Acceptance, platform: Platform): Uint8Array {
  const { key, protocol, extensions, headers } = acceptance
  let head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, platform)}\r\n`
  if (protocol !== undefined && protocol !== '') {
    checkHeaderValue('Sec-WebSocket-Protocol', protocol)
    head += `Sec-WebSocket-Protocol: ${protocol}\r\n`
  }
  if (extensions !== undefined && extensions.length > 0) {
    head += `Sec-WebSocket-Extensions: ${formatExtensions(extensions)}\r\n`
  }
  if (headers !== undefined) head += format(outgoingLines(headers, handshakeHeader))
  return latin1(`${head}\r\n`, platform, 0)
}

/**
 * The bytes of a whole HTTP/1.1 response that refuses a handshake: the status line, `Connection: close`, the length,
 * and the reason as plain text, unless `headers` has another Content-Type. Throws ArgumentError for a status outside
 * 300 to 599 and for a header that cannot be sent or that frames the response.
 */
export function refusalResponse(refusal: Refusal, platform: Platform): Uint8Array {
  const { status, reason, headers } = refusal
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new ArgumentError(`A handshake cannot be refused with status ${status}: it must be from 300 to 599.`)
  }
  const lines = outgoingLines(headers, framingHeader)
  const names = new Set(lines.map(([name]) => name.toLowerCase()))
  const body = `${reason}\n`
  const length = platform.utf8Length(body)
  // An Upgrade header is for the next hop only, which Connection has to say (RFC 9110 section 7.8).
  const connection = names.has('upgrade') ? 'close, Upgrade' : 'close'
  let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nConnection: ${connection}\r\n`
  if (!names.has('content-type')) head += 'Content-Type: text/plain; charset=utf-8\r\n'
  head += `Content-Length: ${length}\r\n${format(lines.map(([name, value]) => [usualSpelling(name), value]))}\r\n`
  const response = latin1(head, platform, length)
  platform.utf8Write(response, head.length, body)
  return response
}

/**
 * The lines for a client's own headers. Throws ArgumentError for a header that cannot be sent, that belongs to the
 * handshake itself (subprotocols are an option of `connect`), or that would give the request a body.
 */
export function requestHeaderLines(headers: OutgoingHeaders | undefined): HeaderLine[] {
  return outgoingLines(headers, handshakeHeader)
}

function handshakeHeader(name: string): string | undefined {
  if (name === 'sec-websocket-protocol') return 'subprotocols have an option of their own'
  if (name === 'upgrade' || name === 'connection' || name.startsWith('sec-websocket-')) {
    return 'it belongs to the WebSocket handshake'
  }
  return name === 'content-length' || name === 'transfer-encoding' ? 'a handshake has no body' : undefined
}

function framingHeader(name: string): string | undefined {
  return name === 'connection' || name === 'content-length' || name === 'transfer-encoding'
    ? 'it frames the response, which is done for you'
    : undefined
}

function format(lines: readonly HeaderLine[]): string {
  return lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

/** The text with one byte for each character (checked above), and room after it. */
function latin1(text: string, platform: Platform, room: number): Uint8Array {
  const bytes = platform.allocate(text.length + room)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}

function usualSpelling(name: string): string {
  if (name !== name.toLowerCase()) return name
  return name
    .split('-')
    .map((part) => SPELLINGS.get(part) ?? part.charAt(0).toUpperCase() + part.slice(1))
    .join('-')
}

const SPELLINGS = new Map([
  ['websocket', 'WebSocket'],
  ['www', 'WWW'],
])

const PHRASES = new Map([
  [101, 'Switching Protocols'],
  [200, 'OK'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Content'],
  [426, 'Upgrade Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [451, 'Unavailable For Legal Reasons'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
])

const CLASSES = ['Informational', 'Success', 'Redirection', 'Client Error', 'Server Error']

/** The registered reason phrase of an HTTP status (RFC 9110 section 15), or the name of its class. */
export function reasonPhrase(status: number): string {
  return PHRASES.get(status) ?? CLASSES[Math.floor(status / 100) - 1] ?? 'Unknown'
}
