import { ArgumentError, HandshakeError, type Side } from './error.ts'
import { isToken, isTokenCharacter, isWhitespace } from './headers.ts'
import { quote } from './quote.ts'

/** One element of a Sec-WebSocket-Extensions header: an offer of the client's, or what the server took of it. */
export interface ExtensionOffer {
  name: string
  /** In the order in which they were given, repeated ones included. A parameter without a value has `true`. */
  parameters: [name: string, value: string | true][]
}

/**
 * Parses the value of a Sec-WebSocket-Extensions header (RFC 6455 section 9.1) in one pass. Several lines are joined
 * with a comma first. Values may be quoted, but must be tokens then too. Empty elements are left out.
 *
 * Throws HandshakeError when the grammar is broken: BAD_REQUEST with status 400 for what a client sent, BAD_RESPONSE
 * for what a server sent, with the `headers` of its answer.
 */
export function parseExtensions(
  header: string,
  sender: Side = 'client',
  headers: HandshakeError['headers'] = {},
): ExtensionOffer[] {
  const scanner = new Scanner(header, sender, headers)
  const extensions: ExtensionOffer[] = []
  for (;;) {
    scanner.skipWhitespace()
    if (scanner.atEnd()) return extensions
    if (scanner.take(COMMA)) continue
    extensions.push(scanExtension(scanner))
    scanner.skipWhitespace()
    if (!scanner.atEnd() && !scanner.take(COMMA)) throw scanner.expected('";" or ","')
  }
}

/**
 * The value of a Sec-WebSocket-Extensions header. Throws ArgumentError when a name or a value is not a token.
 */
export function formatExtensions(extensions: readonly ExtensionOffer[]): string {
  return extensions
    .map(({ name, parameters }) =>
      [checkedToken(name), ...parameters.map(([key, value]) => formatParameter(key, value))].join('; '),
    )
    .join(', ')
}

function formatParameter(name: string, value: string | true): string {
  return value === true ? checkedToken(name) : `${checkedToken(name)}=${checkedToken(value)}`
}

function checkedToken(text: string): string {
  if (isToken(text)) return text
  throw new ArgumentError(`${quote(text)} cannot stand in a Sec-WebSocket-Extensions header: it is not a token.`)
}

const COMMA = 0x2c
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

function scanExtension(scanner: Scanner): ExtensionOffer {
  const name = scanner.token('the name of an extension')
  const parameters: ExtensionOffer['parameters'] = []
  for (;;) {
    scanner.skipWhitespace()
    if (!scanner.take(SEMICOLON)) return { name, parameters }
    scanner.skipWhitespace()
    const parameter = scanner.token('the name of a parameter')
    scanner.skipWhitespace()
    if (!scanner.take(EQUALS)) {
      parameters.push([parameter, true])
      continue
    }
    scanner.skipWhitespace()
    parameters.push([parameter, scanner.value(parameter)])
  }
}

/** Goes through the header once, from left to right. */
class Scanner {
  private readonly text: string
  private readonly sender: Side
  private readonly headers: HandshakeError['headers']
  private index = 0

  constructor(text: string, sender: Side, headers: HandshakeError['headers']) {
    this.text = text
    this.sender = sender
    this.headers = headers
  }

  atEnd(): boolean {
    return this.index === this.text.length
  }

  take(char: number): boolean {
    if (this.text.charCodeAt(this.index) !== char) return false
    this.index++
    return true
  }

  skipWhitespace(): void {
    while (isWhitespace(this.text.charCodeAt(this.index))) this.index++
  }

  token(what: string): string {
    const start = this.index
    while (isTokenCharacter(this.text.charCodeAt(this.index))) this.index++
    if (this.index === start) throw this.expected(what)
    return this.text.slice(start, this.index)
  }

  value(parameter: string): string {
    const start = this.index
    if (!this.take(QUOTE)) return this.token(`the value of the parameter ${quote(parameter)}`)
    const value = this.restOfQuotedString(start)
    if (isToken(value)) return value
    throw this.broken(`the value ${quote(value)} of the parameter ${quote(parameter)} is not a token`, start)
  }

  expected(what: string): HandshakeError {
    const found = this.atEnd() ? 'it ends' : `it has ${quote(this.text.charAt(this.index))}`
    return this.broken(`${found} where ${what} is expected`, this.index)
  }

  private restOfQuotedString(start: number): string {
    let value = ''
    while (this.index < this.text.length) {
      const char = this.text.charCodeAt(this.index++)
      if (char === QUOTE) return value
      value += char === BACKSLASH ? this.text.charAt(this.index++) : String.fromCharCode(char)
    }
    throw this.broken('the quoted string is never closed', start)
  }

  private broken(what: string, index: number): HandshakeError {
    const header = `The ${this.sender}'s Sec-WebSocket-Extensions header ${quote(this.text)}`
    const message = `${header} is broken at index ${index}: ${what} (RFC 6455 section 9.1).`
    return this.sender === 'client'
      ? new HandshakeError('BAD_REQUEST', message, { status: 400 })
      : new HandshakeError('BAD_RESPONSE', message, { status: 101, headers: this.headers })
  }
}
