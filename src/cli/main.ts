#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Arguments, UsageError } from './arguments.ts'
import { COMMANDS, helpOf, overview } from './commands.ts'

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
  const whose = command === undefined ? 'heartwire' : `heartwire ${command.name}`
  try {
    if (command === undefined) throw new UsageError(`there is no command "${name}"`)
    if (new Arguments(argv, command.sections).has('help')) {
      process.stdout.write(helpOf(command))
      return 0
    }
    return await command.run(argv)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isUsage = error instanceof UsageError
    process.stderr.write(`${whose}: ${message}${isUsage ? `; ${whose} --help says more` : ''}\n`)
    return isUsage ? 2 : 1
  }
}

// Who reads what is printed may have had enough of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(1)
  })
}

process.exitCode = await main(process.argv.slice(2))
