import { parseArgs } from 'node:util'

export const HELP = `Usage: npm start -- [options]

A chat in the browser, served by heartwire, with a laboratory to break its network in.

  --port <number>   Port to listen on; 0 takes any free one (default 8080)
  --host <address>  Address to listen on; 0.0.0.0 lets other machines in (default 127.0.0.1)
  --help            Print this
`

export interface Arguments {
  port: number
  host: string
  help: boolean
}

/** The command line could not be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the command line. Throws `UsageError`. */
export function parseArguments(args: string[]): Arguments {
  let values: { port: string; host: string; help: boolean }
  try {
    values = parseArgs({
      args,
      options: {
        port: { type: 'string', default: '8080' },
        host: { type: 'string', default: '127.0.0.1' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new UsageError(`--port takes a number from 0 to 65535, not '${values.port}'.`)
  }
  return { port, host: values.host, help: values.help }
}
