import type { ProtocolError, RuleCode } from '../protocol/error.ts'

/** An error with the code that programs look at. */
export interface CodedError extends Error {
  code: string
  errno?: number
}

type Kind = typeof Error | typeof RangeError | typeof SyntaxError | typeof TypeError

export function codedError(kind: Kind, message: string, code: string): CodedError {
  return Object.assign(new kind(message), { code })
}

/** What `ws` says of a broken rule; `opcode` and `length` stand for what the frame's header has. */
const SAYS: Record<Exclude<RuleCode, 'INVALID_COMPRESSED_DATA'>, readonly [message: string, code: string]> = {
  RESERVED_BITS: ['RSV1 must be clear', 'WS_ERR_UNEXPECTED_RSV_1'],
  RESERVED_OPCODE: ['invalid opcode {opcode}', 'WS_ERR_INVALID_OPCODE'],
  UNEXPECTED_CONTINUATION: ['invalid opcode {opcode}', 'WS_ERR_INVALID_OPCODE'],
  EXPECTED_CONTINUATION: ['invalid opcode {opcode}', 'WS_ERR_INVALID_OPCODE'],
  CONTROL_FRAME_FRAGMENTED: ['FIN must be set', 'WS_ERR_EXPECTED_FIN'],
  CONTROL_FRAME_TOO_LONG: ['invalid payload length {length}', 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
  INVALID_CLOSE_PAYLOAD: ['invalid payload length 1', 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
  INVALID_CLOSE_CODE: ['invalid status code {status}', 'WS_ERR_INVALID_CLOSE_CODE'],
  INVALID_CLOSE_REASON: ['invalid UTF-8 sequence', 'WS_ERR_INVALID_UTF8'],
  INVALID_UTF8: ['invalid UTF-8 sequence', 'WS_ERR_INVALID_UTF8'],
  UNMASKED_FRAME: ['MASK must be set', 'WS_ERR_EXPECTED_MASK'],
  MASKED_FRAME: ['MASK must be clear', 'WS_ERR_UNEXPECTED_MASK'],
  // `ws` takes such lengths.
  LENGTH_NOT_MINIMAL: ['payload length is not minimally encoded', 'WS_ERR_INVALID_PAYLOAD_LENGTH'],
  LENGTH_TOP_BIT: ['payload length > 2^53 - 1', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
  LENGTH_UNREPRESENTABLE: ['payload length > 2^53 - 1', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
  MESSAGE_TOO_LARGE: ['Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
  TOO_MANY_FRAGMENTS: ['Too many message fragments', 'WS_ERR_TOO_MANY_BUFFERED_PARTS'],
  COMPRESSION_RATIO: ['Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
}

/** The error that `ws` reports for what the engine found, which is its `cause`, and the close code that goes with it. */
export function receiverError(cause: ProtocolError): { error: CodedError; closeCode: number } {
  const error = errorFor(cause)
  error.cause = cause
  const tooLong = cause.code === 'LENGTH_TOP_BIT'
  return { error, closeCode: tooLong ? 1009 : cause.closeCode }
}

function errorFor({ code, header, message }: ProtocolError): CodedError {
  if (code === 'INVALID_COMPRESSED_DATA') return inflateError(message)
  const [first = 0, second = 0] = header
  if (code === 'RESERVED_BITS' && (first & 0x30) !== 0) {
    return codedError(RangeError, frame('RSV2 and RSV3 must be clear'), 'WS_ERR_UNEXPECTED_RSV_2_3')
  }
  const [says, wsCode] = SAYS[code]
  const said = says
    .replace('{opcode}', String(first & 0x0f))
    .replace('{length}', String(second & 0x7f))
    .replace('{status}', /code (\d+)/.exec(message)?.[1] ?? '')
  if (wsCode === 'WS_ERR_INVALID_UTF8') return codedError(Error, frame(said), wsCode)
  // Limits are not the frame's fault.
  const isLimit = /^[A-Z]/.test(said) && !/^(?:RSV|FIN|MASK)/.test(said)
  if (isLimit) return codedError(RangeError, said, wsCode)
  if (wsCode === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH') {
    return codedError(RangeError, `Unsupported WebSocket frame: ${said}`, wsCode)
  }
  return codedError(RangeError, frame(said), wsCode)
}

function frame(what: string): string {
  return `Invalid WebSocket frame: ${what}`
}

/** As zlib's own errors are. */
function inflateError(message: string): CodedError {
  const why = /is no deflate data: (.+?) \(frame /.exec(message)?.[1] ?? message
  return Object.assign(codedError(Error, why, 'Z_DATA_ERROR'), { errno: -3 })
}
