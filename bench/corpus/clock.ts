/** A clock that moves on by chance whenever it is read, so that everything is dated and no two runs differ. */
import type { Chance } from './chance.ts'

/** Monday, 12 January 2026, 08:00 UTC, in ms. */
const BEGIN = 1_768_204_800_000

export class Clock {
  private readonly chance: Chance
  private time: number

  constructor(chance: Chance) {
    this.chance = chance
    this.time = BEGIN + chance.whole(0, 8 * 3600 * 1000)
  }

  /** In ms since 1970. */
  now(): number {
    this.time += this.chance.whole(1, 400)
    return this.time
  }
}
