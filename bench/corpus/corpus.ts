/**
 * What the benchmark of compression sends: chat, market data and presence as JSON, made from a seed. Every connection has
 * people, prices and a clock of its own, which go on from message to message, so that no message comes twice.
 */
import { Chance } from './chance.ts'
import { Chat, people } from './chat.ts'
import { Clock } from './clock.ts'
import { Market } from './market.ts'
import { Presence } from './presence.ts'

/** The people of a connection: more than a roster of 64 KiB has members. */
const PEOPLE = 700

/** A message is at most so much shorter or longer than asked for, as a share. */
export const TOLERANCE = 0.03

/** From this size on a message is a list of things; below it is one thing. */
const LIST_FROM = 600

/** Things that do not fit into what is left of a list before it is begun anew. */
const PATIENCE = 8

/** How one sort of message is made. */
interface Sort {
  /** A message with one thing in it. */
  single(): object
  /** A message with many: what goes with them, the name of their list, and one of them. */
  envelope(): object
  list: string
  item(): object
}

/**
 * The messages of one connection, without end.
 *
 * @param bytes of a message in UTF-8, within `TOLERANCE`: 200, or 600 and more.
 * @param connection its number: each has other messages.
 */
export function* messages(bytes: number, seed: number, connection: number): Generator<string, never> {
  const chance = new Chance(seed, connection)
  const clock = new Clock(chance)
  const known = people(chance, PEOPLE)
  const chat = new Chat(chance, clock, known)
  const market = new Market(chance, clock)
  const presence = new Presence(chance, clock, known)
  const sorts: Record<'chat' | 'market' | 'presence', Sort> = {
    chat: {
      single: () => chat.message(),
      envelope: () => chat.history(),
      list: 'messages',
      item: () => chat.past(),
    },
    market: {
      single: () => market.tick(),
      envelope: () => market.quotes(),
      list: 'quotes',
      item: () => market.quote(),
    },
    presence: {
      single: () => presence.update(),
      envelope: () => presence.roster(),
      list: 'members',
      item: () => presence.member(),
    },
  }
  const wanted = { min: bytes * (1 - TOLERANCE), max: bytes * (1 + TOLERANCE) }
  for (;;) {
    const dice = chance.next()
    const sort = dice < 0.45 ? sorts.chat : dice < 0.8 ? sorts.market : sorts.presence
    yield bytes < LIST_FROM ? single(sort, wanted) : several(sort, wanted)
  }
}

interface Range {
  min: number
  max: number
}

/** Things come in many lengths: one that has the right one turns up soon. */
function single(sort: Sort, { min, max }: Range): string {
  for (;;) {
    const text = JSON.stringify(sort.single())
    const length = Buffer.byteLength(text)
    if (length >= min && length <= max) return text
  }
}

function several(sort: Sort, range: Range): string {
  for (;;) {
    const text = attempt(sort, range)
    if (text !== undefined) return text
  }
}

/** @returns `undefined` when nothing was found that fits into what was left at the end. */
function attempt(sort: Sort, { min, max }: Range): string | undefined {
  const head = `${JSON.stringify(sort.envelope()).slice(0, -1)},"${sort.list}":[`
  const items: string[] = []
  let length = Buffer.byteLength(head) + 2
  for (let misfits = 0; misfits < PATIENCE; ) {
    const item = JSON.stringify(sort.item())
    const more = Buffer.byteLength(item) + (items.length > 0 ? 1 : 0)
    if (length + more > max) {
      misfits++
      continue
    }
    items.push(item)
    length += more
    if (length >= min) return `${head}${items.join(',')}]}`
  }
  return undefined
}
