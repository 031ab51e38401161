import { isTokenCharacter, isWhitespace } from '../protocol/headers.ts'

const COMMA = 0x2c

/** @throws SyntaxError where a Sec-WebSocket-Protocol header breaks the grammar, or names one twice (RFC 6455 section 11.3.4) */
function parse(header: string): Set<string> {
  const names = new Set<string>()
  for (let at = 0; ; at++) {
    if (names.size > 0) while (isWhitespace(header.charCodeAt(at))) at++
    const start = at
    while (isTokenCharacter(header.charCodeAt(at))) at++
    const name = header.slice(start, at)
    while (name !== '' && isWhitespace(header.charCodeAt(at))) at++
    const isLast = at === header.length
    if (name === '' || (!isLast && header.charCodeAt(at) !== COMMA)) {
      throw new SyntaxError(isLast ? 'Unexpected end of input' : `Unexpected character at index ${at}`)
    }
    if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`)
    names.add(name)
    if (isLast && isWhitespace(header.charCodeAt(at - 1))) throw new SyntaxError('Unexpected end of input')
    if (isLast) return names
  }
}

/** The Sec-WebSocket-Protocol header. */
export const subprotocol = { parse }
