import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib'

/** How raw deflate is done. */
export interface RawSettings {
  windowBits: number
  level: number
}

/**
 * One zlib stream of Node's own, used again and again: what zlib's functions spend on a new stream, its buffers and its
 * object for every message is most of the cost of a small one (200 bytes of JSON, deflate 15 us against 27, inflate 3
 * against 10; Node 20).
 *
 * It is not public. Its shape is compared with what Node itself does before it is used, and unknown versions of Node
 * do without it: see `findZlib`.
 */
export class RawZlib {
  /** Why zlib failed; undefined while it has not. */
  failure: string | undefined
  /** Bytes that the last call left free in the output, and unread in the input. */
  readonly left = new Uint32Array(2)

  private readonly handle: ZlibHandle
  private readonly settings: RawSettings
  private readonly more: readonly unknown[]
  private primed = false
  /** What is called when the thread pool is done, and what it works on until then. */
  private pending: { done: () => void; input: Uint8Array; output: Uint8Array } | undefined

  constructor({ Handle, more }: Zlib, direction: 'deflate' | 'inflate', settings: RawSettings) {
    this.more = more
    this.handle = new Handle(direction === 'deflate' ? DEFLATERAW : INFLATERAW)
    this.handle.onerror = (message) => {
      this.failure = message
      this.settle()
    }
    this.settings = settings
    this.init(undefined)
  }

  /** Begins a new stream, as if `dictionary` had gone before it. */
  begin(dictionary: Uint8Array | undefined): void {
    this.failure = undefined
    if (dictionary !== undefined || this.primed) this.init(dictionary)
    this.handle.reset()
  }

  /** Takes bytes of the input, and fills the output from `at` on, up to `room` bytes. What is left of both is in `left`. */
  write(input: Uint8Array, from: number, length: number, output: Uint8Array, at: number, room: number): void {
    this.handle.writeSync(constants.Z_SYNC_FLUSH, input, from, length, output, at, room)
  }

  /** As `write`, for all of the input and the output, in the thread pool: until `done` the stream is not to be used. */
  writeLater(input: Uint8Array, output: Uint8Array, done: () => void): void {
    this.pending = { done, input, output }
    this.handle.write(constants.Z_SYNC_FLUSH, input, 0, input.length, output, 0, output.length)
  }

  /** zlib calls either this or `onerror`. */
  private readonly settle = (): void => {
    const { pending } = this
    this.pending = undefined
    pending?.done()
  }

  private init(dictionary: Uint8Array | undefined): void {
    const { windowBits, level } = this.settings
    const { Z_DEFAULT_STRATEGY } = constants
    this.handle.init(windowBits, level, MEM_LEVEL, Z_DEFAULT_STRATEGY, this.left, this.settle, dictionary, ...this.more)
    this.primed = dictionary !== undefined
  }
}

export const MEM_LEVEL = 8

/** How zlib is given something to do. */
type Write = (
  flush: number,
  input: Uint8Array,
  from: number,
  length: number,
  output: Uint8Array,
  at: number,
  room: number,
) => void

interface ZlibHandle {
  onerror: (message: string, errno: number, code: string) => void
  init(
    windowBits: number,
    level: number,
    memLevel: number,
    strategy: number,
    left: Uint32Array,
    callback: () => void,
    dictionary: Uint8Array | undefined,
    ...more: unknown[]
  ): void
  write: Write
  writeSync: Write
  reset(): void
}

/** What is behind Node's zlib streams. */
export interface Zlib {
  Handle: new (mode: number) => ZlibHandle
  /** What this version of Node gives to `init` besides: since Node 24, that garbage after the end is no error. */
  more: readonly unknown[]
}

/** The modes of Node's zlib, which its types leave out. */
const { DEFLATERAW, INFLATERAW } = constants as typeof constants & { DEFLATERAW: number; INFLATERAW: number }

/** The versions with which this is tested: a call of another shape would end the process. */
const OLDEST = 20
const NEWEST = 26

let found: Zlib | undefined | 'unknown' = 'unknown'

/** What is behind Node's zlib streams, where it is as it is known to be. */
export function findZlib(): Zlib | undefined {
  if (found === 'unknown') found = isKnown() ? watchZlib() : undefined
  return found
}

function isKnown(): boolean {
  const { node, bun, deno } = process.versions as NodeJS.ProcessVersions & { bun?: string; deno?: string }
  const major = Number.parseInt(node, 10)
  return bun === undefined && deno === undefined && major >= OLDEST && major <= NEWEST
}

/** Watches Node make its own calls, and is content if they are of the shape of those above. */
function watchZlib(): Zlib | undefined {
  const stream = createDeflateRaw() as unknown as { _handle?: ZlibHandle; close(): void }
  const handle = stream._handle
  stream.close()
  if (typeof handle?.init !== 'function' || typeof handle.writeSync !== 'function') return undefined
  // What goes to the thread pool has the same form: the two are one function with a flag in Node's C++.
  if (typeof handle.write !== 'function' || typeof handle.reset !== 'function') return undefined
  const prototype: ZlibHandle = Object.getPrototypeOf(handle)
  const { init, writeSync } = prototype
  const dictionary = Buffer.from('before')
  let inits: unknown[] = []
  let writes: unknown[] = []
  prototype.init = function (...values) {
    inits = values
    return init.apply(this, values)
  }
  prototype.writeSync = function (...values) {
    writes = values
    return writeSync.apply(this, values)
  }
  try {
    const options = {
      windowBits: 11,
      level: 3,
      memLevel: 7,
      strategy: 1,
      finishFlush: constants.Z_SYNC_FLUSH,
      dictionary,
    }
    deflateRawSync('x', options)
  } finally {
    prototype.init = init
    prototype.writeSync = writeSync
  }
  if (!isInit(inits, dictionary) || !isWrite(writes)) return undefined
  return { Handle: handle.constructor as Zlib['Handle'], more: inits.slice(7) }
}

function isInit(values: unknown[], dictionary: Uint8Array): boolean {
  const [windowBits, level, memLevel, strategy, left, callback, given, ...more] = values
  return (
    (more.length === 0 || (more.length === 1 && more[0] === false)) &&
    values.length >= 7 &&
    windowBits === 11 &&
    level === 3 &&
    memLevel === 7 &&
    strategy === 1 &&
    left instanceof Uint32Array &&
    left.length === 2 &&
    typeof callback === 'function' &&
    given === dictionary
  )
}

function isWrite(values: unknown[]): boolean {
  const [flush, input, from, length, output, at, room] = values
  return (
    values.length === 7 &&
    flush === constants.Z_SYNC_FLUSH &&
    input instanceof Uint8Array &&
    from === 0 &&
    length === 1 &&
    output instanceof Uint8Array &&
    at === 0 &&
    room === output.length
  )
}
