import type { IncomingMessage, ServerResponse } from 'node:http'
import { HandshakeError } from '../protocol/error.ts'
import { checkUpgradeRequest, HeaderFields } from '../protocol/handshake.ts'

/**
 * Answers an ordinary HTTP request where there is nothing but WebSocket, with what keeps it from being a handshake. A
 * handshake whose Upgrade or Connection header was dropped on its way comes here as well: it is returned as the error
 * that it is, to be logged.
 */
export function answerPlainHttp(request: IncomingMessage, response: ServerResponse): HandshakeError | undefined {
  const { method = '', httpVersion } = request
  const headers = HeaderFields.fromRaw(request.rawHeaders)
  const error = whyNoHandshake(() => checkUpgradeRequest({ method, httpVersion, headers }))
  response.writeHead(error.status ?? 400, {
    ...error.headers,
    connection: error.headers.upgrade === undefined ? 'close' : 'close, Upgrade',
    'content-type': 'text/plain; charset=utf-8',
  })
  response.end(`${error.message}\n`)
  return headers.get('sec-websocket-key') === undefined ? undefined : error
}

/** Answers a request in place of a listener that has failed, as far as it had not answered. */
export function answerFailed(response: ServerResponse): void {
  if (response.writableEnded) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  // They were for another answer.
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  response.writeHead(500, { connection: 'close', 'content-type': 'text/plain; charset=utf-8' })
  response.end('The server failed to answer the request.\n')
}

function whyNoHandshake(check: () => unknown): HandshakeError {
  try {
    check()
  } catch (error) {
    if (error instanceof HandshakeError) return error
    throw error
  }
  return new HandshakeError('BAD_REQUEST', 'The request was not taken for a WebSocket handshake.', { status: 400 })
}
