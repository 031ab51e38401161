import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute } from 'node:path'
import { oneLine, quote } from '../protocol/quote.ts'
import { problemOfElf } from './elf.ts'

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
  /**
   * Gives each connection that `outgoing` names, in its first records, what they say of these bytes.
   * @returns how many of them were not taken as a whole
   */
  send(count: number, bytes: Uint8Array): number
  /** Ends its own direction. 0, or the number of an error. */
  end(slot: number): number
  close(slot: number): void
  /**
   * Listens at an IP address. Who comes is a visitor, told of when it begins with something.
   * @param patience milliseconds after which one that has not begun is told of, or up to twice that
   * @returns the listener's id, or the number of an error
   */
  listen(address: string, port: number, backlog: number, patience: number): number
  /** Where a listener really is. */
  bound(listener: number): [address: string, port: number] | undefined
  /** Gives up the port. The file descriptors of the visitors, which are the caller's from here on. */
  unlisten(listener: number): number[]
  /** Takes a file descriptor in reserve again, where it was lost. */
  restore(listener: number): void
  /** Makes a visitor a connection, of which so many bytes have been read. 0, or the number of an error. */
  take(slot: number, length: number): number
  /** The file descriptor of a visitor, which is the caller's from here on; below 0 when it is gone. */
  give(slot: number): number
  /** The address that a visitor comes from. */
  peer(slot: number): string | undefined
}

export interface Addon {
  /**
   * @param arena where bytes that come in are put; C writes to it as long as the thread lives
   * @param records what happened to whom, three numbers each
   * @param outgoing what is to be sent to whom, four numbers each: the slot; from where to where; and what was taken of it
   * @param onTurn called with the number of records
   */
  open(arena: Uint8Array, records: Int32Array, outgoing: Int32Array, onTurn: (count: number) => void): NativeLoop
  /** Masks into `target` from `at` on, which may be where the source is. Returns whether all that was written is ASCII. */
  mask(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, key: number): boolean
  /** The name of an error, as `ECONNRESET`. */
  errorName(error: number): string
}

/** The addon, or why there is none. */
type Found = { addon: Addon; reason?: never; meant?: never } | NotFound

interface NotFound {
  addon: undefined
  reason: string
  /** Whether somebody has switched it off. */
  meant: boolean
}

let found: Found | undefined

/** The native addon of this platform, looked for once. It is never downloaded. */
export function findAddon(): Found {
  found ??= look()
  return found
}

/** For which there are packages, as `@heartwire/native-linux-x64-gnu`. */
export const PLATFORMS = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
]

/** Where `npm run build` puts it, in the repository. */
const BUILT = '../../native/build/Release/heartwire.node'

function look(): Found {
  const { versions, env } = process
  const { HEARTWIRE_NATIVE: wish = '' } = env
  if (wish === '0') return { addon: undefined, reason: 'HEARTWIRE_NATIVE is 0', meant: true }
  for (const [runtime, name] of OTHER_RUNTIMES) {
    if (versions[runtime] !== undefined) return without(`it is for Node.js, and this is ${name}`)
  }
  if (wish !== '' && wish !== '1') return fromFile(wish)
  if (process.platform === 'win32') return without('there is none for Windows')
  const built = load(BUILT)
  if (built !== undefined) return built
  const platform = thisPlatform()
  return PLATFORMS.includes(platform) ? fromPackage(packageFor(platform)) : without(`there is none for ${platform}`)
}

/** As in PLATFORMS, where it need not be. */
export function thisPlatform(): string {
  const { platform, arch } = process
  return platform === 'linux' ? `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}` : `${platform}-${arch}`
}

export function packageFor(platform: string): string {
  return `@heartwire/native-${platform}`
}

const OTHER_RUNTIMES = [
  ['bun', 'Bun'],
  ['deno', 'Deno'],
] as const

function fromFile(path: string): Found {
  if (!isAbsolute(path) || !path.endsWith('.node')) {
    return without(`HEARTWIRE_NATIVE is neither 0 nor the absolute path of a .node file: ${quote(path, 200)}`)
  }
  return load(path) ?? without(`there is no file ${quote(path, 200)}, which HEARTWIRE_NATIVE names`)
}

function fromPackage(name: string): Found {
  const version = versionOf(name)
  if (version === undefined) return without(`the package ${name} is not installed`)
  // A bundle has no package to compare it with.
  const own = versionOf('heartwire') ?? version
  if (version !== own) return without(`the package ${name} is of version ${version}, and heartwire of ${own}`)
  return load(name) ?? without(`the package ${name} is not complete`)
}

const requireHere = createRequire(import.meta.url)

function versionOf(name: string): string | undefined {
  try {
    return requireHere(`${name}/package.json`).version
  } catch {
    return undefined
  }
}

/** Undefined when it is not there. */
function load(place: string): Found | undefined {
  try {
    const problem = process.platform === 'linux' ? problemOfElf(requireHere.resolve(place)) : undefined
    return problem === undefined ? { addon: requireHere(place) } : without(problem)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'MODULE_NOT_FOUND' ? undefined : without(problemOf(code, message))
  }
}

function problemOf(code: string | undefined, message: string): string {
  if (code === 'ERR_DLOPEN_DISABLED') {
    return 'permission' in process
      ? 'addons are not allowed (--permission without --allow-addons)'
      : 'addons are switched off (--no-addons)'
  }
  const glibc = /version `GLIBC_([\d.]+)' not found/.exec(message)?.[1]
  if (glibc !== undefined) return `it needs glibc ${glibc} or newer, and this system has an older one`
  return `it does not load: ${oneLine(message.split('\n', 1)[0] ?? '', 200)}`
}

function without(reason: string): NotFound {
  return { addon: undefined, reason, meant: false }
}

/** Whether the process runs with musl, whose loader is mapped then. Where that cannot be read it is glibc, as on most systems. */
function isMusl(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-')
  } catch {
    return false
  }
}
