import { ArgumentError } from '../protocol/error.ts'
import { createServer } from '../server/server.ts'
import { Arguments, type Section, UsageError } from './arguments.ts'
import type { Command } from './command.ts'
import { untilInterrupted } from './interrupt.ts'

const SECTIONS: readonly Section[] = [
  {
    title: 'Options',
    options: {
      port: { value: 'PORT', short: 'p', help: 'where to listen; 0 for any free port (default 8080)' },
      host: { value: 'ADDRESS', help: 'the address to listen at (default 127.0.0.1: this machine only)' },
      compress: { help: 'compress messages where the client does so as well' },
      'max-payload': { value: 'BYTES', help: 'the longest message that is taken: 64, 16k, 1m (default 16m)' },
      json: { help: 'print the line that says where it listens as JSON' },
    },
  },
]

export const echo: Command = {
  name: 'echo',
  summary: 'a server that sends every message back',
  usage: '[options]',
  about: 'Starts a WebSocket server that sends every message back as it came. Ctrl-C ends it.',
  sections: SECTIONS,
  run,
}

async function run(argv: readonly string[]): Promise<number> {
  const args = new Arguments(argv, SECTIONS)
  if (args.words.length > 0) throw new UsageError(`"${args.words[0]}" belongs to no option`)
  const port = args.count('port', 8080, 0, 65_535)
  const server = createServer({
    origins: 'any',
    text: 'bytes',
    maxPayload: args.size('max-payload', 16 * 1024 * 1024, 1024 * 1024 * 1024),
    compression: args.has('compress') ? 'shared' : 'off',
    message: (socket, message, type) => void socket.send(message, type),
  })
  const interrupted = untilInterrupted()
  const { url } = await server.listen({ port, host: args.text('host') ?? '127.0.0.1' }).catch(refuse)
  process.stdout.write(args.has('json') ? `${JSON.stringify({ url })}\n` : `listening at ${url}\n`)
  await interrupted
  await server.close({ deadline: 1_000 })
  return 0
}

function refuse(error: unknown): never {
  if (error instanceof ArgumentError) throw new UsageError(error.message)
  throw error
}
