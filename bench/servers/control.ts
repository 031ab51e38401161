/**
 * How a server of the benchmark talks to the harness: one JSON line when it listens, and one for every line that comes
 * in on standard input, with what it has used so far. It measures itself, so that this works on every platform.
 */
import { createInterface } from 'node:readline'

/** The first line. */
export interface Ready {
  port: number
  pid: number
  versions: Record<string, string>
}

/** The first line instead, when it cannot do what it was started for: it ends then. */
export interface Declined {
  declined: string
}

/** The answer to any line. The line `gc` has garbage collected first, where the process was started so that it can. */
export interface Usage {
  /** CPU time of the whole process so far, all threads, user and system, in seconds. */
  cpu: number
  /** The server's own clock, in seconds; only differences mean anything. */
  time: number
  /** Resident memory, in bytes. */
  rss: number
}

export interface ServerArguments {
  handler: 'sync' | 'async'
  mode: 'echo' | 'publish'
}

/** Reads `sync|async` and `echo|publish` from the command line; sync echo when they are not there. */
export function serverArguments(argv: readonly string[] = process.argv.slice(2)): ServerArguments {
  return {
    handler: argv.includes('async') ? 'async' : 'sync',
    mode: argv.includes('publish') ? 'publish' : 'echo',
  }
}

/** Says where the server listens, then answers until standard input ends; then the process ends. */
export function serveControl(
  port: number,
  versions: Record<string, string>,
  collect: (() => void) | undefined = globalThis.gc,
): void {
  const say = (line: Ready | Usage) => process.stdout.write(`${JSON.stringify(line)}\n`)
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line === 'gc') collect?.()
      say(usage())
    })
    // The harness is gone, however it ended: no server outlives it.
    .on('close', () => process.exit(0))
  say({ port, pid: process.pid, versions })
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1e6, time: performance.now() / 1e3, rss: process.memoryUsage.rss() }
}
