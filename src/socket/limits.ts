import { checkCount, checkTime, checkTimeOrNever, checkWord } from './check.ts'
import { type Rate, type RateLimit, resolveRate } from './rate-limit.ts'

/** What is done with a message for which there is no room: see `overflow`. */
export type Overflow = 'close' | 'drop' | 'coalesce'

/** What a connection may take of memory, time and attention. Can be set for a server, a route, a client and an open socket. */
export interface Limits {
  // What the peer sends

  /** Most bytes of a message, all fragments together; above it the connection is closed with 1009. Default: server 1 MiB, client 16 MiB. */
  maxPayload?: number
  /** Most fragments of a message, empty ones counted; above it the connection is closed with 1008. Default 16,384. */
  maxFragments?: number
  /** Messages that the peer may send in a second. Default false: any number. */
  messageRate?: RateLimit | false
  /** Bytes of messages that the peer may send in a second. Default false: any number. */
  byteRate?: RateLimit | false
  /** Pings and pongs that the peer may send in a second; above it the connection is closed with 1008. Default: 100, bursts of 1,000. */
  controlRate?: Omit<RateLimit, 'over'> | false

  // What is sent to the peer

  /** Bytes queued for a socket above which `send` answers `'slow'`; `maxBuffered` where that is lower. Default 64 KiB. */
  highWaterMark?: number
  /** Most bytes queued for a socket; an empty queue takes a message of any size. Default 16 MiB. */
  maxBuffered?: number
  /**
   * What is done with a message that would go over `maxBuffered`. `'close'`: the connection is closed with 1013, and what
   * waits is discarded. `'drop'`: this message is dropped. `'coalesce'`: as `'drop'`, and a message that is published
   * with a key takes the place of one that still waits with that topic and key, if there is room for what it is longer.
   * Default `'close'`.
   */
  overflow?: Overflow
  /** Milliseconds after which a message that still waits is dropped, false for never. Default false. */
  maxQueueAge?: number | false

  // Time

  /** Milliseconds for which reading may be paused, by `pause` or by a consumer that is busy; false for ever. Default 60,000. */
  maxPause?: number | false
  /** Milliseconds to wait for the peer's Close frame from when the kernel has taken ours; 30,000 in all. Default 10,000. */
  closeTimeout?: number
  /**
   * Milliseconds after which a connection is closed with 1001; up to a tenth less, by chance, so that connections that
   * began together do not end together. Default false: none.
   */
  maxLifetime?: number | false
  /**
   * Milliseconds in which the peer has to send its first message, or is closed with 1008; those in which nothing is read
   * do not count. Default false: none.
   */
  idleBeforeFirstMessage?: number | false
}

/** Limits with every default filled in; infinite where there is no end. */
export interface ResolvedLimits {
  readonly maxPayload: number
  readonly maxFragments: number
  readonly messageRate: Rate | false
  readonly byteRate: Rate | false
  readonly controlRate: Rate | false
  readonly highWaterMark: number
  readonly maxBuffered: number
  readonly overflow: Overflow
  readonly maxQueueAge: number
  readonly maxPause: number
  readonly closeTimeout: number
  readonly maxLifetime: number
  readonly idleBeforeFirstMessage: number
}

export const DEFAULT_LIMITS: ResolvedLimits = {
  maxPayload: 1024 * 1024,
  maxFragments: 16_384,
  messageRate: false,
  byteRate: false,
  controlRate: { perSecond: 100, burst: 1000, over: 'close' },
  highWaterMark: 64 * 1024,
  maxBuffered: 16 * 1024 * 1024,
  overflow: 'close',
  maxQueueAge: Number.POSITIVE_INFINITY,
  maxPause: 60_000,
  closeTimeout: 10_000,
  maxLifetime: Number.POSITIVE_INFINITY,
  idleBeforeFirstMessage: Number.POSITIVE_INFINITY,
}

export const LIMITS: readonly string[] = Object.keys(DEFAULT_LIMITS)

/**
 * Checks limits, and fills in those of `base` where none are given.
 * @throws ArgumentError that names the option and its value
 */
export function resolveLimits(limits: Limits, base: ResolvedLimits): ResolvedLimits {
  return {
    maxPayload: checkCount('maxPayload', limits.maxPayload ?? base.maxPayload),
    maxFragments: checkCount('maxFragments', limits.maxFragments ?? base.maxFragments),
    messageRate: resolveRate('messageRate', limits.messageRate ?? base.messageRate, ['wait', 'drop', 'close']),
    byteRate: resolveRate('byteRate', limits.byteRate ?? base.byteRate, ['wait', 'drop', 'close']),
    controlRate: resolveRate('controlRate', limits.controlRate ?? base.controlRate, ['close']),
    highWaterMark: checkCount('highWaterMark', limits.highWaterMark ?? base.highWaterMark),
    maxBuffered: checkCount('maxBuffered', limits.maxBuffered ?? base.maxBuffered),
    overflow: checkWord('overflow', limits.overflow ?? base.overflow, ['close', 'drop', 'coalesce']),
    maxQueueAge: checkTimeOrNever('maxQueueAge', limits.maxQueueAge ?? base.maxQueueAge),
    maxPause: checkTimeOrNever('maxPause', limits.maxPause ?? base.maxPause),
    closeTimeout: checkTime('closeTimeout', limits.closeTimeout ?? base.closeTimeout),
    maxLifetime: checkTimeOrNever('maxLifetime', limits.maxLifetime ?? base.maxLifetime),
    idleBeforeFirstMessage: checkTimeOrNever(
      'idleBeforeFirstMessage',
      limits.idleBeforeFirstMessage ?? base.idleBeforeFirstMessage,
    ),
  }
}
