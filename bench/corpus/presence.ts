/** Presence: who is here, since when and with what. */
import type { Chance } from './chance.ts'
import type { Person } from './chat.ts'
import type { Clock } from './clock.ts'
import { DEVICES, ROOMS, TEAMS, WORDS, ZONES } from './words.ts'

const STATUS = ['online', 'online', 'online', 'away', 'busy', 'offline'] as const

export class Presence {
  private readonly chance: Chance
  private readonly clock: Clock
  private readonly people: readonly Person[]
  private at = 0

  constructor(chance: Chance, clock: Clock, people: readonly Person[]) {
    this.chance = chance
    this.clock = clock
    this.people = people
  }

  update(): object {
    return {
      type: 'presence',
      user: this.chance.pick(this.people),
      team: this.chance.pick(TEAMS),
      ...this.state(),
      note: this.note(),
      zone: this.chance.pick(ZONES),
    }
  }

  /** The envelope of the members of a room. */
  roster(): object {
    return { type: 'roster', room: this.chance.pick(ROOMS), at: this.clock.now(), online: this.chance.whole(3, 900) }
  }

  /** One after the other, so that nobody is in a room twice. */
  member(): object {
    const person = this.people[this.at++ % this.people.length]
    return { ...person, ...this.state(), typing: this.chance.chance(0.04) }
  }

  private state(): object {
    return { status: this.chance.pick(STATUS), since: this.clock.now(), device: this.chance.pick(DEVICES) }
  }

  private note(): string {
    return Array.from({ length: this.chance.whole(2, 6) }, () => this.chance.pickEarly(WORDS)).join(' ')
  }
}
