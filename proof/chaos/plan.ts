/** What is to happen on a connection. It follows from the seed and the connection's number alone. */
import { Random } from '../support/random.ts'
import { type MessageSpec, planMessages } from './messages.ts'

export const FAULTS = [
  'none',
  'delay',
  'jitter',
  'bytes',
  'cut',
  'reset',
  'half-open',
  'stall',
  'late-close',
  'several',
] as const

export type Fault = (typeof FAULTS)[number]

/** From the client to the server, or from the server to the client. */
export type Direction = 'up' | 'down'

export type End = 'client' | 'server'

/** A place in the stream of one direction, in terms of its frames: the handshake's head is none. */
export interface Place {
  direction: Direction
  /** The first frame from this one on, counted from 1, in which the place is still ahead. */
  frame: number
  /** Before the frame; behind the first byte of its header; or behind this share of its payload, from 0 to below 1. */
  at: 'before' | 'header' | number
}

/** Something that is done to a connection once, when the bytes before its place have been passed on. */
export interface Strike {
  /**
   * - `cut`: both ends get a FIN
   * - `reset`: both ends get a RST
   * - `half-open`: from here on bytes vanish both ways, and no end is passed on
   * - `stall`: nothing moves, either way, for `milliseconds`; then everything goes on
   */
  how: 'cut' | 'reset' | 'half-open' | 'stall'
  place: Place
  milliseconds: number
}

/** What the proxy does to a connection. */
export interface Trouble {
  /** Milliseconds by which everything is late, and up to how many more by chance. The order stays. */
  delay: number
  jitter: number
  /** How many bytes of each direction are passed on one by one, for a second at most. */
  singleBytes: number
  /** Milliseconds by which a FIN is passed on late. */
  lateClose: number
  /** In the order of their places, which are in one direction. */
  strikes: Strike[]
}

export interface Plan extends Trouble {
  connection: number
  fault: Fault
  /** How each end reads its messages. */
  reads: Record<End, Reading>
  /** Which end closes, and whether it does so behind its own last message, without waiting for the peer's. */
  closes: End
  early: boolean
  code: number
  reason: string
  up: MessageSpec[]
  down: MessageSpec[]
}

/** By a `message` handler, or by `for await`. */
export type Reading = 'handler' | 'pull'

/** What the plans of one run have in common. */
export interface PlanSettings {
  seed: number
  faults: readonly Fault[]
  /** The heartbeat of both ends, in milliseconds. */
  interval: number
  timeout: number
}

const NO_TROUBLE: Trouble = { delay: 0, jitter: 0, singleBytes: 0, lateClose: 0, strikes: [] }

export function planConnection(settings: PlanSettings, connection: number): Plan {
  const random = connectionRandom(settings.seed, connection)
  const fault = oneOf(random, settings.faults)
  const up = planMessages(random)
  const down = planMessages(random)
  const trouble = planTrouble(random, fault, { up: up.length, down: down.length }, settings)
  return {
    connection,
    fault,
    ...trouble,
    reads: { client: oneOf(random, ['handler', 'pull']), server: oneOf(random, ['handler', 'pull']) },
    closes: oneOf(random, ['client', 'server']),
    // With a strike the closing end waits for everything, so that no strike comes when all is over.
    early: trouble.strikes.length === 0 && random.chance(0.3),
    code: random.whole(4000, 4999),
    reason: `end of ${connection}`,
    up,
    down,
  }
}

/** The random numbers of one connection of a run. */
export function connectionRandom(seed: number, connection: number): Random {
  return new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(connection, 0x85ebca6b))
}

function planTrouble(
  random: Random,
  fault: Fault,
  messages: Record<Direction, number>,
  settings: PlanSettings,
): Trouble {
  switch (fault) {
    case 'none':
      return NO_TROUBLE
    case 'delay':
      return { ...NO_TROUBLE, delay: random.whole(5, 80) }
    case 'jitter':
      return { ...NO_TROUBLE, jitter: random.whole(10, 80) }
    case 'bytes':
      return { ...NO_TROUBLE, singleBytes: random.whole(300, 1500) }
    case 'late-close':
      return { ...NO_TROUBLE, lateClose: random.whole(50, 1500) }
    case 'several':
      return planSeveral(random, messages, settings)
    default: {
      const direction = oneOf(random, ['up', 'down'])
      const place = planPlace(random, fault, direction, 1, messages[direction])
      return { ...NO_TROUBLE, strikes: [planStrike(random, fault, place, settings)] }
    }
  }
}

/** Late or in single bytes, then a stall that has to be survived, then an end or none. */
function planSeveral(random: Random, messages: Record<Direction, number>, settings: PlanSettings): Trouble {
  const direction = oneOf(random, ['up', 'down'])
  const half = Math.floor(messages[direction] / 2)
  const stall: Strike = {
    how: 'stall',
    place: planPlace(random, 'stall', direction, 1, half),
    milliseconds: shortStall(random, settings),
  }
  const last = oneOf(random, ['cut', 'reset', 'half-open', 'none'])
  const strikes = [stall]
  if (last !== 'none') {
    strikes.push(planStrike(random, last, planPlace(random, last, direction, half + 1, messages[direction]), settings))
  }
  return {
    delay: random.chance(0.5) ? random.whole(1, 20) : 0,
    jitter: random.chance(0.5) ? random.whole(1, 20) : 0,
    singleBytes: random.chance(0.5) ? random.whole(50, 300) : 0,
    lateClose: random.chance(0.5) ? random.whole(50, 500) : 0,
    strikes,
  }
}

function planStrike(random: Random, how: Strike['how'], place: Place, { interval, timeout }: PlanSettings): Strike {
  if (how !== 'stall') return { how, place, milliseconds: 0 }
  // One half is too short to be judged; the other is longer than any heartbeat waits.
  const long = interval + timeout + random.whole(300, 600)
  return { how, place, milliseconds: random.chance(0.5) ? shortStall(random, { timeout }) : long }
}

function shortStall(random: Random, { timeout }: Pick<PlanSettings, 'timeout'>): number {
  return Math.round(timeout * (0.1 + 0.4 * random.next()))
}

function planPlace(random: Random, how: Strike['how'], direction: Direction, from: number, to: number): Place {
  const frame = random.whole(from, to)
  // A cut is always in the middle of a frame, the others also between two.
  const where = random.next()
  if (where < 0.2) return { direction, frame, at: 'header' }
  if (where < 0.4 && how !== 'cut') return { direction, frame, at: 'before' }
  return { direction, frame, at: random.next() }
}

export function oneOf<const T>(random: Random, all: readonly T[]): T {
  return all[random.whole(0, all.length - 1)] as T
}

/** One line that says all that the proxy does, and how the connection is to end. */
export function describePlan(plan: Plan): string {
  const parts: string[] = []
  if (plan.delay > 0) parts.push(`delay ${plan.delay} ms`)
  if (plan.jitter > 0) parts.push(`jitter ${plan.jitter} ms`)
  if (plan.singleBytes > 0) parts.push(`${plan.singleBytes} single bytes`)
  if (plan.lateClose > 0) parts.push(`FIN ${plan.lateClose} ms late`)
  for (const { how, place, milliseconds } of plan.strikes) {
    const at = typeof place.at === 'number' ? `${Math.floor(place.at * 100)} % of the payload` : place.at
    parts.push(
      `${how}${how === 'stall' ? ` ${milliseconds} ms` : ''} at frame ${place.frame} ${place.direction}, ${at}`,
    )
  }
  const trouble = parts.length === 0 ? 'no trouble' : parts.join(', ')
  const { up, down, closes, early, reads } = plan
  return (
    `${plan.fault}: ${trouble}; ${up.length} messages up, ${down.length} down; ` +
    `${closes} closes${early ? ' early' : ''}; client: ${reads.client}, server: ${reads.server}`
  )
}
