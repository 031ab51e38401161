import { createRequire } from 'node:module'

/** The event loop of one thread, as the addon has it (native/src/module.c). A connection is its slot, a small number. */
export interface NativeLoop {
  /** Makes a connection of a duplicate of a socket. Its slot, or the number of an error, which is below 0. */
  adopt(fd: number): number
  /** What the connection is to tell of: bytes that come in, and, once, that the kernel takes more. */
  watch(slot: number, reads: boolean, waits: boolean): void
  /** How many of the bytes the kernel took, or the number of an error. */
  write(slot: number, bytes: Uint8Array, from: number, to: number): number
  /** The same for several pieces; of more than 64 it takes the first 64. */
  writeAll(slot: number, pieces: readonly Uint8Array[]): number
  /** Ends its own direction. 0, or the number of an error. */
  end(slot: number): number
  close(slot: number): void
}

export interface Addon {
  /**
   * @param arena where bytes that come in are put; C writes to it as long as the thread lives
   * @param records what happened to whom, three numbers each
   * @param onTurn called with the number of records
   */
  open(arena: Uint8Array, records: Int32Array, onTurn: (count: number) => void): NativeLoop
  /** Masks into `target` from `at` on, which may be where the source is. Returns whether all that was written is ASCII. */
  mask(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, key: number): boolean
  /** The name of an error, as `ECONNRESET`. */
  errorName(error: number): string
}

/** The addon, or why there is none. */
type Found = { addon: Addon; reason?: never } | { addon: undefined; reason: string }

let found: Found | undefined

/** The native addon of this platform, looked for once. It is never downloaded. */
export function findAddon(): Found {
  found ??= look()
  return found
}

function look(): Found {
  const { versions, env, platform, arch } = process
  if (env.HEARTWIRE_NATIVE === '0') return without('HEARTWIRE_NATIVE is 0')
  for (const runtime of ['bun', 'deno']) {
    if (versions[runtime] !== undefined) return without(`it is for Node.js, and this is ${runtime}`)
  }
  if (platform === 'win32') return without('there is none for Windows')
  const libc = platform === 'linux' ? (isMusl() ? '-musl' : '-gnu') : ''
  const name = `@heartwire/native-${platform}-${arch}${libc}`
  const require = createRequire(import.meta.url)
  // Where `npm run build` puts it, and then the package with the one that was built for this platform.
  for (const place of ['../../native/build/Release/heartwire.node', name]) {
    try {
      return { addon: require(place) }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'MODULE_NOT_FOUND') return without(`it does not load: ${message}`)
    }
  }
  return without(`the package ${name} is not installed`)
}

function without(reason: string): Found {
  return { addon: undefined, reason }
}

function isMusl(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime === undefined
}
