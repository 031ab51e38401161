import { type MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { Topics } from '../topics/topics.ts'
import type { Link } from './link.ts'
import type { MessageType } from './options.ts'
import { prepare, Socket } from './socket.ts'

/** What the sockets of a server know of it. */
export interface Membership {
  readonly topics: Topics<ServerSocket>
  /** A new id for a socket, under which the server finds it from here on. */
  register(socket: ServerSocket): string
}

/** A server's end of a connection. */
export class ServerSocket<Data = unknown> extends Socket<Data> {
  private readonly membership: Membership
  private ownId: string | undefined

  /** @internal */
  constructor(link: Link, data: Data, protocol: string, membership: Membership) {
    super(link, data, protocol)
    this.membership = membership
  }

  /** Names this socket among all sockets of all servers. Made when it is asked for first. */
  get id(): string {
    this.ownId ??= this.membership.register(this)
    return this.ownId
  }

  /** Whether what is published under a topic is sent to this socket from here on; false when it was already, or is closed. */
  subscribe(topic: string): boolean {
    if (this.state === 'closed') return false
    return this.membership.topics.subscribe(this, topic)
  }

  /** False when the socket had not subscribed. */
  unsubscribe(topic: string): boolean {
    return this.membership.topics.unsubscribe(this, topic)
  }

  /** The topics that this socket has subscribed to. */
  get topics(): ReadonlySet<string> {
    return this.membership.topics.topicsOf(this)
  }

  /** Sends a message to all who have subscribed to a topic but this socket. It is encoded once. Returns to how many. */
  publish(topic: string, message: MessageData | PreparedMessage, type?: MessageType): number {
    return publish(this.membership.topics, topic, preparedOf(message, type), this)
  }

  /** @internal The id, if it was ever asked for. */
  get knownId(): string | undefined {
    return this.ownId
  }

  /** @internal */
  shutDown(code: number, reason: string): void {
    this.link.close(code, reason, 'shutdown')
  }
}

/** Sends a message to all who have subscribed to a topic but `except`. Returns to how many. */
export function publish(
  topics: Topics<ServerSocket>,
  topic: string,
  message: PreparedMessage,
  except: ServerSocket | undefined,
): number {
  const deliver = (member: ServerSocket) => {
    const result = member.send(message)
    return result === 'ok' || result === 'slow'
  }
  return topics.publish(topic, deliver, except)
}

export function preparedOf(message: MessageData | PreparedMessage, type: MessageType | undefined): PreparedMessage {
  return message instanceof PreparedMessage ? message : prepare(message, type)
}
