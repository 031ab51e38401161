import { ArgumentError } from '../protocol/error.ts'
import { quote } from '../protocol/quote.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { type Handlers, SERVER_DEFAULTS } from './options.ts'

export const SOCKET_OPTIONS: readonly string[] = Object.keys(SERVER_DEFAULTS)

export const LIMITS: readonly string[] = Object.keys(DEFAULT_LIMITS)

export const HANDLERS: readonly string[] = Object.keys({
  open: 0,
  message: 0,
  ping: 0,
  pong: 0,
  drain: 0,
  dropped: 0,
  close: 0,
  observeFrames: 0,
  error: 0,
} satisfies Record<keyof Handlers<never>, 0>)

/**
 * Refuses options that there are not, and null: a limit whose name is misspelt, or whose value a program could not find,
 * would silently be the default. Only `data` may be null, which is the application's own.
 * @param whose as in `createServer`
 * @throws ArgumentError that names the option, and the one that was meant
 */
export function checkNames(options: object, known: readonly string[], whose: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name)) {
      if (value !== null || name === 'data') continue
      throw new ArgumentError(
        `The option ${name} of ${whose} is null: leave it out, or give undefined, for the default.`,
      )
    }
    const near = nearest(name, known)
    const hint = near === undefined ? '' : ` Did you mean ${near}?`
    throw new ArgumentError(`There is no option ${quote(name)} of ${whose}.${hint}`)
  }
}

/** The name that takes the fewest changes to get to, if they are few. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined
}

/** How many letters have to be put in, left out or changed (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
