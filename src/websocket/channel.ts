import { type Established, establish } from '../client/connect.ts'
import { parseTarget } from '../client/target.ts'
import { ConnectionClosedError } from '../protocol/close-info.ts'
import { HandshakeError } from '../protocol/error.ts'
import { currentContext } from '../socket/context.ts'
import { connectionOptions, Link } from '../socket/link.ts'
import type { Behaviour } from '../socket/options.ts'
import { Socket } from '../socket/socket.ts'
import type { Request } from './options.ts'

/** How a connection ended, or why it never began. */
export interface End {
  readonly wasClean: boolean
  readonly code: number
  readonly reason: string
  /** Whether the connection was failed (RFC 6455 section 7.1.7), or lost: there was no Close frame from the peer. */
  readonly failed: boolean
  readonly error: unknown
}

/** What a channel tells, as it happens: not before the program that made it has gone on. */
export interface ChannelSink {
  opened(link: Link): void
  /** Without it messages wait in the link's queue. */
  message?(data: string | Uint8Array): void
  /** The closing handshake has begun, or the connection is lost. */
  closing(): void
  /** Told exactly once, whether it was open or not. */
  closed(end: End): void
}

/** The connection of a WebSocket or a WebSocketStream, from its handshake to its end. */
export class Channel {
  private readonly sink: ChannelSink
  private readonly handshake = new AbortController()
  private readonly context = currentContext()
  private link: Link | undefined

  constructor(url: URL, request: Request, sink: ChannelSink) {
    this.sink = sink
    void this.establish(url, request)
  }

  /** Fails the connection, whether it is open yet or not. */
  fail(error: unknown): void {
    if (this.link === undefined) this.handshake.abort(error)
    else this.link.connection.terminate('terminated', error instanceof Error ? error : undefined)
  }

  private async establish(url: URL, { settings, signal, protocols }: Request): Promise<void> {
    const giveUp = () => this.handshake.abort(signal?.reason)
    signal?.addEventListener('abort', giveUp)
    try {
      if (signal?.aborted) giveUp()
      const target = parseTarget(url, settings.socketPath)
      await establish(target, settings, this.handshake.signal, (established) => {
        if (protocols.length > 0 && established.protocol === '') throw unacknowledged(established, protocols)
        this.open(established, settings.behaviour)
      })
    } catch (error) {
      this.sink.closed({ wasClean: false, code: 1006, reason: '', failed: true, error })
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  private open({ transport, protocol, codec }: Established, behaviour: Behaviour): void {
    const { sink, context } = this
    const link: Link = new Link(
      {
        connection: connectionOptions('client', behaviour),
        behaviour,
        context,
        handlers: {
          open: () => sink.opened(link),
          ...(sink.message !== undefined && { message: (_socket, data) => sink.message?.(data) }),
          close: (_socket, info) =>
            sink.closed({
              wasClean: info.wasClean,
              code: info.code,
              reason: info.reason,
              failed: info.received === undefined,
              error: info.error ?? new ConnectionClosedError(info),
            }),
        },
        onClosing: () => sink.closing(),
      },
      transport,
      codec,
    )
    this.link = link
    link.start(new Socket(link, undefined, protocol))
  }
}

/** A server that chose none of the subprotocols, which RFC 6455 allows and browsers do not ("establish a WebSocket connection"). */
function unacknowledged({ transport }: Established, protocols: readonly string[]): HandshakeError {
  transport.destroy()
  return new HandshakeError(
    'BAD_RESPONSE',
    `The server chose none of the subprotocols that were asked for: ${protocols.join(', ')}.`,
  )
}
