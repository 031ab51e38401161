import type { RuleCode } from './error.ts'
import { Opcode } from './opcode.ts'
import { quote } from './quote.ts'

const LONGER = 'An earlier payload may have been longer than its header said, so that this is the middle of it.'
const HTTP = ['GET ', 'HEAD ', 'POST ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'HTTP/']

/**
 * A sentence on what likely made a peer send these bytes where a frame should begin, or undefined when they do not tell.
 * `bytes` are the first of the offending frame, at most 14.
 */
export function likelyCause(code: RuleCode, bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes)
  const http = HTTP.find((start) => text.startsWith(start))
  if (http !== undefined) {
    return `The bytes are HTTP ("${http.trim()}"): the peer, or a proxy between, does not know that the connection was upgraded.`
  }
  if (bytes[0] === 0x16 && bytes[1] === 0x03) {
    return 'The bytes are a TLS handshake: the peer speaks TLS (wss:) where plain text (ws:) is spoken.'
  }
  if (
    bytes.length >= 4 &&
    [...bytes].every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))
  ) {
    return `The bytes are plain text (${quote(text)}): something writes to the socket without framing it.`
  }
  switch (code) {
    case 'RESERVED_BITS':
      return (bytes[0]! & 0x70) === 0x40 ? whyRsv1(bytes[0]! & 0x0f) : LONGER
    case 'UNMASKED_FRAME':
      return 'The peer is no client by its framing: a proxy that re-frames, or a second server that writes to the same socket, sends frames like this.'
    case 'MASKED_FRAME':
      return 'The peer frames like a client: two clients may have been connected to each other, or a proxy passes frames on as they are.'
    case 'RESERVED_OPCODE':
      return LONGER
    case 'UNEXPECTED_CONTINUATION':
    case 'EXPECTED_CONTINUATION':
      return 'Two writers may be sending on the same connection, with their fragments mixed.'
    default:
      return undefined
  }
}

/** A text or binary frame may have RSV1 set where compression was agreed on; any other may not, whatever was. */
function whyRsv1(opcode: number): string {
  const why =
    opcode === Opcode.Text || opcode === Opcode.Binary
      ? 'but permessage-deflate was not negotiated on this connection'
      : 'on its first frame and on no other'
  return `RSV1 marks a compressed message (RFC 7692), ${why}; or an earlier payload was longer than its header said.`
}
