/** What the clients and the server of a soak, and the one who watches them, have agreed on. */
import type { CloseCause } from 'heartwire'

/** Bytes that the server queues for a socket; a client that asks for more and does not read is a slow consumer. */
export const MAX_BUFFERED = 4 * 1024 * 1024

/** A connection's own number, and what began its end, as the server was told. */
export type Ended = readonly [id: number, cause: CloseCause]

/** The server's process at one moment; memory in bytes. */
export interface ServerState {
  rss: number
  external: number
  /** What is used of V8's heap, when garbage was collected just before. */
  heap?: number
  /** What keeps the event loop busy, by kind. */
  handles: Record<string, number>
  /** Open and closing. */
  connections: number
  /** Connections ever opened. */
  opened: number
  /** Since the last look. */
  ended: Ended[]
  /** CPU time so far, in seconds. */
  cpu: number
  /** The server's clock, in seconds. */
  time: number
  /** How late the event loop came to a timer since the last look, at most, in milliseconds. */
  loopDelay: number
}

/** What is published under a topic as its nth message: nobody has to be told what it has to look like. */
export function publication(topic: string, n: number): string {
  return `${n} ${topic.repeat((n * 7919) % 300)}`
}

/** The nth message of a burst, of 4 bytes at least. */
export function burstMessage(n: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, n & 0xff)
  bytes.writeUInt32BE(n)
  return bytes
}
