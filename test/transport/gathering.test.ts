import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { gatherWrites, sendGathered } from '../../src/transport/gathering.ts'
import { NativeTransport } from '../../src/transport/native.ts'
import { Recorder } from './recorder.ts'

/** A native transport, and what is at its other end. */
async function pair(): Promise<[NativeTransport, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const far = await accepted
  onTestFinished(() => {
    far.destroy()
  })
  await new Promise<void>((resolve) => (near.connecting ? near.once('connect', resolve) : resolve()))
  return [NativeTransport.takeOver(near, [])!, far]
}

/** Reads until so many bytes have come, or to the end. */
async function read(socket: Socket, length = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= length) break
  }
  return Buffer.concat(chunks)
}

/** Writes until the kernel takes no more, and returns what it took, or holds, of it. */
function fill(transport: NativeTransport): Buffer {
  const piece = Buffer.alloc(1 << 20, 'f')
  let length = 0
  for (;;) {
    length += piece.length
    if (!transport.write(piece)) return Buffer.alloc(length, 'f')
  }
}

describe.runIf(findAddon().addon !== undefined)('writes that are gathered', () => {
  test('are not taken before there is somebody to send them', async () => {
    const [a] = await pair()
    expect(a.gather(Buffer.from('x'), 0, 1)).toBe(false)
    a.destroy()
  })

  test('go to everyone in one call, each with its part of the bytes', async () => {
    const pairs = [await pair(), await pair(), await pair()]
    const slab = Buffer.from('one,two,three')
    gatherWrites()
    expect(pairs[0]![0].gather(slab, 0, 3)).toBe(true)
    expect(pairs[1]![0].gather(slab, 4, 7)).toBe(true)
    expect(pairs[2]![0].gather(slab, 8, 13)).toBe(true)
    sendGathered()
    // Nothing refers to the bytes any more.
    slab.fill('x')
    const texts = await Promise.all(pairs.map(([, far], at) => read(far, [3, 3, 5][at])))
    expect(texts.map(String)).toEqual(['one', 'two', 'three'])
    for (const [transport] of pairs) transport.destroy()
  })

  test('of several pieces of memory, and more than fit in one call, stay in order', async () => {
    const [a, far] = await pair()
    const expected: string[] = []
    gatherWrites()
    for (let count = 0; count < 3000; count++) {
      const text = `${count},`
      expected.push(text)
      expect(a.gather(Buffer.from(`..${text}`), 2, 2 + text.length)).toBe(true)
    }
    sendGathered()
    const whole = expected.join('')
    expect((await read(far, whole.length)).toString()).toBe(whole)
    a.destroy()
  })

  test('go before what is written at once, and before the end', async () => {
    const [a, far] = await pair()
    gatherWrites()
    a.gather(Buffer.from('gathered, '), 0, 10)
    a.write(Buffer.from('written, '))
    a.gather(Buffer.from('gathered again, '), 0, 16)
    a.writeAll([Buffer.from('in '), Buffer.from('pieces, ')])
    a.gather(Buffer.from('the last'), 0, 8)
    a.end()
    sendGathered()
    expect((await read(far)).toString()).toBe('gathered, written, gathered again, in pieces, the last')
    a.destroy()
  })

  test('and that the kernel does not take are kept, in order, and told of once', async () => {
    const [a, far] = await pair()
    const [b, farB] = await pair()
    const recorder = new Recorder(a)
    const held: number[] = []
    const withHeld = Object.assign(recorder, { onHeld: (length: number) => void held.push(length) })
    const filled = fill(a)
    const taken = new Promise<void>((resolve) => {
      withHeld.onWritten = resolve
    })
    // It holds something, so it gathers nothing.
    gatherWrites()
    expect(a.gather(Buffer.from('x'), 0, 1)).toBe(false)
    sendGathered()
    expect((await Promise.all([read(far, filled.length), taken]))[0].equals(filled)).toBe(true)
    // Now it holds nothing. Without a reader the kernel takes only part of this.
    const slab = Buffer.alloc(64 << 20, 's')
    gatherWrites()
    expect(a.gather(slab, 0, slab.length - 10)).toBe(true)
    expect(b.gather(slab, 0, 5)).toBe(true)
    expect(a.gather(slab, slab.length - 10, slab.length)).toBe(true)
    sendGathered()
    expect(held).toHaveLength(1)
    expect(held[0]).toBeGreaterThan(10)
    expect(held[0]).toBeLessThan(slab.length)
    slab.fill('x')
    expect(a.write(Buffer.from('behind'))).toBe(false)
    expect((await read(farB, 5)).toString()).toBe('sssss')
    const expected = Buffer.concat([Buffer.alloc(64 << 20, 's'), Buffer.from('behind')])
    expect((await read(far, expected.length)).equals(expected)).toBe(true)
    a.destroy()
    b.destroy()
  })

  test('to one who is gone end that connection, and no other', async () => {
    const [a, far] = await pair()
    const [b, farB] = await pair()
    const recorder = new Recorder(a)
    a.pause()
    far.resetAndDestroy()
    await new Promise<void>((resolve) => far.once('close', () => resolve()))
    const slab = Buffer.from('hello')
    gatherWrites()
    a.gather(slab, 0, 5)
    b.gather(slab, 0, 5)
    sendGathered()
    expect((await read(farB, 5)).toString()).toBe('hello')
    await recorder.events.reach(1)
    expect(recorder.ends).toEqual(['reset'])
    expect(recorder.error).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/), syscall: 'write' })
    b.destroy()
  })

  test('to one who was closed meanwhile are not sent to anybody', async () => {
    const [a, far] = await pair()
    gatherWrites()
    a.gather(Buffer.from('before'), 0, 6)
    a.destroy()
    expect(a.gather(Buffer.from('after'), 0, 5)).toBe(false)
    sendGathered()
    expect((await read(far)).toString()).toBe('before')
  })
})
