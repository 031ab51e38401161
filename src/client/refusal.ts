import type { IncomingHttpHeaders } from 'node:http'
import { HandshakeError, type HandshakeErrorCode } from '../protocol/error.ts'
import { reasonPhrase } from '../protocol/handshake.ts'
import { quote } from '../protocol/quote.ts'

/** An answer that says no. */
export interface Refused {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** The longest line of a body that is worth a place in a sentence. */
const LONGEST_LINE = 200

/** The error for an answer other than 101 (RFC 6455 section 4.1). */
export function unexpectedStatus(refused: Refused, hint?: string): HandshakeError {
  const answered = `The server answered ${statusLine(refused.status)}`
  return refusalError(
    'UNEXPECTED_STATUS',
    `${answered} where a WebSocket handshake is answered with 101`,
    refused,
    hint,
  )
}

/**
 * An error that says what was answered, in the words of the answer where it has some.
 * @param what a sentence without its full stop
 * @param hint a further sentence
 */
export function refusalError(code: HandshakeErrorCode, what: string, refused: Refused, hint?: string): HandshakeError {
  const words = firstLine(refused)
  const said = words === undefined ? '' : `: ${quote(words, LONGEST_LINE)}`
  const sentence = `${what}${said}${/[.!?]"$/.test(said) ? '' : '.'}`
  return new HandshakeError(code, hint === undefined ? sentence : `${sentence} ${hint}`, refused)
}

/** As `404 Not Found`. */
export function statusLine(status: number): string {
  return `${status} ${reasonPhrase(status)}`
}

/** The first line of a body that is made to be read, if it is a short one. */
function firstLine({ headers, body }: Refused): string | undefined {
  if (!/^(text\/plain|application\/([\w.-]+\+)?json)\b|^$/i.test(headers['content-type'] ?? '')) return undefined
  const line =
    Buffer.from(body)
      .toString()
      .trim()
      .split(/[\r\n]/, 1)[0] ?? ''
  const isShortText = line !== '' && line.length <= LONGEST_LINE && !line.includes('\ufffd')
  return isShortText ? line : undefined
}
