import { ArgumentError } from '../protocol/error.ts'
import { quote, shown } from '../protocol/quote.ts'

/**
 * Refuses what is no object, options that there are not, and null: a limit whose name is misspelt, or whose value a program
 * could not find, would silently be the default. Only `data` may be null, which is the application's own.
 * @param whose as in `createServer`
 * @throws ArgumentError that names the option, and the one that was meant, or what was given
 */
export function checkNames(options: object, known: readonly string[], whose: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(`${whose} takes an object of options, not ${shown(options)}.`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name)) {
      if (value !== null || name === 'data') continue
      throw new ArgumentError(
        `The option ${name} of ${whose} is null: leave it out, or give undefined, for the default.`,
      )
    }
    throw new ArgumentError(`There is no option ${quote(name)} of ${whose}.${didYouMean(name, known)}`)
  }
}

/**
 * The same for an option that is itself an object of options, or false. Null in it is for whoever checks the values.
 * @throws ArgumentError that names the option, and its value or the one that was meant
 */
export function checkParts(option: string, value: object, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) {
    throw new ArgumentError(`The option ${option} is false or an object with ${known.join(', ')}, not ${shown(value)}.`)
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue
    const hint = didYouMean(name, known, `${option}.`)
    throw new ArgumentError(`There is no option ${quote(`${option}.${name}`)}.${hint}`)
  }
}

function didYouMean(name: string, known: readonly string[], prefix = ''): string {
  const near = nearest(name, known)
  return near === undefined ? '' : ` Did you mean ${prefix}${near}?`
}

/** The name that takes the fewest changes to get to, if they are few. */
export function nearest(name: string, known: readonly string[]): string | undefined {
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
