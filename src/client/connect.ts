import type { Duplex } from 'node:stream'
import { deflateCodec } from '../compression/codec.ts'
import { extensionsFor } from '../compression/settings.ts'
import type { HandshakeError } from '../protocol/error.ts'
import { checkUpgradeResponse, createKey, type HeaderLine, requestHeaders } from '../protocol/handshake.ts'
import type { MessageCodec } from '../protocol/message-codec.ts'
import { currentContext } from '../socket/context.ts'
import { connectionOptions, Link } from '../socket/link.ts'
import type { Handlers } from '../socket/options.ts'
import { shared } from '../socket/runtime.ts'
import { Socket } from '../socket/socket.ts'
import { checkTls, transportFor } from '../transport/choice.ts'
import type { Transport } from '../transport/transport.ts'
import { Attempt } from './attempt.ts'
import { readBody } from './body.ts'
import { type ConnectOptions, compileOptions, hasHeader, type Settings } from './options.ts'
import { type Errand, type Redirect, redirectOf } from './redirect.ts'
import { refusalError, statusLine, unexpectedStatus } from './refusal.ts'
import { type Answer, ask } from './request.ts'
import { openStream } from './stream.ts'
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
  const context = currentContext()
  const settings = compileOptions(options)
  return establish(parseTarget(url, settings.socketPath), settings, options.signal, (opened) => {
    // The handlers are only ever given the one socket, which carries this data.
    const handlers = options as Handlers<Socket>
    const { transport, codec } = opened
    const { behaviour } = settings
    const connection = connectionOptions('client', behaviour)
    const link = new Link({ connection, behaviour, handlers, context }, transport, codec)
    const socket = new Socket<Data>(link, options.data as Data, opened.protocol)
    link.start(socket)
    return socket
  })
}

/** What a handshake has led to. */
export interface Established {
  readonly transport: Transport
  /** The subprotocol that was agreed on, or `''`. */
  readonly protocol: string
  readonly codec: MessageCodec | undefined
}

/**
 * Establishes a connection (RFC 6455 section 4.1), and gives what `use` makes of it.
 * @param use has to start the transport, or to destroy it, before it returns: what happens before goes unnoticed
 * @throws as `connect` does, and what `use` throws
 */
export async function establish<T>(
  target: Target,
  settings: Settings,
  signal: AbortSignal | undefined,
  use: (established: Established) => T,
): Promise<T> {
  if (target.secure) checkTls(settings.transport)
  const attempt = new Attempt(settings.handshakeTimeout, signal)
  try {
    const { stream, protocol, codec } = await shakeHands(attempt, target, settings)
    attempt.signal.throwIfAborted()
    attempt.release(stream)
    return use({ transport: transportFor(settings.transport, stream), protocol, codec })
  } finally {
    attempt.end()
  }
}

interface Opened {
  stream: Duplex
  protocol: string
  codec: MessageCodec | undefined
}

async function shakeHands(attempt: Attempt, target: Target, settings: Settings): Promise<Opened> {
  let errand: Errand = { target, headers: settings.headers, tls: settings.tls }
  for (let followed = 0; ; followed++) {
    const stream = await openStream(attempt, errand.target, settings, errand.tls)
    const { compression } = settings.behaviour
    const offer = {
      key: createKey(shared.platform),
      protocols: settings.protocols,
      extensions: extensionsFor(compression, 'client'),
    }
    const answer = await ask(attempt, stream, {
      method: 'GET',
      path: errand.target.path,
      lines: [...ownHeaders(errand), ...requestHeaders(offer)],
      name: errand.target.name,
    })
    if (answer.status === 101) {
      const { protocol, extensions } = checkUpgradeResponse(answer, offer, shared.platform)
      if (answer.head !== undefined && answer.head.length > 0) stream.unshift(answer.head)
      const [deflate] = extensions
      return { stream, protocol, codec: deflate && deflateCodec(compression, deflate.agreed, 'client') }
    }
    const redirect = redirectOf(answer.status, answer.message.headers.location, errand)
    if (typeof redirect?.next !== 'object' || followed === settings.followRedirects) {
      throw await refusal(attempt, answer, redirect, followed)
    }
    attempt.discard()
    errand = redirect.next
  }
}

/** The request's headers besides those of the WebSocket handshake. */
function ownHeaders({ target, headers }: Errand): HeaderLine[] {
  const lines = [...headers]
  if (!hasHeader(lines, 'host')) lines.unshift(['Host', target.authority])
  const { authorization } = target
  if (authorization !== undefined && !hasHeader(lines, 'authorization')) lines.push(['Authorization', authorization])
  return lines
}

/** The error for an answer that opens nothing, and that is not followed. */
async function refusal(
  attempt: Attempt,
  { status, message }: Answer,
  redirect: Redirect | undefined,
  followed: number,
): Promise<HandshakeError> {
  const refused = { status, headers: message.headers, body: await readBody(attempt, message) }
  if (redirect === undefined) return unexpectedStatus(refused)
  const { shown, next } = redirect
  if (typeof next === 'string') return unexpectedStatus(refused, `It points to ${shown}, which ${next}.`)
  if (followed === 0) {
    return unexpectedStatus(
      refused,
      `It points to ${shown}; redirects are followed if the option followRedirects says how many.`,
    )
  }
  const redirects = followed === 1 ? '1 redirect was' : `${followed} redirects were`
  const what = `${redirects} followed (followRedirects), and the server answered ${statusLine(status)} once more`
  return refusalError('TOO_MANY_REDIRECTS', what, refused, `It points to ${shown}.`)
}
