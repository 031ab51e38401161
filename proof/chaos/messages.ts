/** The messages that are exchanged: numbered and checksummed, so that each says of itself whether it is the right one. */
import { crc32 } from 'node:zlib'
import type { MessageType } from 'heartwire'
import { Random } from '../support/random.ts'
import type { Direction } from './plan.ts'

export interface MessageSpec {
  type: MessageType
  /** Characters or bytes behind the message's head; undefined for an empty message, which has no head either. */
  body: number | undefined
  /** In how many parts it is sent: 1 for `send`, more for `sendFragments`. */
  parts: number
  /** Milliseconds to wait before it is sent. */
  pause: number
}

/** Connection, number, direction, and the checksum of these and of the body: four words of 32 bits, in text as hex. */
const HEAD = 16
const TEXT_HEAD = 2 * HEAD
const LONGEST = 120_000

const POOL = 1024 * 1024
const random = new Random(1)
const BYTES = Buffer.from(Array.from({ length: POOL }, () => random.whole(0, 255)))
const TEXT = Array.from({ length: POOL / 2 }, () => 'abc,"é€🙂 '.at(random.whole(0, 6))).join('')

/** From 4 to 16 messages. The last one is not empty. */
export function planMessages(random: Random): MessageSpec[] {
  const all = Array.from({ length: random.whole(4, 16) }, () => planMessage(random))
  const last = all.at(-1)
  if (last !== undefined) last.body ??= 1
  return all
}

function planMessage(random: Random): MessageSpec {
  return {
    type: random.chance(0.5) ? 'text' : 'binary',
    body: planBody(random),
    parts: random.chance(0.25) ? random.whole(2, 8) : 1,
    pause: random.chance(0.2) ? random.whole(1, 30) : 0,
  }
}

function planBody(random: Random): number | undefined {
  switch (random.pick({ empty: 10, small: 50, medium: 20, long: 14, huge: 6 })) {
    case 'empty':
      return undefined
    case 'small':
      return random.whole(0, 125)
    case 'medium':
      return random.whole(126, 5_000)
    case 'long':
      return random.whole(5_001, 65_000)
    case 'huge':
      return random.whole(65_537, LONGEST)
  }
}

/** @param number from 0 */
export function makeMessage(
  connection: number,
  direction: Direction,
  number: number,
  { type, body }: MessageSpec,
): string | Uint8Array {
  if (type === 'text') {
    if (body === undefined) return ''
    const from = (connection * 977 + number * 131) % (TEXT.length - LONGEST)
    const text = wholeCharacters(TEXT.slice(from, from + body))
    return head(connection, direction, number, text).toString('hex') + text
  }
  if (body === undefined) return new Uint8Array(0)
  const from = (connection * 977 + number * 131) % (POOL - LONGEST)
  const bytes = BYTES.subarray(from, from + body)
  return Buffer.concat([head(connection, direction, number, bytes), bytes])
}

/** Replaces halves of a surrogate pair at either end, of which UTF-8 has none. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\udc00-\udfff]/, '.').replace(/[\ud800-\udbff]$/, '.')
}

function head(connection: number, direction: Direction, number: number, body: string | Uint8Array): Buffer {
  const words = Buffer.alloc(HEAD)
  words.writeUInt32BE(connection, 0)
  words.writeUInt32BE(number, 4)
  words.writeUInt32BE(direction === 'up' ? 1 : 2, 8)
  words.writeUInt32BE(crc32(body, crc32(words.subarray(0, 12))), 12)
  return words
}

/** The same message in parts, in about equal ones. */
export function split(message: string | Uint8Array, parts: number): (string | Uint8Array)[] {
  const size = Math.ceil(message.length / parts)
  return Array.from({ length: parts }, (_, i) =>
    typeof message === 'string' ? message.slice(i * size, (i + 1) * size) : message.subarray(i * size, (i + 1) * size),
  )
}

/** Checks that what is delivered is, one after the other, what was planned: nothing twice, out of order or corrupted. */
export class MessageChecker {
  /** How many were right. */
  received = 0
  private readonly connection: number
  private readonly direction: Direction
  private readonly specs: readonly MessageSpec[]

  constructor(connection: number, direction: Direction, specs: readonly MessageSpec[]) {
    this.connection = connection
    this.direction = direction
    this.specs = specs
  }

  get complete(): boolean {
    return this.received === this.specs.length
  }

  /** Returns what is wrong with a message, if anything is. */
  check(message: string | Uint8Array): string | undefined {
    const spec = this.specs[this.received]
    const what = `message ${this.received} ${this.direction}`
    const wrong = spec === undefined ? this.explain(message) : this.compare(message, spec)
    if (wrong !== undefined) return `${what}: ${wrong}`
    this.received++
    return undefined
  }

  private compare(message: string | Uint8Array, { type, body }: MessageSpec): string | undefined {
    const came = typeof message === 'string' ? 'text' : 'binary'
    if (came === type && message.length === 0 && body === undefined) return undefined
    const wrong = this.explain(message)
    if (wrong !== undefined) return wrong
    if (came !== type) return `corrupted: ${came} in place of ${type}`
    const length = body === undefined ? 0 : body + (type === 'text' ? TEXT_HEAD : HEAD)
    return message.length === length ? undefined : `corrupted: ${message.length} long in place of ${length}`
  }

  /** What the message says of itself, if that is not what was due. */
  private explain(message: string | Uint8Array): string | undefined {
    if (message.length === 0) return 'an empty message that was not due: delivered twice, or out of order'
    const headLength = typeof message === 'string' ? TEXT_HEAD : HEAD
    if (message.length < headLength) return `corrupted: it has ${message.length} only`
    const words =
      typeof message === 'string'
        ? Buffer.from(message.slice(0, TEXT_HEAD), 'hex')
        : Buffer.from(message.subarray(0, HEAD))
    const body = typeof message === 'string' ? message.slice(TEXT_HEAD) : message.subarray(HEAD)
    const checksum = words.length === HEAD ? crc32(body, crc32(words.subarray(0, 12))) : undefined
    if (checksum !== words.readUInt32BE(Math.max(0, words.length - 4))) return 'corrupted: its checksum is wrong'
    const [connection, number, direction] = [words.readUInt32BE(0), words.readUInt32BE(4), words.readUInt32BE(8)]
    if (connection !== this.connection) return `that of connection ${connection}`
    if (direction !== (this.direction === 'up' ? 1 : 2)) return 'one of the other direction'
    if (number < this.received) return `number ${number} was delivered twice`
    if (number > this.received) return `number ${number} came out of order, or what is between was lost`
    return undefined
  }
}
