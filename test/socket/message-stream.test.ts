import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ConnectionClosedError, type MessageStream, Opcode } from 'heartwire'
import { encodeFrameHeader } from 'heartwire/protocol'
import { describe, expect, test } from 'vitest'
import { rawPair, wsPair } from '../support/servers.ts'

const MiB = 1024 * 1024

async function read(stream: MessageStream): Promise<(string | Uint8Array)[]> {
  const pieces = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

/** The header of a masked frame whose key changes nothing, so that its payload can be written as it is. */
function header(opcode: number, payloadLength: number, fin = true): Uint8Array {
  return encodeFrameHeader({ fin, opcode, payloadLength, maskingKey: new Uint8Array(4) })
}

test('gives the pieces of a binary message as they come', async () => {
  const { socket, peer } = await rawPair()
  const coming = socket.receiveStream()
  peer.write(header(Opcode.Binary, 6))
  peer.write('one')
  const stream = await coming
  expect(stream.type).toBe('binary')
  const pieces = stream[Symbol.asyncIterator]()
  expect(await pieces.next()).toEqual({ done: false, value: Buffer.from('one') })
  peer.write('two')
  expect(await pieces.next()).toEqual({ done: false, value: Buffer.from('two') })
  expect(await pieces.next()).toEqual({ done: true, value: undefined })
})

test('gives the pieces of a text as strings, with no character cut', async () => {
  const { socket, peer } = await rawPair()
  const bytes = Buffer.from('a😀é\ufeff')
  const coming = socket.receiveStream()
  peer.write(header(Opcode.Text, bytes.length))
  for (const byte of bytes) {
    peer.write(Uint8Array.of(byte))
    await setTimeout(2)
  }
  const stream = await coming
  expect(stream.type).toBe('text')
  const pieces = await read(stream)
  expect(pieces.join('')).toBe('a😀é\ufeff')
  expect(pieces).toContain('😀')
})

test('gives fragments, with control frames between them', async () => {
  const { socket, peer } = await rawPair()
  const coming = socket.receiveStream()
  peer.send(Opcode.Text, 'a', { fin: false })
  peer.send(Opcode.Ping, 'x')
  peer.send(Opcode.Continuation, 'b', { fin: false })
  peer.send(Opcode.Continuation, '')
  peer.send(Opcode.Text, 'next')
  expect((await read(await coming)).join('')).toBe('ab')
  expect(await peer.text()).toEqual([Opcode.Pong, 'x'])
  expect(await socket.receive()).toBe('next')
})

test.each([
  { name: 'an empty text', opcode: Opcode.Text, payload: '', pieces: [] },
  { name: 'a text that came whole', opcode: Opcode.Text, payload: 'abc', pieces: ['abc'] },
  { name: 'bytes that came whole', opcode: Opcode.Binary, payload: 'abc', pieces: [Buffer.from('abc')] },
])('gives $name, awaited before or after it came', async ({ opcode, payload, pieces }) => {
  const { socket, peer } = await rawPair()
  peer.send(opcode, payload)
  await setTimeout(10)
  expect(await read(await socket.receiveStream())).toEqual(pieces)
  const coming = socket.receiveStream()
  peer.send(opcode, payload)
  expect(await read(await coming)).toEqual(pieces)
})

test('several in turn, mixed with receive', async () => {
  const { socket, client } = await wsPair()
  const all = Promise.all([
    socket.receiveStream().then(read),
    socket.receive(),
    socket.receiveStream().then(read),
    socket.receiveStream().then(read),
  ])
  for (const text of ['a', 'b', 'c', 'd']) client.send(text)
  expect(await all).toEqual([['a'], 'b', ['c'], ['d']])
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe('a message of 50 MiB', () => {
  const SIZE = 50 * MiB

  test('is held back by TCP while its reader takes its time, and never held in memory', async () => {
    const { socket, peer } = await rawPair({ maxPayload: SIZE, maxPause: 60_000 })
    const coming = socket.receiveStream()
    peer.write(header(Opcode.Binary, SIZE))
    const chunk = Buffer.alloc(MiB)
    let flushed = 0
    for (let i = 0; i < 50; i++) {
      chunk.fill(i)
      peer.stream.write(Buffer.from(chunk), () => flushed++)
    }
    const stream = await coming
    await setTimeout(150)
    // The kernel's buffers take a few MiB; the rest waits at the sender.
    expect(flushed).toBeLessThan(25)
    const before = process.memoryUsage().arrayBuffers
    let length = 0
    let most = 0
    let right = true
    for await (const piece of stream) {
      if (typeof piece === 'string') throw new Error('not a text')
      right &&= piece[0] === Math.floor(length / MiB)
      length += piece.length
      most = Math.max(most, piece.length)
    }
    expect(length).toBe(SIZE)
    expect(right).toBe(true)
    expect(most).toBeLessThanOrEqual(MiB)
    // The sender's own 50 MiB go away meanwhile; nothing of that size comes in their place.
    collectGarbage()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * MiB)
    expect(flushed).toBe(50)
    peer.send(Opcode.Text, 'next')
    expect(await socket.receive()).toBe('next')
  })

  test('counts for maxPayload', async () => {
    const { socket, peer } = await rawPair({ maxPayload: MiB })
    const coming = socket.receiveStream()
    peer.write(header(Opcode.Binary, MiB, false))
    peer.write(Buffer.alloc(MiB))
    peer.write(header(Opcode.Continuation, 1, true))
    const stream = await coming
    await expect(read(stream)).rejects.toBeInstanceOf(ConnectionClosedError)
    expect((await peer.closeFrame())[0]).toBe(1009)
  })
})

test('a loop that is left discards what is left of the message, and of no other', async () => {
  const { socket, client } = await wsPair({ maxPayload: 10 * MiB })
  const coming = socket.receiveStream()
  client.send(Buffer.alloc(10 * MiB, 1))
  client.send('next')
  for await (const piece of await coming) {
    expect(piece.length).toBeGreaterThan(0)
    break
  }
  expect(await socket.receive()).toBe('next')
})

test('cancel discards a message that nobody wants', async () => {
  const { socket, client } = await wsPair({ maxPayload: 10 * MiB })
  const coming = socket.receiveStream()
  client.send(Buffer.alloc(10 * MiB, 1))
  client.send('next')
  const stream = await coming
  stream.cancel()
  expect(await read(stream)).toEqual([])
  expect(await socket.receive()).toBe('next')
})

test('who gives up waiting loses nothing, though the message had been asked for in pieces', async () => {
  const { socket, peer } = await rawPair({ maxPayload: MiB })
  const controller = new AbortController()
  const aborted = socket.receiveStream({ signal: controller.signal })
  // The header is here, so the message will come in pieces; none has come.
  peer.write(header(Opcode.Binary, 200_000))
  await setTimeout(10)
  controller.abort()
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  peer.write(Buffer.alloc(200_000, 7))
  peer.send(Opcode.Text, 'next')
  const message = await socket.receive()
  expect(message).toHaveLength(200_000)
  expect(await socket.receive()).toBe('next')
})

test('receiveStream has a timeout', async () => {
  const { socket, client } = await wsPair()
  await expect(socket.receiveStream({ timeout: 20 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  client.send('late')
  expect(await read(await socket.receiveStream())).toEqual(['late'])
})

test('a connection that ends in the middle: what came, then the error', async () => {
  const { socket, peer } = await rawPair()
  const coming = socket.receiveStream()
  peer.write(header(Opcode.Text, 100))
  peer.write('half')
  const stream = await coming
  const pieces = stream[Symbol.asyncIterator]()
  expect(await pieces.next()).toEqual({ done: false, value: 'half' })
  peer.stream.end()
  await expect(pieces.next()).rejects.toMatchObject({ name: 'ConnectionClosedError', info: { cause: 'eof' } })
  await expect(socket.receiveStream()).rejects.toBeInstanceOf(ConnectionClosedError)
})

test('a text that turns out not to be UTF-8', async () => {
  const { socket, peer } = await rawPair()
  const coming = socket.receiveStream()
  peer.write(header(Opcode.Text, 100))
  peer.write('good')
  const stream = await coming
  const pieces = stream[Symbol.asyncIterator]()
  expect(await pieces.next()).toEqual({ done: false, value: 'good' })
  peer.write(Uint8Array.of(0xff))
  expect((await peer.closeFrame())[0]).toBe(1007)
  peer.stream.end()
  await expect(pieces.next()).rejects.toMatchObject({ info: { cause: 'protocol-error', sent: 1007 } })
})

test('a frame that is observed while it is read in pieces', async () => {
  const lengths: number[] = []
  const { socket, peer } = await rawPair({ observeFrames: (_socket, frame) => void lengths.push(frame.payloadLength) })
  const coming = socket.receiveStream()
  peer.write(header(Opcode.Binary, 8))
  peer.write('1234')
  const stream = await coming
  await setTimeout(5)
  peer.write('5678')
  expect(Buffer.concat((await read(stream)).map((piece) => Buffer.from(piece))).toString()).toBe('12345678')
  expect(lengths).toEqual([8])
})
