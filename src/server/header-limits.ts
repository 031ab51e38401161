import { HandshakeError } from '../protocol/error.ts'
import type { HandshakeHead } from './handshake-stream.ts'

/** How much of a head a handshake may have. */
export interface HeaderLimits {
  /** Most header fields. */
  readonly maxHeaders: number
  /** Most bytes of the request's target and of the names and values of its fields: what Node counts. */
  readonly maxHeaderSize: number
}

/** @throws HandshakeError for a request with more than that */
export function checkHeaderLimits(head: HandshakeHead, { maxHeaders, maxHeaderSize }: HeaderLimits): void {
  const { rawHeaders, url } = head
  const count = rawHeaders.length / 2
  if (count > maxHeaders) {
    throw headersTooLarge(`The request has ${count} header fields, and ${maxHeaders} are allowed (maxHeaders).`)
  }
  let size = url.length
  for (const text of rawHeaders) size += text.length
  if (size > maxHeaderSize) {
    throw headersTooLarge(`The request has ${size} bytes of headers, and ${maxHeaderSize} are allowed (maxHeaderSize).`)
  }
}

export function headersTooLarge(message: string): HandshakeError {
  return new HandshakeError('HEADERS_TOO_LARGE', message, { status: 431 })
}
