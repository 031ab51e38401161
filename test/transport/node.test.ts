import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { NodeTransport } from '../../src/transport/node.ts'
import { rawPair } from '../support/servers.ts'
import { Recorder } from './recorder.ts'

/** A stream whose writes the test lets go of one by one. */
class Slow extends Duplex {
  readonly lengths: number[] = []
  private callback: ((error?: Error) => void) | undefined

  constructor() {
    super({ writableHighWaterMark: 1 })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.lengths.push(chunk.length)
    this.callback = callback
  }

  letGo(error?: Error): void {
    const { callback } = this
    this.callback = undefined
    callback?.(error)
  }
}

test('a long write goes out in slices, and shows that it goes on', async () => {
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  expect(transport.write(Buffer.alloc(1_000_000))).toBe(false)
  expect(stream.lengths).toEqual([262_144])
  for (let slice = 0; slice < 3; slice++) {
    stream.letGo()
    await setTimeout(0)
  }
  expect(stream.lengths).toEqual([262_144, 262_144, 262_144, 213_568])
  expect(sink.events.all).toEqual(['progress', 'progress', 'progress'])
  stream.letGo()
  await setTimeout(0)
  expect(sink.events.all).toEqual(['progress', 'progress', 'progress', 'written'])
})

test('slices are smaller for as long as the peer takes its time for them', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  const taken = async (milliseconds: number) => {
    vi.advanceTimersByTime(milliseconds)
    stream.letGo()
    await setTimeout(0)
    return stream.lengths.splice(0)
  }
  transport.write(Buffer.alloc(1_000_000))
  expect(await taken(999)).toEqual([262_144, 262_144])
  expect(await taken(1_000)).toEqual([16_384])
  expect(await taken(5_000)).toEqual([16_384])
  expect(await taken(999)).toEqual([262_144])
  expect(await taken(1_000)).toEqual([16_384])
  expect(sink.events.all).toEqual(Array(5).fill('progress'))
  while ((await taken(1_000)).length > 0);
  // It stays slow from one write to the next, until a write is not held up at all.
  expect(transport.write(Buffer.alloc(20_000))).toBe(false)
  expect(await taken(0)).toEqual([16_384, 3_616])
})

test('pieces are cut and gathered into slices, in order', async () => {
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  transport.writeAll([Buffer.alloc(10), Buffer.alloc(300_000), Buffer.alloc(20)])
  for (let i = 0; i < 6; i++) {
    stream.letGo()
    await setTimeout(0)
  }
  expect(stream.lengths).toEqual([10, 262_134, 37_866, 20])
  expect(sink.events.all).toEqual(['progress', 'written'])
})

test('a stream that fails: what it held is not told as written', async () => {
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  transport.write(Buffer.alloc(1_000_000))
  const error = Object.assign(new Error('gone'), { code: 'EPIPE' })
  stream.letGo(error)
  await sink.until(() => sink.others.includes('reset'))
  expect(sink.events.all).toEqual(['reset'])
  expect(sink.error).toBe(error)
})

test('a stream that is destroyed with an error that is no reset', async () => {
  const stream = new Slow()
  const sink = new Recorder(new NodeTransport(stream))
  const error = new Error('broken')
  stream.destroy(error)
  await sink.until(() => sink.others.length > 0)
  expect(sink.events.all).toEqual(['close'])
  expect(sink.error).toBe(error)
})

/** A stream of an application's own that throws where it ought to call back, or emit an error. */
class Broken extends Duplex {
  readonly boom = new Error('boom')

  override _read(): void {}

  override _write(): void {
    throw this.boom
  }
}

test.each([
  { what: 'a short write', act: (transport: NodeTransport) => transport.write(Buffer.alloc(10)) },
  { what: 'a long write', act: (transport: NodeTransport) => transport.write(Buffer.alloc(1_000_000)) },
  { what: 'pieces', act: (transport: NodeTransport) => transport.writeAll([Buffer.alloc(10), Buffer.alloc(10)]) },
])('a stream that throws ends, with what it threw: $what', async ({ act }) => {
  const stream = new Broken()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  act(transport)
  expect(sink.events.all).toEqual([])
  await sink.until(() => sink.others.length > 0)
  expect(sink.events.all).toEqual(['close'])
  expect(sink.error).toBe(stream.boom)
  expect(stream.destroyed).toBe(true)
})

test('a stream that throws when it goes on with what was held up', async () => {
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  transport.write(Buffer.alloc(1_000_000))
  stream._write = () => {
    throw 'no Error'
  }
  stream.letGo()
  await sink.until(() => sink.others.length > 0)
  expect(sink.others).toEqual(['close'])
  expect(sink.error).toEqual(new Error('The stream threw something.', { cause: 'no Error' }))
})

test('a stream that throws when it is ended', async () => {
  const stream = new Slow()
  const transport = new NodeTransport(stream)
  const sink = new Recorder(transport)
  const boom = new Error('boom')
  stream.end = () => {
    throw boom
  }
  transport.end()
  await sink.until(() => sink.others.length > 0)
  expect(sink.others).toEqual(['close'])
  expect(sink.error).toBe(boom)
})

test('the address is the one that is given, else that of the socket', async () => {
  expect(new NodeTransport(new Slow(), '192.0.2.1').remoteAddress).toBe('192.0.2.1')
  expect(new NodeTransport(new Slow()).remoteAddress).toBeUndefined()
  const { socket } = await rawPair()
  expect(socket.remoteAddress).toBe('127.0.0.1')
})
