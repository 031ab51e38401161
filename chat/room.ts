import { randomUUID } from 'node:crypto'
import { type Entry, HISTORY, LIMITS, type Member, type RoomSize } from './wire.ts'

/** How many members a room takes. */
export const ROOM_CAPACITY = 100

/** How many rooms are kept; empty ones give way to new ones, the longest empty first. */
export const ROOMS_KEPT = 100

/** Who is in a room, and what happened there. Knows nothing of connections. */
export class Room {
  readonly name: string
  /** Tells this room from an earlier one of the same name. */
  readonly epoch: string = randomUUID()
  readonly #members = new Map<string, Member>()
  #entries: Entry[] = []
  #count = 0
  readonly #now: () => number

  constructor(name: string, now: () => number = Date.now) {
    this.name = name
    this.#now = now
  }

  get size(): number {
    return this.#members.size
  }

  get members(): Member[] {
    return [...this.#members.values()]
  }

  /** The last entries, oldest first, at most `HISTORY` of them. */
  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** Takes a member in under the name that was asked for, or the next free one like it. */
  join(id: string, name: string): Entry {
    const member = { id, name: this.#freeName(name) }
    this.#members.set(id, member)
    return this.#record('join', member, `${member.name} joined`)
  }

  /** Lets a member go. `text` tells why; `death` is for a connection that ended without a goodbye. */
  leave(id: string, kind: 'leave' | 'death', text: (name: string) => string): Entry | undefined {
    const member = this.#members.get(id)
    if (!member) return undefined
    this.#members.delete(id)
    return this.#record(kind, member, text(member.name))
  }

  /** Undefined when the member bears that name already. */
  rename(id: string, name: string): Entry | undefined {
    const member = this.#members.get(id)
    if (!member) return undefined
    const renamed = { id, name: this.#freeName(name, id) }
    if (renamed.name === member.name) return undefined
    this.#members.set(id, renamed)
    return this.#record('rename', renamed, `${member.name} is now ${renamed.name}`)
  }

  say(id: string, text: string): Entry | undefined {
    const member = this.#members.get(id)
    return member && this.#record('say', member, text)
  }

  member(id: string): Member | undefined {
    return this.#members.get(id)
  }

  #freeName(wanted: string, except?: string): string {
    const taken = new Set(this.members.filter(({ id }) => id !== except).map(({ name }) => nameKey(name)))
    let name = wanted
    for (let next = 2; taken.has(nameKey(name)); next++) {
      const suffix = ` ${next}`
      name =
        wanted
          .slice(0, LIMITS.name - suffix.length)
          .replace(/\p{Cs}/gu, '')
          .trimEnd() + suffix
    }
    return name
  }

  #record(kind: Entry['kind'], { id, name }: Member, text: string): Entry {
    const entry = { n: ++this.#count, at: this.#now(), kind, from: id, name, text }
    this.#entries = [...this.#entries, entry].slice(-HISTORY)
    return entry
  }
}

/** Names that look alike are the same name. */
function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/** All rooms. One is made when it is first asked for, and outlives its last member so that its history can be read. */
export class Rooms {
  readonly #rooms = new Map<string, Room>()

  get(name: string): Room {
    const known = this.#rooms.get(name)
    // Moved to the end, so that the map is in the order of last use.
    if (known) this.#rooms.delete(name)
    const room = known ?? new Room(name)
    this.#rooms.set(name, room)
    if (this.#rooms.size > ROOMS_KEPT) {
      const empty = [...this.#rooms.values()].find((each) => each.size === 0 && each !== room)
      if (empty) this.#rooms.delete(empty.name)
    }
    return room
  }

  /** The rooms with somebody in them, fullest first, at most `limit`. */
  sizes(limit = 12): RoomSize[] {
    return [...this.#rooms.values()]
      .filter((room) => room.size > 0)
      .map((room) => ({ name: room.name, members: room.size }))
      .sort((a, b) => b.members - a.members || (a.name < b.name ? -1 : 1))
      .slice(0, limit)
  }

  /** The rooms with somebody in them. */
  get occupied(): Room[] {
    return [...this.#rooms.values()].filter((room) => room.size > 0)
  }
}
