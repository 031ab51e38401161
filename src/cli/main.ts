#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Arguments, optionLines, UsageError } from './arguments.ts'
import { bench } from './bench/command.ts'
import type { Command } from './command.ts'
import { echo } from './echo.ts'

const COMMANDS: readonly Command[] = [bench, echo]

function overview(): string {
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

function helpOf({ name, usage, about, sections, more }: Command): string {
  const parts = [`Usage: heartwire ${name} ${usage}\n`, `${about}\n`, optionLines(sections)]
  return [...parts, ...(more === undefined ? [] : [`${more}\n`])].join('\n')
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** Does what the command line asks for, and returns the exit code. */
async function main([name, ...argv]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const asked = name === undefined ? process.stderr : process.stdout
    asked.write(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const command = COMMANDS.find((command) => command.name === name)
  try {
    if (command === undefined) throw new UsageError(`there is no command "${name}"`)
    if (new Arguments(argv, command.sections).has('help')) {
      process.stdout.write(helpOf(command))
      return 0
    }
    return await command.run(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const whose = command === undefined ? 'heartwire' : `heartwire ${command.name}`
    process.stderr.write(`${whose}: ${error.message}; ${whose} --help says more\n`)
    return 2
  }
}

// Who reads what is printed may have had enough of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(1)
  })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`heartwire: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
