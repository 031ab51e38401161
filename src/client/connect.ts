import type { Duplex } from 'node:stream'
import { checkUpgradeResponse, createKey, requestHeaders } from '../protocol/handshake.ts'
import { Link } from '../socket/link.ts'
import type { Behaviour, Handlers } from '../socket/options.ts'
import { shared } from '../socket/runtime.ts'
import { Socket } from '../socket/socket.ts'
import { NodeTransport } from '../transport/node.ts'
import { Attempt } from './attempt.ts'
import { openStream } from './dial.ts'
import { type ConnectOptions, compileOptions, ownHeaders, type Settings } from './options.ts'
import { unexpectedStatus } from './refusal.ts'
import { ask, bodyOf } from './request.ts'
import { parseTarget, type Target } from './target.ts'

/**
 * Opens a WebSocket connection. Resolves with its socket once the handshake is done; messages that come before anyone
 * listens wait for `receive` or `for await`, or go to the `message` handler.
 *
 * @param url `ws:` or `wss:`; `http:` and `https:` stand for them. `ws+unix:/path/to.sock:/path?query` names a Unix
 * socket. A user name and a password in it become an Authorization header.
 * @throws (as a rejection) ArgumentError for a URL or an option that cannot be used; the signal's reason; otherwise a
 * HandshakeError, whose `code` says what failed: `CONNECT_FAILED`, with the system's error as its `cause`;
 * `PROXY_REFUSED`, `UNEXPECTED_STATUS` and `TOO_MANY_REDIRECTS`, with what was answered; `BAD_RESPONSE`;
 * `HANDSHAKE_ABORTED` when the server went away; `HANDSHAKE_TIMEOUT`
 */
export async function connect<Data = undefined>(
  url: string | URL,
  options: ConnectOptions<Data> = {},
): Promise<Socket<Data>> {
  const settings = compileOptions(options)
  const target = parseTarget(url, settings.socketPath)
  const attempt = new Attempt(settings.handshakeTimeout, options.signal)
  try {
    const { stream, protocol } = await shakeHands(attempt, target, settings)
    attempt.release(stream)
    return opened(stream, protocol, settings.behaviour, options)
  } finally {
    attempt.end()
  }
}

interface Opened {
  stream: Duplex
  protocol: string
}

async function shakeHands(attempt: Attempt, target: Target, settings: Settings): Promise<Opened> {
  const stream = await openStream(attempt, target, settings, settings.tls)
  const offer = { key: createKey(shared.platform), protocols: settings.protocols }
  const lines = [...ownHeaders(target, settings.headers), ...requestHeaders(offer)]
  const answer = await ask(attempt, stream, {
    method: 'GET',
    path: target.path,
    lines,
    name: target.name,
    waitingFor: `waiting for the answer of ${target.name}`,
  })
  if (answer.status !== 101) {
    const body = await bodyOf(attempt, answer.message)
    throw unexpectedStatus({ status: answer.status, headers: answer.message.headers, body })
  }
  const { protocol } = checkUpgradeResponse(answer, offer, shared.platform)
  if (answer.head !== undefined && answer.head.length > 0) stream.unshift(answer.head)
  return { stream, protocol }
}

function opened<Data>(
  stream: Duplex,
  protocol: string,
  behaviour: Behaviour,
  options: ConnectOptions<Data>,
): Socket<Data> {
  // The handlers are only ever given the one socket, which carries this data.
  const handlers = options as Handlers<Socket>
  const link = new Link({ side: 'client', behaviour, handlers }, new NodeTransport(stream))
  const socket = new Socket<Data>(link, options.data as Data, protocol)
  link.start(socket)
  return socket
}
