import { channel } from 'node:diagnostics_channel'
import type { CloseInfo } from '../protocol/close-info.ts'
import { Opcode } from '../protocol/opcode.ts'
import { bytesOf, type MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { MessageType } from './options.ts'
import { shared } from './runtime.ts'
import type { Socket } from './socket.ts'

/**
 * What is published to `node:diagnostics_channel`, by the name of the channel, of the sockets of servers and of clients.
 * Nothing is made while nobody has subscribed. Nothing is redacted: this is for programs.
 */
export interface DiagnosticsEvents {
  /** A handshake is done; comes before the `open` handler. */
  'heartwire.open': { readonly socket: Socket }
  /** A connection has ended; comes before the `close` handler. */
  'heartwire.close': { readonly socket: Socket; readonly info: CloseInfo }
  /**
   * A message has arrived, or was taken by `send` or `publish`. Not one that a limit dropped, and neither one that is read
   * as a stream nor one that is sent in fragments.
   */
  'heartwire.message': {
    readonly socket: Socket
    readonly direction: 'in' | 'out'
    readonly data: string | Uint8Array
    readonly type: MessageType
  }
  /** A handler has failed; or, without a socket, something else that a server's `error` handler is told of. */
  'heartwire.error': { readonly error: unknown; readonly socket: Socket | undefined }
  /** A server has refused a handshake, or its client has gone away. */
  'heartwire.refused': {
    /** As in `stats().refused`. */
    readonly code: string
    /** What was answered; undefined when nobody was there any more. */
    readonly status: number | undefined
    readonly message: string
    /** The address of the client; undefined where the transport has none. */
    readonly remoteAddress: string | undefined
    /** What was asked for, without the query. */
    readonly path: string
  }
}

interface TypedChannel<Event> {
  readonly hasSubscribers: boolean
  publish(event: Event): void
}

function typed<Name extends keyof DiagnosticsEvents>(name: Name): TypedChannel<DiagnosticsEvents[Name]> {
  return channel(name)
}

export const openChannel = typed('heartwire.open')
export const closeChannel = typed('heartwire.close')
export const messageChannel = typed('heartwire.message')
export const errorChannel = typed('heartwire.error')
export const refusedChannel = typed('heartwire.refused')

/** Publishes a message that was sent, as it will arrive. */
export function publishSent(
  socket: Socket,
  message: MessageData | PreparedMessage,
  given: MessageType | undefined,
): void {
  const direction = 'out'
  if (message instanceof PreparedMessage) {
    const { opcode, payload } = message
    const isText = opcode === Opcode.Text
    const data = isText ? shared.platform.utf8Decode(payload, 0, payload.length) : payload
    messageChannel.publish({ socket, direction, data, type: isText ? 'text' : 'binary' })
  } else if (typeof message === 'string') {
    messageChannel.publish({ socket, direction, data: message, type: given ?? 'text' })
  } else {
    messageChannel.publish({ socket, direction, data: bytesOf(message), type: given ?? 'binary' })
  }
}
