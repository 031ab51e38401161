import { createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findZlib, RawZlib } from '../../src/compression/raw-zlib.ts'

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
})

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
