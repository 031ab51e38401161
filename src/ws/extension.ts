import { isTokenCharacter, isWhitespace } from '../protocol/headers.ts'

/** The parameters of one extension; each may be given several times. One without a value has `true`. */
export type ExtensionParams = Record<string, (string | true)[]>
/** By extension, what was offered of it, in order. */
export type ExtensionOffers = Record<string, ExtensionParams[]>

/** A value, or several; without a value, `true`. */
type Formattable = Record<string, string | number | true | readonly (string | number | true)[]>

const [COMMA, SEMICOLON, EQUALS, QUOTE, BACKSLASH] = [0x2c, 0x3b, 0x3d, 0x22, 0x5c]

/** Reads a Sec-WebSocket-Extensions header from left to right. */
class Reader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  get isDone(): boolean {
    return this.at === this.text.length
  }

  take(char: number): boolean {
    if (this.text.charCodeAt(this.at) !== char) return false
    this.at++
    return true
  }

  skipWhitespace(): void {
    while (isWhitespace(this.text.charCodeAt(this.at))) this.at++
  }

  token(): string {
    const start = this.at
    while (isTokenCharacter(this.text.charCodeAt(this.at))) this.at++
    if (this.at === start) throw this.unexpected()
    return this.text.slice(start, this.at)
  }

  value(): string {
    if (!this.take(QUOTE)) return this.token()
    let value = ''
    while (value === '' || !this.take(QUOTE)) {
      this.take(BACKSLASH)
      if (!isTokenCharacter(this.text.charCodeAt(this.at))) throw this.unexpected()
      value += this.text[this.at++]
    }
    return value
  }

  unexpected(): SyntaxError {
    return new SyntaxError(this.isDone ? 'Unexpected end of input' : `Unexpected character at index ${this.at}`)
  }
}

/** @throws SyntaxError where the header breaks the grammar (RFC 6455 section 9.1) */
function parse(header: string): ExtensionOffers {
  const offers: ExtensionOffers = Object.create(null)
  const reader = new Reader(header)
  for (;;) {
    const name = reader.token()
    const params: ExtensionParams = Object.create(null)
    reader.skipWhitespace()
    while (reader.take(SEMICOLON)) {
      reader.skipWhitespace()
      const key = reader.token()
      const value = reader.take(EQUALS) ? reader.value() : true
      params[key] ??= []
      params[key].push(value)
      reader.skipWhitespace()
    }
    offers[name] ??= []
    offers[name].push(params)
    if (reader.isDone && !isWhitespace(header.charCodeAt(header.length - 1))) return offers
    if (!reader.take(COMMA)) throw reader.unexpected()
    reader.skipWhitespace()
  }
}

function format(extensions: Record<string, Formattable | readonly Formattable[]>): string {
  return Object.entries(extensions)
    .flatMap(([name, configurations]) =>
      listOf(configurations).map((params) => [name, ...Object.entries(params).flatMap(formatParam)].join('; ')),
    )
    .join(', ')
}

function formatParam([key, values]: [string, Formattable[string]]): string[] {
  return listOf(values).map((value) => (value === true ? key : `${key}=${value}`))
}

function listOf<T>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? one : [one as T]
}

/** The Sec-WebSocket-Extensions header. */
export const extension = { format, parse }
