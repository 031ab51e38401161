import type { CloseInfo } from '../protocol/close-info.ts'
import { type MessageData, PreparedMessage } from '../protocol/prepared.ts'
import type { Topics } from '../topics/topics.ts'
import { checkString } from './check.ts'
import type { Link } from './link.ts'
import type { MessageType } from './options.ts'
import type { SendResult } from './outbound.ts'
import { checkSendOptions, prepare, Socket } from './socket.ts'

export interface PublishOptions {
  /** Sends a string as binary, or bytes as text. */
  type?: MessageType
  /**
   * Names what the message is about. Where the option `overflow` is `'coalesce'`, a message that still waits for a
   * subscriber is replaced by a newer one with the same topic and key, so that a slow reader gets the latest only.
   */
  key?: string
  /** Whether it may be compressed, where that was agreed on. Default true. */
  compress?: boolean
}

/** What the sockets of a server know of it. */
export interface Membership {
  readonly topics: Topics<ServerSocket>
  /** A new id for a socket, under which the server finds it from here on. */
  register(socket: ServerSocket): string
}

/** A server's end of a connection. */
export class ServerSocket<Data = unknown> extends Socket<Data> {
  /**
   * The IP address of the client: what a proxy of the option `trustedProxies` says that it is, or else `remoteAddress`.
   * IPv4 is always written as IPv4.
   */
  readonly clientAddress: string | undefined
  private readonly membership: Membership
  private ownId: string | undefined

  /** @internal */
  constructor(link: Link, data: Data, protocol: string, membership: Membership, clientAddress: string | undefined) {
    super(link, data, protocol)
    this.membership = membership
    this.clientAddress = clientAddress
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
  publish(topic: string, message: MessageData | PreparedMessage, options: PublishOptions = {}): number {
    checkPublishOptions(options, PUBLISH_OPTIONS, 'socket.publish')
    return publish(this.membership.topics, topic, message, options, this)
  }

  /** @internal Sends a message that was published. */
  sendPublished(message: PreparedMessage, key: string | undefined, asIs: boolean): SendResult {
    return this.link.send(message, undefined, key, asIs)
  }

  /** @internal */
  protected override shown(): object {
    return { id: this.id, ...super.shown() }
  }

  /** @internal The id, if it was ever asked for. */
  get knownId(): string | undefined {
    return this.ownId
  }

  /** @internal Tells how the connection ended, before its handlers are told, unless what this returns is called before. */
  onEnd(tell: (info: CloseInfo) => void): () => void {
    const { whenClosed } = this.link
    whenClosed.add(tell)
    return () => whenClosed.delete(tell)
  }

  /** @internal */
  shutDown(code: number, reason: string): void {
    this.link.close(code, reason, 'shutdown')
  }
}

export const PUBLISH_OPTIONS: readonly string[] = Object.keys({ type: 0, key: 0, compress: 0 } satisfies Record<
  keyof PublishOptions,
  0
>)

/** Takes next to nothing, since it may be called for every message. @throws ArgumentError that names the option */
export function checkPublishOptions(options: PublishOptions, known: readonly string[], whose: string): void {
  checkSendOptions(options, known, whose)
  if (options.key !== undefined) checkString('key', options.key)
}

/** Sends a message to all who have subscribed to a topic but `except`. Returns to how many. */
export function publish(
  topics: Topics<ServerSocket>,
  topic: string,
  message: MessageData | PreparedMessage,
  { key, type, compress }: PublishOptions,
  except: ServerSocket | undefined,
): number {
  const prepared = message instanceof PreparedMessage ? message : prepare(message, type)
  // The length keeps a topic and a key apart whatever is in them.
  const keyOfTopic = key === undefined ? undefined : `${topic.length}:${topic}${key}`
  const deliver = (member: ServerSocket) => {
    const result = member.sendPublished(prepared, keyOfTopic, compress === false)
    return result === 'ok' || result === 'slow'
  }
  return topics.publish(topic, deliver, except)
}
