import { isTokenCharacter, trimWhitespace } from './headers.ts'

/** The head of a request that asks for an upgrade. */
export interface UpgradeHead {
  /** The request target, in origin form. */
  readonly url: string
  /** Name, value, name, value; whitespace around the values is left out. */
  readonly rawHeaders: readonly string[]
}

const START = 'GET '
const END_OF_LINE = ' HTTP/1.1\r\n'

/**
 * Reads the head of a WebSocket handshake that is written as all clients write it. Undefined for anything else, right or
 * wrong: a whole HTTP parser has to see to that. So this takes one form only: a GET request of HTTP/1.1 for a path, with lines
 * that end in CRLF, no line that goes on with the next one, no whitespace before a colon, no body, and the Upgrade and
 * Connection fields that ask for WebSocket (RFC 6455 section 4.1; RFC 9112 sections 3 and 5). What it does take, Node's
 * parser reads in the same way. In linear time.
 *
 * @param text a head, up to and with its empty line, a character for each byte
 */
export function parseUpgradeHead(text: string): UpgradeHead | undefined {
  if (!text.startsWith(START) || !text.endsWith('\r\n\r\n')) return undefined
  const endOfUrl = text.indexOf(' ', START.length)
  if (endOfUrl < 0 || !text.startsWith(END_OF_LINE, endOfUrl) || !isPath(text, START.length, endOfUrl)) return undefined
  const rawHeaders: string[] = []
  const end = text.length - 2
  let upgrades = 0
  let connects = false
  for (let at = endOfUrl + END_OF_LINE.length; at < end; ) {
    const colon = endOfName(text, at)
    if (colon === at || text.charCodeAt(colon) !== 0x3a) return undefined
    const endOfLine = endOfValue(text, colon + 1)
    if (!text.startsWith('\r\n', endOfLine)) return undefined
    const name = text.slice(at, colon)
    const value = trimWhitespace(text, colon + 1, endOfLine)
    rawHeaders.push(name, value)
    at = endOfLine + 2
    // All the names that matter have one of these lengths.
    if (name.length !== 7 && name.length !== 10 && name.length !== 14 && name.length !== 17) continue
    const known = name.toLowerCase()
    if (known === 'content-length' || known === 'transfer-encoding') return undefined
    if (known === 'upgrade') {
      if (value.toLowerCase() !== 'websocket') return undefined
      upgrades++
    } else if (known === 'connection') {
      // A tab around its tokens is allowed, and hides them from Node's parser.
      if (!PLAIN_LIST.test(value) || text.slice(colon, endOfLine).includes('\t')) return undefined
      connects ||= value.toLowerCase().split(/, */).includes('upgrade')
    }
  }
  return upgrades === 1 && connects ? { url: text.slice(START.length, endOfUrl), rawHeaders } : undefined
}

/** Tokens with a comma between each two. */
const PLAIN_LIST = /^[\w-]+(?:, *[\w-]+)*$/

function isPath(text: string, from: number, to: number): boolean {
  if (text.charCodeAt(from) !== 0x2f) return false
  for (let at = from; at < to; at++) {
    const char = text.charCodeAt(at)
    // Visible characters of ASCII, but for the number sign, which begins what is not sent.
    if (char < 0x21 || char > 0x7e || char === 0x23) return false
  }
  return true
}

function endOfName(text: string, from: number): number {
  let at = from
  while (isTokenCharacter(text.charCodeAt(at))) at++
  return at
}

function endOfValue(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if ((char < 0x20 && char !== 0x09) || char === 0x7f || char > 0xff) return at
  }
  return text.length
}
