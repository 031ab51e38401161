import { parseArgs } from 'node:util'
import { nearest } from '../socket/option-names.ts'

/** Something wrong with what was asked for: one sentence for the terminal, exit code 2, no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One option, as it is read and as help shows it. */
export interface OptionLine {
  /** What its value is called in help; an option without one is a flag. */
  readonly value?: string
  readonly short?: string
  /** Whether it can be given several times. */
  readonly multiple?: boolean
  readonly help: string
}

/** Options that belong together, by their names. */
export interface Section {
  readonly title: string
  readonly options: Readonly<Record<string, OptionLine>>
}

/** What every command has. */
const COMMON: Readonly<Record<string, OptionLine>> = { help: { short: 'h', help: 'print this' } }

const UNITS_OF_TIME: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])
const UNITS_OF_SIZE: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['m', 1024 * 1024],
])
/** The longest time that a timer can wait, about 25 days. */
const LONGEST = 2 ** 31 - 1

/** The arguments of a command: options by name, and words that belong to none. */
export class Arguments {
  readonly words: readonly string[]
  private readonly values: ReadonlyMap<string, readonly string[]>

  /** @throws UsageError for an option that there is not, a value that is missing, or one too many */
  constructor(argv: readonly string[], sections: readonly Section[]) {
    const table = Object.assign({}, ...sections.map(({ options }) => options), COMMON) as Section['options']
    const { tokens, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      strict: false,
      tokens: true,
      options: Object.fromEntries(
        Object.entries(table).map(([name, { value, short }]) => [
          name,
          { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) },
        ]),
      ),
    })
    const values = new Map<string, string[]>()
    for (const token of tokens) {
      if (token.kind !== 'option') continue
      const { name, rawName, value, inlineValue } = token
      const line = Object.hasOwn(table, name) ? table[name] : undefined
      if (line === undefined) {
        const meant = nearest(name, Object.keys(table))
        throw new UsageError(`there is no option ${rawName}${meant === undefined ? '' : `, but there is --${meant}`}`)
      }
      if (line.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`)
      if (line.value !== undefined && (value === undefined || (inlineValue === false && /^--?[a-z]/i.test(value)))) {
        throw new UsageError(`${rawName} needs a value: ${line.value}`)
      }
      const earlier = values.get(name) ?? []
      if (earlier.length > 0 && line.multiple !== true) throw new UsageError(`${rawName} is given twice`)
      values.set(name, [...earlier, value ?? ''])
    }
    this.values = values
    this.words = positionals
  }

  has(name: string): boolean {
    return this.values.has(name)
  }

  /** The options among these names that were given, as they are written. */
  given(...names: string[]): string[] {
    return names.filter((name) => this.has(name)).map((name) => `--${name}`)
  }

  text(name: string): string | undefined {
    return this.values.get(name)?.[0]
  }

  /** All values of an option that can be given several times. */
  all(name: string): readonly string[] {
    return this.values.get(name) ?? []
  }

  /** @throws UsageError for anything but one of the words */
  word<Word extends string>(name: string, preset: Word, words: readonly Word[]): Word {
    const given = this.text(name)
    if (given === undefined) return preset
    const word = words.find((word) => word === given)
    if (word === undefined) throw new UsageError(`--${name} is ${words.join(' or ')}, not "${given}"`)
    return word
  }

  /** @throws UsageError for anything but a whole number in the range */
  count<Preset>(name: string, preset: Preset, min: number, max: number): number | Preset {
    const given = this.text(name)
    if (given === undefined) return preset
    if (/^\d+$/.test(given) && Number(given) >= min && Number(given) <= max) return Number(given)
    throw new UsageError(`--${name} is a whole number from ${min} to ${max}, not "${given}"`)
  }

  /** @throws UsageError for anything but a number above zero */
  rate(name: string): number | undefined {
    const given = this.text(name)
    if (given === undefined) return undefined
    if (/^(\d+\.?\d*|\.\d+)$/.test(given) && Number(given) > 0) return Number(given)
    throw new UsageError(`--${name} is a number above 0, not "${given}"`)
  }

  /** In milliseconds. @throws UsageError for anything but a number of seconds, or a number with a unit */
  time<Preset>(name: string, preset: Preset): number | Preset {
    const given = this.text(name)
    if (given === undefined) return preset
    const [, digits, unit = ''] = /^(\d+\.?\d*|\.\d+)([a-z]*)$/.exec(given) ?? []
    const milliseconds = Number(digits) * (UNITS_OF_TIME.get(unit) ?? Number.NaN)
    if (milliseconds >= 0 && milliseconds <= LONGEST) return milliseconds
    throw new UsageError(`--${name} is a time such as 10, 10s, 500ms or 2m, not "${given}"`)
  }

  /** In bytes. @throws UsageError for anything but a number, or one with a unit */
  size(name: string, preset: number, max: number): number {
    const given = this.text(name)
    if (given === undefined) return preset
    const [, digits, unit = ''] = /^(\d+)([a-z]?)$/i.exec(given) ?? []
    const bytes = Number(digits) * (UNITS_OF_SIZE.get(unit.toLowerCase()) ?? Number.NaN)
    if (bytes <= max) return bytes
    throw new UsageError(`--${name} is a size such as 64, 16k or 1m, up to ${max} bytes, not "${given}"`)
  }
}

const WIDTH = 100

/** Options as help shows them, one below the other. */
export function optionLines(sections: readonly Section[]): string {
  const last = { title: 'Help', options: COMMON }
  const named = [...sections, last].map(({ title, options }) => ({
    title,
    lines: Object.entries(options).map(([name, { value, short, help }]) => ({
      left: `  ${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
      help,
    })),
  }))
  const margin = Math.max(...named.flatMap(({ lines }) => lines.map(({ left }) => left.length))) + 2
  const shown = named.map(({ title, lines }) => {
    const rows = lines.map(({ left, help }) => left.padEnd(margin) + wrap(help, margin))
    return `${title}:\n${rows.join('\n')}\n`
  })
  return shown.join('\n')
}

/** A text in lines that fit beside a margin. */
function wrap(text: string, margin: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && margin + line.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join(`\n${' '.repeat(margin)}`)
}
