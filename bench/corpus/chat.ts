/** Chat: what somebody says in a room, and the history of a room. */
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { ENDINGS, FIRST_NAMES, LAST_NAMES, REACTIONS, ROOMS, WORDS } from './words.ts'

export interface Person {
  id: string
  name: string
}

/** Everybody whom a connection hears of. */
export function people(chance: Chance, count: number): Person[] {
  return Array.from({ length: count }, () => ({
    id: `u_${chance.hex(8)}`,
    name: `${chance.pick(FIRST_NAMES)} ${chance.pick(LAST_NAMES)}`,
  }))
}

export class Chat {
  private readonly chance: Chance
  private readonly clock: Clock
  private readonly people: readonly Person[]

  constructor(chance: Chance, clock: Clock, people: readonly Person[]) {
    this.chance = chance
    this.clock = clock
    this.people = people
  }

  message(): object {
    return { type: 'message', room: this.chance.pickEarly(ROOMS), ...this.said(20, 70) }
  }

  /** The envelope of a history. */
  history(): object {
    return { type: 'history', room: this.chance.pick(ROOMS), cursor: this.id(), more: this.chance.chance(0.8) }
  }

  /** A message of a history. */
  past(): object {
    return this.said(8, 160)
  }

  private said(shortest: number, longest: number): object {
    const { chance } = this
    const said = {
      id: this.id(),
      from: chance.pickEarly(this.people),
      sent: this.clock.now(),
      // Short remarks are more common than long ones.
      text: this.text(shortest + Math.floor((longest - shortest) * chance.early())),
    }
    if (chance.chance(0.12)) return { ...said, replyTo: this.id() }
    if (chance.chance(0.1)) return { ...said, reactions: { [chance.pick(REACTIONS)]: chance.whole(1, 9) } }
    if (chance.chance(0.05)) return { ...said, edited: this.clock.now() }
    return said
  }

  /** Sentences of a few words each, until there are at least `length` characters. */
  private text(length: number): string {
    const { chance } = this
    let text = ''
    while (text.length < length) {
      let sentence = ''
      for (let words = chance.whole(2, 11); words > 0 && text.length + sentence.length < length; words--) {
        sentence += `${sentence === '' ? '' : ' '}${chance.pickEarly(WORDS)}`
      }
      text += `${text === '' ? '' : ' '}${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}${chance.pick(ENDINGS)}`
    }
    return text
  }

  /** Nineteen digits: the time, then chance. */
  private id(): string {
    return `${this.clock.now()}${this.chance.whole(100_000, 999_999)}`
  }
}
