import { AsyncResource } from 'node:async_hooks'
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib'

/** How raw deflate is done. */
export interface RawSettings {
  windowBits: number
  level: number
}

/** A stream outlives whoever needs it first, and is not to keep what AsyncLocalStorage holds for that one. */
const outside = new AsyncResource('heartwire')

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

  private readonly zlib: Zlib
  private readonly mode: number
  private readonly settings: RawSettings
  private handle: ZlibHandle
  private primed = false
  /** What is called when the thread pool is done, and what it works on until then. */
  private pending: { done: () => void; input: Uint8Array; output: Uint8Array } | undefined

  constructor(zlib: Zlib, direction: 'deflate' | 'inflate', settings: RawSettings) {
    this.zlib = zlib
    this.mode = direction === 'deflate' ? DEFLATERAW : INFLATERAW
    this.settings = settings
    this.handle = this.newHandle()
  }

  /** Begins a new stream, as if `dictionary` had gone before it; `failure` when there is no memory for it. */
  begin(dictionary: Uint8Array | undefined): void {
    this.failure = undefined
    if (dictionary !== undefined || this.primed) this.init(this.handle, dictionary)
    this.handle.reset()
    // Node ends the process when one that zlib could not begin is used again. A new one takes no memory before it begins.
    if (this.failure !== undefined) this.handle = this.newHandle()
  }

  /** Takes bytes of the input, and fills the output from `at` on, up to `room` bytes. What is left of both is in `left`. */
  write(input: Uint8Array, from: number, length: number, output: Uint8Array, at: number, room: number): void {
    if (this.failure !== undefined) return
    this.handle.writeSync(constants.Z_SYNC_FLUSH, input, from, length, output, at, room)
  }

  /**
   * As `write`, for all of the input and the output, in the thread pool: until `done` the stream is not to be used, nor
   * after that when it has failed.
   */
  writeLater(input: Uint8Array, output: Uint8Array, done: () => void): void {
    if (this.failure !== undefined) return void setImmediate(done)
    // Whoever made the stream was perhaps another one.
    this.pending = { done: AsyncResource.bind(done), input, output }
    this.handle.write(constants.Z_SYNC_FLUSH, input, 0, input.length, output, 0, output.length)
  }

  /** zlib calls either this or `onerror`. */
  private readonly settle = (): void => {
    const { pending } = this
    this.pending = undefined
    pending?.done()
  }

  private newHandle(): ZlibHandle {
    const { zlib, mode } = this
    const handle = outside.runInAsyncScope(() => new zlib.Handle(mode))
    handle.onerror = (message) => {
      this.failure = message
      this.settle()
    }
    this.init(handle, undefined)
    return handle
  }

  private init(handle: ZlibHandle, dictionary: Uint8Array | undefined): void {
    const { windowBits, level } = this.settings
    const { left, settle } = this
    const { more } = this.zlib
    handle.init(windowBits, level, MEM_LEVEL, constants.Z_DEFAULT_STRATEGY, left, settle, dictionary, ...more)
    this.primed = dictionary !== undefined
  }
}

export const MEM_LEVEL = 8

/** How zlib is given something to do. */
type Work = [
  flush: number,
  input: Uint8Array,
  from: number,
  length: number,
  output: Uint8Array,
  at: number,
  room: number,
]

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
  write(...work: Work): void
  writeSync(...work: Work): void
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
