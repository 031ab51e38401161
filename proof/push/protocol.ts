/** What the server of the push run, its clients, and the one who measures have agreed on. */
import type { LatencyCounts } from '../../bench/load/latency.ts'

/** Bytes of a message before what fills it: number of the topic, number of the message in it, and when it was due. */
export const HEAD = 16

/** A message of `size` bytes. `due` is in milliseconds on the clock that all processes of a machine share. */
export function encodePush(topic: number, number: number, due: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, 0x2e)
  bytes.writeUInt32LE(topic, 0)
  bytes.writeUInt32LE(number, 4)
  bytes.writeDoubleLE(due, 8)
  return bytes
}

/** Milliseconds on the monotonic clock, which all processes of a machine share. */
export function sharedNow(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

/** One measured time, for the server. */
export interface PublishOrder {
  /** Messages a second, in all. */
  rate: number
  topics: number
  seconds: number
  /** Bytes of a message. */
  payload: number
}

export interface Published {
  messages: number
  /** Copies of them to subscribers that read. */
  deliveries: number
  /** How late a message was published at most, in ms: how far the server fell behind its plan. */
  late: number
}

/** The server's process; memory in bytes, CPU time and clock in seconds. */
export interface ServerState {
  rss: number
  heap: number
  external: number
  cpu: number
  time: number
  connections: number
  /** Bytes queued for clients that do not read: all of them, and most for one. */
  stuckBuffered: number
  stuckMost: number
  /** Connections that ended, by cause. */
  causes: Record<string, number>
}

/** What a load process is to open. */
export interface OpenOrder {
  port: number
  tls: boolean
  /** Numbers of the first client and the one after the last; a client's topic is its number modulo `topics`. */
  from: number
  to: number
  topics: number
  /** The clients below this number never read. */
  stuck: number
}

/** What came to the clients of a load process since it was last asked. */
export interface Received {
  deliveries: number
  /** Messages that left a gap in their topic, came twice or to the wrong client. */
  wrong: number
  /** Connections that ended although nobody had ended them. */
  dead: number
  /** From when a message was due to when it was read, and the longest in ms. */
  latencies: LatencyCounts
  longest: number
  /** Share of the time (0 to 1) in which this process waited. */
  idle: number
}
