import { optionLines } from './arguments.ts'
import { bench } from './bench/command.ts'
import type { Command } from './command.ts'
import { echo } from './echo.ts'

export const COMMANDS: readonly Command[] = [bench, echo]

/** The help of the command line as a whole. */
export function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length))
  return [
    'Usage: heartwire COMMAND [options]',
    '',
    'Tools for WebSocket servers and clients of any make.',
    '',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'heartwire COMMAND --help says more of a command, heartwire --version which version this is.',
    '',
  ].join('\n')
}

/** The help of one command. */
export function helpOf({ name, usage, about, sections, more }: Command): string {
  const parts = [`Usage: heartwire ${name} ${usage}\n`, `${about}\n`, optionLines(sections)]
  return [...parts, ...(more === undefined ? [] : [`${more}\n`])].join('\n')
}
