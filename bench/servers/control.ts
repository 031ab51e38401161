/**
 * How a server of the benchmark talks to the harness: one JSON line when it listens, and one for every line that comes
 * in on standard input, with what it has used so far. It measures itself, so that this works on every platform.
 */

/** The first line. */
export interface Ready {
  port: number
  pid: number
  versions: Record<string, string>
}

/** The answer to any line. */
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
export function serveControl(port: number, versions: Record<string, string>): void {
  const say = (line: Ready | Usage) => process.stdout.write(`${JSON.stringify(line)}\n`)
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (text: string) => {
    for (const character of text) if (character === '\n') say(usage())
  })
  // The harness is gone, however it ended: no server outlives it.
  process.stdin.on('end', () => process.exit(0))
  say({ port, pid: process.pid, versions })
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1e6, time: performance.now() / 1e3, rss: process.memoryUsage.rss() }
}
