import { ArgumentError } from './error.ts'
import { codePoint, quote } from './quote.ts'

/** Headers to be sent. An array gives one line for each of its values, undefined gives none. */
export type OutgoingHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** A line of a header section: the name as it is written, and the value. */
export type HeaderLine = [name: string, value: string]

/**
 * The header fields of a request or a response that was received. Names are case-insensitive, lines that repeat a name
 * are kept apart (RFC 9110 section 5.2), and no name can be mistaken for a property of an object.
 */
export class HeaderFields {
  private readonly fields = new Map<string, string[]>()

  /** From a flat list of name, value, name, value (`rawHeaders` of Node's `IncomingMessage`). */
  static fromRaw(raw: readonly string[]): HeaderFields {
    const headers = new HeaderFields()
    for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index]!, raw[index + 1]!)
    return headers
  }

  static fromLines(lines: Iterable<readonly [name: string, value: string]>): HeaderFields {
    const headers = new HeaderFields()
    for (const [name, value] of lines) headers.append(name, value)
    return headers
  }

  append(name: string, value: string): void {
    const key = name.toLowerCase()
    const lines = this.fields.get(key)
    if (lines === undefined) this.fields.set(key, [trimWhitespace(value)])
    else lines.push(trimWhitespace(value))
  }

  /** The values of all lines with this name, in their order; none when the header is absent. */
  lines(name: string): readonly string[] {
    return this.fields.get(name.toLowerCase()) ?? []
  }

  /** All lines joined to one value, with a comma (`cookie`: with a semicolon), or undefined when the header is absent. */
  get(name: string): string | undefined {
    const key = name.toLowerCase()
    return this.fields.get(key)?.join(separator(key))
  }

  /** Every header with its joined value, by its name in lower case. The object has no prototype. */
  record(): Record<string, string> {
    const record: Record<string, string> = Object.create(null)
    for (const [key, lines] of this.fields) record[key] = lines.join(separator(key))
    return record
  }
}

function separator(key: string): string {
  return key === 'cookie' ? '; ' : ', '
}

const DIGITS_AND_LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const TOKEN_CHARACTERS = new Uint8Array(128)
for (const char of `!#$%&'*+-.^_\`|~${DIGITS_AND_LETTERS}`) TOKEN_CHARACTERS[char.charCodeAt(0)] = 1

/** Whether a character, given by its code, may stand in a token (RFC 9110 section 5.6.2). */
export function isTokenCharacter(char: number): boolean {
  return TOKEN_CHARACTERS[char] === 1
}

/** Whether `text` is a token: one or more visible ASCII characters other than delimiters (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  return text.length > 0 && firstNonToken(text) === -1
}

function firstNonToken(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (!isTokenCharacter(text.charCodeAt(index))) return index
  }
  return -1
}

/** Spaces and tabs, the only whitespace that the grammar knows (RFC 9110 section 5.6.3). */
export function isWhitespace(char: number): boolean {
  return char === 0x20 || char === 0x09
}

/** Without the spaces and tabs at both ends. */
export function trimWhitespace(text: string, from = 0, to = text.length): string {
  let start = from
  let end = to
  while (start < end && isWhitespace(text.charCodeAt(start))) start++
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/**
 * The elements of a comma-separated list (RFC 9110 section 5.6.1), in one pass over it. Commas in quoted strings do not
 * separate, empty elements are left out, and a string that is never closed reaches to the end.
 */
export function listElements(value: string): string[] {
  const elements: string[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index < value.length; index++) {
    const char = value.charCodeAt(index)
    if (char === 0x22) {
      quoted = !quoted
    } else if (quoted) {
      if (char === 0x5c) index++
    } else if (char === 0x2c) {
      elements.push(trimWhitespace(value, start, index))
      start = index + 1
    }
  }
  elements.push(trimWhitespace(value, start))
  return elements.filter((element) => element !== '')
}

/** Whether one of the list's elements is this token, which is given in lower case. Letters match in either case. */
export function listHasToken(lines: readonly string[], token: string): boolean {
  return lines.some((line) => listElements(line).some((element) => element.toLowerCase() === token))
}

/** Throws ArgumentError unless `name` may stand as a header's name. */
export function checkHeaderName(name: string): void {
  if (name === '') throw new ArgumentError('A header name is empty.')
  const index = firstNonToken(name)
  if (index === -1) return
  const char = codePoint(name.charCodeAt(index))
  throw new ArgumentError(`The header name ${quote(name)} is not a token: it has ${char} at index ${index}.`)
}

/**
 * Throws ArgumentError unless `value` may stand as the value of a header: no control character other than a tab, and
 * nothing that does not fit in a byte, as header sections are sent in ISO 8859-1.
 */
export function checkHeaderValue(name: string, value: string): void {
  if (typeof value !== 'string') {
    throw new ArgumentError(`The value of the header ${quote(name)} is not a string but of type ${typeof value}.`)
  }
  for (let index = 0; index < value.length; index++) {
    const char = value.charCodeAt(index)
    if ((char >= 0x20 && char <= 0x7e) || (char >= 0x80 && char <= 0xff) || char === 0x09) continue
    const what = `The value of the header ${quote(name)} has ${controlName(char)} at index ${index}`
    throw new ArgumentError(`${what}, which a header cannot carry.`)
  }
}

function controlName(char: number): string {
  if (char === 0x0d) return 'a carriage return (U+000D)'
  if (char === 0x0a) return 'a line feed (U+000A)'
  if (char === 0x00) return 'a NUL (U+0000)'
  return codePoint(char)
}

/**
 * The lines that `headers` gives. Throws ArgumentError for a name or a value that cannot be sent, and for a name that
 * `reserved` (asked with the name in lower case) answers with the reason why it cannot be set.
 */
export function outgoingLines(
  headers: OutgoingHeaders | undefined,
  reserved: (lowerCaseName: string) => string | undefined,
): HeaderLine[] {
  const lines: HeaderLine[] = []
  for (const [name, given] of Object.entries(headers ?? {})) {
    checkHeaderName(name)
    const reason = reserved(name.toLowerCase())
    if (reason !== undefined) throw new ArgumentError(`The header ${quote(name)} cannot be set: ${reason}.`)
    if (given === undefined) continue
    for (const value of typeof given === 'object' && given !== null ? given : [given]) {
      checkHeaderValue(name, value)
      lines.push([name, value])
    }
  }
  return lines
}
