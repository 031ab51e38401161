import type { WriteStream } from 'node:tty'

/** Where text goes: a terminal, or a pipe or file. */
export type Output = Pick<NodeJS.WriteStream, 'write'> & Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'hasColors'>>

/** Text in colour, where that can be shown. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  yellow(text: string): string
}

/** Colours on a terminal that has them, unless NO_COLOR is set; nothing but the text otherwise. */
export function styleFor(output: Output): Style {
  const hasColors = output.isTTY === true && (output.hasColors?.() ?? false)
  const style = (on: number, off: number) => (text: string) => (hasColors ? `\x1b[${on}m${text}\x1b[${off}m` : text)
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39), yellow: style(33, 39) }
}

/** A line that is written anew in its place on a terminal; in a pipe, each is a line of its own. */
export class LiveLine {
  private readonly output: Output

  constructor(output: Output) {
    this.output = output
  }

  show(text: string): void {
    if (this.output.isTTY !== true) this.output.write(`${text}\n`)
    else this.output.write(`\r\x1b[K${text.slice(0, (this.output.columns ?? 80) - 1)}`)
  }

  /** Takes it away, on a terminal. */
  clear(): void {
    if (this.output.isTTY === true) this.output.write('\r\x1b[K')
  }
}
