import { ArgumentError } from '../protocol/error.ts'
import { shown } from '../protocol/quote.ts'

/** The longest time that a timer can wait, about 25 days. */
const LONGEST_TIME = 2 ** 31 - 1

/** A number of bytes or things: zero or more, and infinity for no limit. */
export function checkCount(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY))
    return value
  throw new ArgumentError(`The option ${name} is a whole number of 0 or more, or Infinity, not ${shown(value)}.`)
}

/** A number of milliseconds above zero, as long as a timer can wait. */
export function checkTime(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value <= LONGEST_TIME) return value
  throw new ArgumentError(
    `The option ${name} is a number of milliseconds above 0 and up to ${LONGEST_TIME}, not ${shown(value)}.`,
  )
}

/** A number of milliseconds, or false for no end: infinite. */
export function checkTimeOrNever(name: string, value: number | false): number {
  return value === false || value === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : checkTime(name, value)
}

/** One of a few words. */
export function checkWord<Word extends string>(name: string, value: Word, words: readonly Word[]): Word {
  if (words.includes(value)) return value
  const all = words.map((word) => `'${word}'`)
  const list = all.length === 1 ? all[0] : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
  throw new ArgumentError(`The option ${name} is ${list}, not ${shown(value)}.`)
}

export function checkBoolean(name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value
  throw new ArgumentError(`The option ${name} is true or false, not ${shown(value)}.`)
}

export function checkString(name: string, value: string): string {
  if (typeof value === 'string') return value
  throw new ArgumentError(`The option ${name} is a string, not ${shown(value)}.`)
}

/** What is there under these names can be called. */
export function checkFunctions(options: object, names: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name) || value === undefined || typeof value === 'function') continue
    throw new ArgumentError(`The option ${name} is a function, not ${shown(value)}.`)
  }
}
