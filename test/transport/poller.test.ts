/** How the native transport learns which of its sockets are ready (native/src/poller.h). */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { NativeTransport } from '../../src/transport/native.ts'
import type { TransportSink } from '../../src/transport/transport.ts'
import { Recorder } from './recorder.ts'

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })

beforeAll(async () => {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 2000 })
  await once(server, 'listening')
})

afterAll(() => void server.close())

/** Two ends of a TCP connection. */
async function sockets(): Promise<[near: Socket, far: Socket]> {
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const { port } = server.address() as AddressInfo
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  // What was not read when a transport is destroyed makes it a reset.
  far.on('error', () => {})
  await once(far, 'connect')
  const near = await accepted
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

function takeOver(near: Socket): NativeTransport {
  const transport = NativeTransport.takeOver(near, [])!
  onTestFinished(() => transport.destroy())
  return transport
}

async function pair(): Promise<[NativeTransport, Socket]> {
  const [near, far] = await sockets()
  return [takeOver(near), far]
}

async function several<Item>(count: number, make: () => Promise<Item>): Promise<Item[]> {
  const items: Item[] = []
  while (items.length < count) items.push(await make())
  return items
}

function sink(onData: (chunk: Uint8Array) => void): TransportSink {
  return { onData, onProgress() {}, onWritten() {}, onEnd() {}, onClose() {} }
}

/** The event loop stands still for so long that what was written to all has arrived when it goes on. */
function stall(): void {
  for (const until = performance.now() + 50; performance.now() < until; );
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Turns of the event loop in a while in which nothing happens. */
async function idleTurns(): Promise<number> {
  await setTimeout(20)
  const before = performance.nodeTiming.uvMetricsInfo.loopCount
  await setTimeout(50)
  return performance.nodeTiming.uvMetricsInfo.loopCount - before
}

/** Of these a timer takes a few; a loop that finds nothing to do but does not sleep makes thousands. */
const MOST_IDLE_TURNS = 50

describe.runIf(findAddon().addon !== undefined)('the native transport', () => {
  test('hears all that are ready in one turn, however many', async () => {
    // More than the addon asks the kernel for at a time.
    const count = 1100
    const pairs = await several(count, pair)
    let heard = 0
    for (const [transport] of pairs) transport.start(sink(() => heard++))
    await turn()
    for (const [, far] of pairs) far.write('x')
    stall()
    // There is one look at what the kernel holds until then.
    await turn()
    expect(heard).toBe(count)
  })

  test('lets those that have much to read not starve the others', async () => {
    const pairs = await several(40, pair)
    const heard = pairs.map(() => 0)
    for (const [, far] of pairs) far.write(Buffer.alloc(1 << 20))
    stall()
    for (const [at, [transport]] of pairs.entries()) transport.start(sink((chunk) => (heard[at]! += chunk.length)))
    await turn()
    await turn()
    // Everybody has had a read, and nobody more than one in each of the turns that have passed.
    expect(heard.every((length) => length > 0 && length <= 3 * 64 * 1024)).toBe(true)
  })

  test('tells those that are new of nothing that was for those before them', async () => {
    const count = 12
    const old = await several(count, pair)
    const fresh = await several(count, sockets)
    const told: string[] = []
    const recorders: Recorder[] = []
    for (const [transport, far] of old) {
      // More than there is room for in a turn: some are told of while others have still to be read.
      far.write(Buffer.alloc(64 * 1024))
      transport.start(
        sink(() => {
          told.push('old')
          for (const [other] of old) other.destroy()
          for (const [near] of fresh) if (recorders.length < count) recorders.push(new Recorder(takeOver(near)))
        }),
      )
    }
    stall()
    await turn()
    await turn()
    await turn()
    expect(told).toEqual(['old'])
    for (const [at, [, far]] of fresh.entries()) far.write(`for ${at}`)
    for (const [at, recorder] of recorders.entries()) await recorder.until(() => recorder.text === `for ${at}`)
    expect(recorders.map(({ ends }) => ends)).toEqual(Array.from({ length: count }, () => []))
  })

  test.each(['that has reset the connection', 'that has ended it', 'that has ended it, as this side has'])(
    'sleeps while it reads nothing of a peer %s, and tells it of that then',
    async (how) => {
      const [transport, far] = await pair()
      const recorder = new Recorder(transport)
      transport.pause()
      if (how.endsWith('this side has')) {
        transport.end()
        far.resume()
        await once(far, 'end')
      }
      far.write('last')
      if (how.endsWith('reset the connection')) far.resetAndDestroy()
      else far.end()
      expect(await idleTurns()).toBeLessThan(MOST_IDLE_TURNS)
      expect(recorder.others).toEqual([])
      transport.resume()
      await recorder.until(() => recorder.others.length > 0)
      expect(recorder.text).toBe('last')
      expect(recorder.others[0]).toBe(how.endsWith('reset the connection') ? 'reset' : 'end')
    },
  )

  test('sleeps when the peer has ended its direction, and this side has not', async () => {
    const [transport, far] = await pair()
    const recorder = new Recorder(transport)
    far.end()
    await recorder.until(() => recorder.others.includes('end'))
    expect(await idleTurns()).toBeLessThan(MOST_IDLE_TURNS)
    transport.write(Buffer.from('still here'))
    const [chunk] = await once(far, 'data')
    expect(String(chunk)).toBe('still here')
  })

  test('sleeps when everything was written that the kernel had not taken', async () => {
    const [transport, far] = await pair()
    const recorder = new Recorder(transport)
    expect(transport.write(Buffer.alloc(20_000_000))).toBe(false)
    far.resume()
    await recorder.until(() => recorder.others.includes('written'))
    expect(await idleTurns()).toBeLessThan(MOST_IDLE_TURNS)
    expect(recorder.others).toEqual(['written'])
  })

  test('tells of what comes between a pause and a resume, whether or not it was there in time', async () => {
    const [transport, far] = await pair()
    const recorder = new Recorder(transport)
    for (let round = 1; round <= 5; round++) {
      transport.pause()
      if (round % 2 === 0) await turn()
      far.write('x')
      stall()
      await turn()
      if (round > 2) await turn()
      transport.resume()
      await recorder.until(() => recorder.received === round)
    }
    expect(recorder.others).toEqual([])
  })
})
