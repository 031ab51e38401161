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
  /** The part of it that was the kernel's; servers that are no Node program do not tell. */
  system?: number
  /** The server's own clock, in seconds; only differences mean anything. */
  time: number
  /** Resident memory, in bytes. */
  rss: number
}

/** When an echo server answers: in the handler, after an await in it, or from a timer that it sets. */
export type Handler = 'sync' | 'async' | 'timer'

/** Answer every message, send it to all, or wait for the end of each connection. */
export type Work = 'echo' | 'publish' | 'handshake'

/**
 * - `takeover`: what went before is the context of a message, in both directions (RFC 7692 section 7.1.1);
 * - `shared`: no takeover in either direction, so that connections can share what compresses;
 * - `off`: nothing is compressed.
 */
export type Compression = 'takeover' | 'shared' | 'off'

export interface ServerArguments {
  handler: Handler
  work: Work
  compression: Compression
}

/** Reads what was asked for from the words of the command line, in any order; the first of each kind when there is none. */
export function serverArguments(argv: readonly string[] = process.argv.slice(2)): ServerArguments {
  const given = <Word extends string>(...words: [Word, ...Word[]]): Word =>
    words.find((word) => argv.includes(word)) ?? words[0]
  return {
    handler: given('sync', 'async', 'timer'),
    work: given('echo', 'publish', 'handshake'),
    compression: given('off', 'takeover', 'shared'),
  }
}

/** Says where the server listens, then answers until standard input ends; then the process ends. */
export function serveControl(
  port: number,
  versions: Record<string, string>,
  collect: (() => void) | undefined = collectAll,
): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line === 'gc') collect?.()
      say(usage())
    })
    // The harness is gone, however it ended: no server outlives it.
    .on('close', () => process.exit(0))
  say({ port, pid: process.pid, versions })
}

/** Instead of `serveControl`: the process should end then. */
export function decline(error: unknown): void {
  say({ declined: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '' })
}

/**
 * As V8 collects when the system is short of memory: it gives back what it does not need. An ordinary collection leaves the
 * young generation as large as it was, whatever is in it: tens of megabytes after many handshakes.
 */
const collectAll =
  globalThis.gc && (() => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }))

function say(line: Ready | Declined | Usage): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return {
    cpu: (user + system) / 1e6,
    system: system / 1e6,
    time: performance.now() / 1e3,
    rss: process.memoryUsage.rss(),
  }
}
