import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Deflate } from '../../src/compression/deflate.ts'
import { findZlib, RawZlib, type Zlib } from '../../src/compression/raw-zlib.ts'
import { json } from './messages.ts'

/** As it is found by a module that has not looked yet. */
async function findAnew() {
  vi.resetModules()
  const { findZlib } = await import('../../src/compression/raw-zlib.ts')
  return findZlib()
}

interface Handle {
  init(...values: unknown[]): void
  writeSync(...values: unknown[]): void
  reset?: unknown
}

type ZlibHandle = InstanceType<Zlib['Handle']>

/** What all of Node's zlib handles inherit from. */
function handles(): Handle {
  const stream = createDeflateRaw() as unknown as { _handle: object; close(): void }
  const prototype = Object.getPrototypeOf(stream._handle)
  stream.close()
  return prototype
}

test('it is found on this version of Node, and Node is left as it was', async () => {
  const { init, writeSync } = handles()
  expect(await findAnew()).toBeDefined()
  expect(handles().init).toBe(init)
  expect(handles().writeSync).toBe(writeSync)
})

describe('it is not found', () => {
  test.each(['19.9.0', '27.0.0', '100.0.0'])('on a version that is not known: %s', async (node) => {
    vi.spyOn(process, 'versions', 'get').mockReturnValue({ ...process.versions, node })
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await findAnew()).toBeUndefined()
  })

  test.each(['bun', 'deno'])('on %s, which says that it is Node', async (name) => {
    vi.spyOn(process, 'versions', 'get').mockReturnValue({ ...process.versions, [name]: '1.0.0' })
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await findAnew()).toBeUndefined()
  })

  test.each(['write', 'writeSync', 'reset'])('where there is no %s', async (name) => {
    const prototype = handles() as unknown as Record<string, unknown>
    const method = prototype[name]
    const put = (value: unknown) =>
      Object.defineProperty(prototype, name, { configurable: true, writable: true, value })
    put(undefined)
    onTestFinished(() => void put(method))
    expect(await findAnew()).toBeUndefined()
  })

  test('but for the changes of these tests it is', async () => {
    shape('init', (values) => values)
    shape('writeSync', (values) => values)
    expect(await findAnew()).toBeDefined()
  })

  test.each<[name: string, method: 'init' | 'writeSync', change: (values: unknown[]) => unknown[]]>([
    ['init has one value more', 'init', (values) => [...values, 1]],
    ['init has two values more', 'init', (values) => [...values.slice(0, 7), false, false]],
    ['init has no dictionary', 'init', (values) => values.slice(0, 6)],
    ['init has another order', 'init', ([bits, level, ...rest]) => [level, bits, ...rest]],
    ['init tells what is left otherwise', 'init', (values) => values.with(4, [0, 0])],
    ['init has a place of another size for what is left', 'init', (values) => values.with(4, new Uint32Array(3))],
    ['init has no callback', 'init', (values) => values.with(5, undefined)],
    ['writeSync has a value more', 'writeSync', (values) => [...values, 0]],
    ['writeSync has a value less', 'writeSync', (values) => values.slice(0, 6)],
    ['writeSync has another order', 'writeSync', ([flush, ...rest]) => [...rest, flush]],
    ['writeSync says where the output ends', 'writeSync', (values) => values.with(6, 1)],
  ])('where %s', async (_, method, change) => {
    shape(method, change)
    expect(await findAnew()).toBeUndefined()
  })
})

/** Until the test ends Node seems to call this method in another way; what gets to zlib is what Node has called it with. */
function shape(method: 'init' | 'writeSync', change: (values: unknown[]) => unknown[]): void {
  const prototype = handles()
  const own = prototype[method]
  let given: unknown[] | undefined
  function passOn(this: unknown, ...values: unknown[]): void {
    own.apply(this, given ?? values)
    given = undefined
  }
  let current: typeof own = passOn
  Object.defineProperty(prototype, method, {
    configurable: true,
    get() {
      if (current === passOn) return passOn
      return function (this: unknown, ...values: unknown[]) {
        given = values
        return current.apply(this, change(values))
      }
    },
    set(value: typeof own) {
      current = value
    },
  })
  onTestFinished(
    () => void Object.defineProperty(prototype, method, { configurable: true, writable: true, value: own }),
  )
}

describe('a stream', () => {
  const zlib = findZlib()!

  test('makes what zlib makes, with and without a dictionary, over and over', () => {
    const stream = new RawZlib(zlib, 'deflate', { windowBits: 12, level: 6 })
    const output = Buffer.alloc(1_000)
    for (const dictionary of [undefined, Buffer.from('Hello, world'), undefined, undefined, Buffer.from('world')]) {
      const data = Buffer.from('Hello, Hello, world')
      stream.begin(dictionary)
      stream.write(data, 0, data.length, output, 0, output.length)
      const [free = 0, unread] = stream.left
      const options = { windowBits: 12, level: 6, finishFlush: 2, ...(dictionary && { dictionary }) }
      expect(output.subarray(0, output.length - free)).toEqual(deflateRawSync(data, options))
      expect([unread, stream.failure]).toEqual([0, undefined])
    }
  })

  test('reads what zlib has made, after a failure as before', () => {
    const stream = new RawZlib(zlib, 'inflate', { windowBits: 15, level: 0 })
    const output = Buffer.alloc(1_000)
    const data = deflateRawSync('Hello', { finishFlush: 2 })
    for (let i = 0; i < 3; i++) {
      stream.begin(undefined)
      stream.write(data, 0, data.length, output, 10, 20)
      expect([...stream.left, stream.failure]).toEqual([15, 0, undefined])
      expect(output.toString('latin1', 10, 15)).toBe('Hello')
      stream.begin(i === 1 ? Buffer.from('a dictionary') : undefined)
      stream.write(Buffer.of(0xff, 0xff), 0, 2, output, 0, 100)
      expect(stream.failure).toBe('invalid block type')
    }
    expect(inflateRawSync(deflateRawSync('Hello')).toString()).toBe('Hello')
  })
})

describe('a stream that is kept', () => {
  const zlib = findZlib()!
  const data = Buffer.from(json(20_000))

  /** Compresses in the thread pool, in a new stream or in one that is there. */
  function later(stream: RawZlib, done: () => void): Uint8Array {
    const output = Buffer.alloc(30_000)
    stream.begin(undefined)
    stream.writeLater(data, output, done)
    return output
  }

  test('tells each user in its own AsyncLocalStorage context, and keeps that of none', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const storage = new AsyncLocalStorage<{ name: string }>()
    let first: { name: string } | undefined = { name: 'first' }
    const held = new WeakRef(first)
    const stream = storage.run(first, () => new RawZlib(zlib, 'deflate', { windowBits: 15, level: 4 }))
    const inContext = (name: string) =>
      storage.run({ name }, () => new Promise((resolve) => later(stream, () => resolve(storage.getStore()?.name))))
    expect(await inContext('second')).toBe('second')
    expect(await inContext('third')).toBe('third')
    first = undefined
    for (let i = 0; i < 100 && held.deref() !== undefined; i++) {
      await setImmediate()
      collect()
    }
    expect(held.deref()).toBeUndefined()
    stream.begin(undefined)
  })

  test('for which there was no memory is not used again, since that would end the process', async () => {
    const log: string[] = []
    let without = true
    // It fails as zlib does when its first piece of memory cannot be had.
    const { Handle } = zlib
    class Failing extends Handle {
      private readonly number = log.push('new')
      override reset(): void {
        log.push(`reset ${this.number}`)
        if (without) this.onerror('Failed to init stream before reset', -4, 'Z_MEM_ERROR')
        else super.reset()
      }
      override write(...values: Parameters<ZlibHandle['write']>): void {
        log.push(`write ${this.number}`)
        super.write(...values)
      }
    }
    const stream = new RawZlib({ ...zlib, Handle: Failing }, 'deflate', { windowBits: 15, level: 4 })
    await new Promise<void>((resolve) => later(stream, resolve))
    expect(stream.failure).toBe('Failed to init stream before reset')
    stream.write(data, 0, 1, Buffer.alloc(100), 0, 100)
    expect(log).toEqual(['new', 'reset 1', 'new'])
    without = false
    let output: Uint8Array = new Uint8Array(0)
    await new Promise<void>((resolve) => {
      output = later(stream, resolve)
    })
    expect(log).toEqual(['new', 'reset 1', 'new', 'reset 3', 'write 3'])
    expect(stream.failure).toBeUndefined()
    const made = output.subarray(0, output.length - stream.left[0]!)
    expect(made).toEqual(deflateRawSync(data, { level: 4, finishFlush: 2 }))
  })
})

describe('streams for the thread pool', () => {
  const zlib = findZlib()!
  const data = Buffer.from(json(20_000))
  const compressed = deflateRawSync(data, { level: 4, finishFlush: 2 }).subarray(0, -4)

  /** What is made of so many messages that are given at once. */
  function many(deflate: Deflate, count: number): Promise<(Uint8Array | undefined)[]> {
    const one = () => new Promise<Uint8Array | undefined>((resolve) => deflate.compressLater(data, undefined, resolve))
    return Promise.all(Array.from({ length: count }, one))
  }

  /** Counts the streams that are made, and fails some of what they write. */
  function counting(fails: () => boolean = () => false) {
    const { Handle } = zlib
    const made: unknown[] = []
    const failed = new Set<unknown>()
    class Counted extends Handle {
      constructor(mode: number) {
        super(mode)
        made.push(this)
      }
      override write(...values: Parameters<ZlibHandle['write']>): void {
        expect(failed).not.toContain(this)
        if (!fails()) return super.write(...values)
        failed.add(this)
        setImmediate().then(() => this.onerror('out of luck', -4, 'Z_MEM_ERROR'))
      }
    }
    const counted: Zlib = { ...zlib, Handle: Counted }
    return { deflate: new Deflate(15, 4, counted), made, failed }
  }

  test('are four, however much there is to do, and are kept', async () => {
    const { deflate, made } = counting()
    // The one that compresses at once.
    expect(made).toHaveLength(1)
    for (let i = 0; i < 3; i++) {
      for (const one of await many(deflate, 20)) expect(Buffer.from(one!).equals(compressed)).toBe(true)
      expect(made).toHaveLength(5)
    }
  })

  test('that fail are not kept, and their messages go as they are', async () => {
    let writes = 0
    const { deflate, failed } = counting(() => writes++ < 6)
    const all = await many(deflate, 10)
    expect(all.map((one) => one !== undefined)).toEqual([...Array(6).fill(false), ...Array(4).fill(true)])
    for (const one of all.slice(6)) expect(Buffer.from(one!).equals(compressed)).toBe(true)
    expect(failed.size).toBe(6)
    for (const one of await many(deflate, 10)) expect(Buffer.from(one!).equals(compressed)).toBe(true)
  })
})
