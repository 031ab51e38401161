import { ArgumentError } from '../protocol/error.ts'
import { quote } from '../protocol/quote.ts'

/** Where a handshake is sent to. */
export interface Target {
  /** Whether TLS is spoken: `wss:`. */
  readonly secure: boolean
  /** The name or the address of the server, an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  /** The Unix socket to connect to, in place of host and port. */
  readonly socketPath: string | undefined
  /** Path and query, as they stand in the request. */
  readonly path: string
  /** The value of the Host header: with the port unless it is the scheme's own. */
  readonly authority: string
  /** The server in a sentence: host and port, or the path of the Unix socket. */
  readonly name: string
  /** The value of the Authorization header that the URL's user name and password make. */
  readonly authorization: string | undefined
  /** `ws:` or `wss:`, without user name and password. */
  readonly url: URL
}

const SCHEMES: ReadonlyMap<string, { secure: boolean; unix: boolean }> = new Map([
  ['ws:', { secure: false, unix: false }],
  ['wss:', { secure: true, unix: false }],
  ['http:', { secure: false, unix: false }],
  ['https:', { secure: true, unix: false }],
  ['ws+unix:', { secure: false, unix: true }],
  ['wss+unix:', { secure: true, unix: true }],
])

/**
 * Reads a WebSocket URL (RFC 6455 section 3). `http:` and `https:` stand for `ws:` and `wss:`; `ws+unix:/path/to.sock`
 * and `ws+unix:/path/to.sock:/path?query` name a Unix socket.
 * @throws ArgumentError for anything else, and for a URL with a fragment
 */
export function parseTarget(given: string | URL, socketPath?: string): Target {
  const text = String(given)
  if (!URL.canParse(text)) throw new ArgumentError(`${quoteUrl(text)} is not a URL.`)
  const url = new URL(text)
  const scheme = SCHEMES.get(url.protocol)
  if (scheme === undefined) {
    throw new ArgumentError(
      `The URL ${quoteUrl(text)} is not one of a WebSocket: its scheme is ${quote(url.protocol)}, not "ws:" or "wss:".`,
    )
  }
  if (text.includes('#')) {
    throw new ArgumentError(
      `The URL ${quoteUrl(text)} has a fragment, which one of a WebSocket cannot have (RFC 6455 section 3).`,
    )
  }
  if (!scheme.unix) return targetOf(url, scheme.secure, socketPath)
  if (socketPath !== undefined) {
    throw new ArgumentError(`The URL ${quoteUrl(text)} names a Unix socket, and so does the option socketPath.`)
  }
  return unixTarget(url, scheme.secure, text)
}

/** The target of an `http:`, `https:`, `ws:` or `wss:` URL. */
function targetOf(given: URL, secure: boolean, socketPath: string | undefined): Target {
  // A URL's scheme cannot always be set; these have the same grammar, and the same ports.
  const url = new URL(given.href.replace(/^\w+/, secure ? 'wss' : 'ws'))
  const authorization = basicAuthorization(url)
  url.username = ''
  url.password = ''
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const path = url.pathname + url.search
  const name = socketPath ?? `${url.hostname}:${port}`
  return { secure, host, port, socketPath, path, authority: url.host, name, authorization, url }
}

function unixTarget(url: URL, secure: boolean, text: string): Target {
  const [, socket = '', path = '/'] = /^([^:]*)(?::(.*))?$/s.exec(url.pathname) ?? []
  if (socket === '' || url.host !== '' || !path.startsWith('/')) {
    throw new ArgumentError(
      `The URL ${quoteUrl(text)} does not name a Unix socket, as "ws+unix:/path/to.sock:/path" does.`,
    )
  }
  const asked = new URL(`ws://localhost${path}${url.search}`)
  return targetOf(asked, secure, decode(socket, text))
}

/** The header for the user name and password of a URL (RFC 7617), or undefined when it has neither. */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined
  const credentials = `${decode(url.username, url.href)}:${decode(url.password, url.href)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

function decode(text: string, url: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new ArgumentError(`The URL ${quoteUrl(url)} has a percent sign that encodes nothing.`, { cause: error })
  }
}

/** A URL for a sentence, or what was given for one, without user name, password, and what stands in query and fragment. */
export function quoteUrl(url: string): string {
  // Where a broken one ends its host nobody knows. What follows the slashes is no slash, so that it is looked for once.
  const userInfo = URL.canParse(url)
    ? /^(\s*[a-z][a-z0-9+.-]*:)?([/\\\s]*)(?![/\\\s])[^/?#]*@/i
    : /^([a-z][a-z0-9+.-]*:)?([/\\]*)(?![/\\]).*@/is
  return quote(url.replace(userInfo, '$1$2***@').replace(/([?#]).+/s, '$1***'), 256)
}
