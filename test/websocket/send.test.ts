import { randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerSocket } from 'heartwire'
import { WebSocket } from 'heartwire/websocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { handshakeServer, type Line, logOf, next, open, thrown } from './support.ts'

/** An open WebSocket, and what its server gets: texts as strings, bytes as arrays of numbers. */
async function sending(options: object = {}): Promise<{
  socket: WebSocket
  got: Mailbox<string | number[]>
  peer: ServerSocket<undefined>
  ended: Mailbox<[number, string]>
}> {
  const got = new Mailbox<string | number[]>()
  const ended = new Mailbox<[number, string]>()
  const peers = new Mailbox<ServerSocket<undefined>>()
  const { url } = await serve({
    maxPayload: 2 ** 26,
    compression: 'takeover',
    open: peers.put,
    message: (_socket, message) => got.put(typeof message === 'string' ? message : [...message]),
    close: (_socket, { code, reason }) => ended.put([code, reason]),
  })
  return { socket: await open(url, options), got, peer: await peers.next(), ended }
}

/** Runs behind all that this turn of the event loop has to do. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

describe('send', () => {
  it('takes strings, and makes one of what is nothing else', async () => {
    const { socket, got } = await sending()
    const given = [
      '',
      'text',
      '\u{1f600}',
      7,
      null,
      undefined,
      { toString: () => 'object' },
      Object('boxed'),
      new SharedArrayBuffer(1),
    ]
    for (const data of given) socket.send(data as string)
    expect(await got.take(given.length)).toEqual([
      '',
      'text',
      '\u{1f600}',
      '7',
      'null',
      'undefined',
      'object',
      'boxed',
      '[object SharedArrayBuffer]',
    ])
  })

  it('puts U+FFFD in the place of half a surrogate pair', async () => {
    const { socket, got } = await sending()
    socket.send('a\ud800b\udc00')
    expect(socket.bufferedAmount).toBe(8)
    expect(await got.next()).toBe('a\ufffdb\ufffd')
  })

  it('takes buffers, views and Blobs as bytes, and of a view only what it shows', async () => {
    const { socket, got } = await sending()
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
    socket.send(buffer)
    socket.send(new Uint8Array(buffer, 2, 3))
    socket.send(new DataView(buffer, 6))
    socket.send(new Uint16Array(buffer, 4, 1))
    socket.send(Buffer.from('node'))
    socket.send(new ArrayBuffer(0))
    socket.send(new Blob([new Uint8Array([9]), 'z'], { type: 'text/plain' }))
    socket.send(new Blob([]))
    expect(await got.take(8)).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8],
      [3, 4, 5],
      [7, 8],
      [5, 6],
      [...Buffer.from('node')],
      [],
      [9, 0x7a],
      [],
    ])
  })

  it('takes bytes as they are then, whatever becomes of them', async () => {
    const { socket, got } = await sending({ compression: 'off' })
    // More than the kernel takes at once, so that some of it waits.
    const large = new Uint8Array(8_000_000).fill(1)
    const small = new Uint8Array([1, 2, 3])
    socket.send(large)
    socket.send(small)
    socket.send(small.buffer)
    large.fill(2)
    small.fill(4)
    const [first, ...rest] = await got.take(3)
    expect(Buffer.from(first as number[]).equals(Buffer.alloc(large.length, 1))).toBe(true)
    expect(rest).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
    structuredClone(small.buffer, { transfer: [small.buffer] })
    socket.send(small)
    expect(await got.next()).toEqual([])
  })

  it('keeps the order of what is sent, Blobs or not, and the Close frame behind all', async () => {
    const { socket, got, ended } = await sending()
    socket.send('1')
    socket.send(new Blob(['x'.repeat(100_000)]))
    socket.send('2')
    socket.send(new Uint8Array([3]))
    socket.send(new Blob(['y']))
    socket.close(4000, 'done')
    socket.send('too late')
    expect(await got.take(5)).toEqual(['1', Array(100_000).fill(0x78), '2', [3], [0x79]])
    expect(await ended.next()).toEqual([4000, 'done'])
    expect(got.all).toHaveLength(5)
    expect(socket.bufferedAmount).toBe('too late'.length)
  })

  it('fails the connection when a Blob cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heartwire-blob-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'file')
    await writeFile(file, 'as it was')
    const { socket, got, ended } = await sending()
    const log = logOf(socket)
    const blob = await openAsBlob(file)
    await writeFile(file, 'longer than it was')
    socket.send('before')
    socket.send(blob)
    socket.send('behind')
    expect(await log.take(2)).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
    expect(got.all).toEqual(['before'])
    expect(await ended.next()).toEqual([1011, 'a message could not be read'])
  })

  it('refuses what is shared, what can be resized, and symbols', async () => {
    const { socket } = await sending()
    const resizable = Reflect.construct(ArrayBuffer, [1, { maxByteLength: 2 }]) as ArrayBuffer
    expect(thrown(() => socket.send(new Uint8Array(new SharedArrayBuffer(1))))).toBe('TypeError')
    expect(thrown(() => socket.send(resizable))).toBe('TypeError')
    expect(thrown(() => socket.send(new Uint8Array(resizable)))).toBe('TypeError')
    expect(thrown(() => socket.send(Symbol('a') as unknown as string))).toBe('TypeError')
    expect(thrown(() => Reflect.apply(socket.send, socket, []))).toBe('TypeError')
    expect(socket.bufferedAmount).toBe(0)
  })

  it('throws before it is open, but not after, and looks at its argument first', async () => {
    const { url } = await serve({ open: () => {} })
    const socket = new WebSocket(url)
    expect(thrown(() => socket.send('early'))).toBe('DOMException InvalidStateError')
    expect(thrown(() => Reflect.apply(socket.send, socket, []))).toBe('TypeError')
    expect(thrown(() => socket.send(Symbol('a') as unknown as string))).toBe('TypeError')
    expect(socket.bufferedAmount).toBe(0)
    await next(socket, 'open')
    socket.close()
    await next(socket, 'close')
    expect(thrown(() => socket.send('late'))).toBe('nothing')
  })
})

describe('bufferedAmount', () => {
  it('counts bytes of UTF-8 and of binary messages, without frames, until the task is over', async () => {
    const { socket, got } = await sending()
    const amounts: number[] = [socket.bufferedAmount]
    for (const data of [
      'abc',
      '\u20ac',
      new Uint8Array(100_000),
      new DataView(new ArrayBuffer(10), 3),
      new Blob(['blob']),
    ]) {
      socket.send(data)
      amounts.push(socket.bufferedAmount)
    }
    await undefined
    await new Promise<void>((resolve) => process.nextTick(resolve))
    amounts.push(socket.bufferedAmount)
    expect(amounts).toEqual([0, 3, 6, 100_006, 100_013, 100_017, 100_017])
    await got.take(5)
    await nextTurn()
    expect(socket.bufferedAmount).toBe(0)
  })

  it('falls by whole messages as the kernel takes them', async () => {
    const peers = new Mailbox<Socket>()
    const { url } = await handshakeServer((socket) => peers.put(socket))
    const socket = await open(url, { compression: 'off' })
    const peer = await peers.next()
    // Whoever made it reads on from here.
    await nextTurn()
    peer.pause()
    const size = 300_000
    const count = 100
    for (let i = 0; i < count; i++) socket.send(randomBytes(size))
    expect(socket.bufferedAmount).toBe(size * count)
    const seen = new Set<number>()
    peer.resume()
    while (socket.bufferedAmount > 0) {
      seen.add(socket.bufferedAmount)
      await nextTurn()
    }
    const values = [...seen]
    expect(values).toEqual(values.toSorted((a, b) => b - a))
    expect(values.filter((value) => value % size !== 0)).toEqual([])
    expect(values.length).toBeGreaterThan(2)
    socket.close()
  })

  it('grows only, once the connection is closing or closed', async () => {
    const { socket, peer } = await sending()
    const log = logOf(socket)
    peer.close(1000)
    await log.reach(1)
    const amounts = [socket.bufferedAmount]
    for (const data of ['abc', new Uint8Array(5), new Blob(['blob'])]) {
      socket.send(data)
      amounts.push(socket.bufferedAmount)
    }
    await nextTurn()
    amounts.push(socket.bufferedAmount)
    expect(amounts).toEqual([0, 3, 8, 12, 12])
    expect(log.all).toEqual([['close', 3, 1000, '', true]] satisfies Line[])
  })

  it.each([
    ['under way', ''],
    ['under way, and behind it', 'behind it'],
  ])('keeps what was %s when the connection is lost', async (_what, more) => {
    const peers = new Mailbox<Socket>()
    const { url } = await handshakeServer((socket) => peers.put(socket))
    const socket = await open(url, { compression: 'off' })
    const peer = await peers.next()
    await nextTurn()
    peer.pause()
    const size = 16_000_000
    socket.send(new Uint8Array(size))
    if (more !== '') socket.send(more)
    await nextTurn()
    const failing: number[] = []
    socket.onerror = () => failing.push(socket.bufferedAmount)
    peer.resetAndDestroy()
    await next(socket, 'close')
    expect(failing).toEqual([size + more.length])
    expect(socket.bufferedAmount).toBe(size + more.length)
    await nextTurn()
    expect(socket.bufferedAmount).toBe(size + more.length)
  })

  it('counts a Blob, and what waits for it, from the beginning to when it was sent', async () => {
    const { socket, got } = await sending()
    socket.send(new Blob(['x'.repeat(1000)]))
    socket.send('y')
    expect(socket.bufferedAmount).toBe(1001)
    await nextTurn()
    await got.take(2)
    await nextTurn()
    expect(socket.bufferedAmount).toBe(0)
  })

  it('has no limit but the one that is set, at which the connection fails', async () => {
    const peers = new Mailbox<Socket>()
    const { url } = await handshakeServer((socket) => peers.put(socket))
    const socket = await open(url, { maxBuffered: 20_000_000, compression: 'off' })
    const peer = await peers.next()
    await nextTurn()
    peer.pause()
    const log = logOf(socket)
    socket.send(new Uint8Array(19_000_000))
    socket.send(new Uint8Array(19_000_000))
    expect(socket.bufferedAmount).toBe(38_000_000)
    // The frame that is under way goes out before the Close frame.
    peer.on('end', () => peer.end()).resume()
    expect(await next(socket, 'error')).toMatchObject({ error: { name: 'SlowConsumerError' } })
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
    expect(socket.bufferedAmount).toBe(19_000_000)
  })
})
