import { quoteUrl } from '../client/target.ts'
import { isToken } from '../protocol/headers.ts'
import { quote } from '../protocol/quote.ts'

const SCHEMES: ReadonlyMap<string, string> = new Map([
  ['http:', 'ws:'],
  ['https:', 'wss:'],
  ['ws:', 'ws:'],
  ['wss:', 'wss:'],
])

/**
 * A URL record for a WebSocket (WebSockets, section 3.1). There is no base that a relative one could be resolved against.
 * @throws DOMException `SyntaxError`
 */
export function webSocketUrl(text: string): URL {
  if (!URL.canParse(text)) throw syntaxError(`${quoteUrl(text)} is not an absolute URL.`)
  const url = new URL(text)
  const scheme = SCHEMES.get(url.protocol)
  if (scheme === undefined) {
    throw syntaxError(`The scheme of ${quoteUrl(text)} is none of "ws:", "wss:", "http:" and "https:".`)
  }
  // The property `hash` does not tell an empty fragment from none.
  if (url.href.includes('#')) throw syntaxError(`The URL ${quoteUrl(text)} has a fragment.`)
  url.protocol = scheme
  return url
}

/**
 * Checks the subprotocols to ask for: tokens, none of them twice, upper and lower case being different.
 * @throws DOMException `SyntaxError`
 */
export function checkProtocols(protocols: readonly string[]): void {
  const seen = new Set<string>()
  for (const protocol of protocols) {
    if (!isToken(protocol)) throw syntaxError(`The subprotocol ${quote(protocol)} is not a token.`)
    if (seen.has(protocol)) throw syntaxError(`The subprotocol ${quote(protocol)} is there twice.`)
    seen.add(protocol)
  }
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError')
}
