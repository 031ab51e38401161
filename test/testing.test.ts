import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { ArgumentError, type CloseInfo, ConnectionClosedError, Opcode, type Socket } from 'heartwire'
import { encodeFrame } from 'heartwire/protocol'
import { MemoryTransport, memoryPair, openSocket, type TransportSink } from 'heartwire/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Mailbox } from './support/mailbox.ts'

const MiB = 1024 * 1024

test('two sockets that talk to each other', async () => {
  const got = new Mailbox<string | Uint8Array>()
  const { client, server } = memoryPair({
    server: { message: (socket, message) => void socket.send(`echo ${message}`) },
    client: { message: (_socket, message) => got.put(message) },
  })
  expect([client.state, server.state]).toEqual(['open', 'open'])
  client.send('hello')
  expect(got.all).toEqual([])
  expect(await got.next()).toBe('echo hello')
  expect(client.remoteAddress).toBe('memory')
})

test('two sockets that answer each other for ever leave their turns to others', async () => {
  let messages = 0
  const echo = {
    message(socket: Socket, message: string | Uint8Array) {
      messages++
      socket.send(message)
    },
  }
  const { client, server } = memoryPair({ server: echo, client: echo })
  client.send('x')
  await setTimeout(1)
  await readFile(new URL(import.meta.url))
  expect(messages).toBeGreaterThan(2)
  client.terminate()
  await server.closed
})

test('they need no timer, not even where timers stand still', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { client } = memoryPair({
    server: { heartbeat: false, message: (socket, message) => void socket.send(message) },
    client: { heartbeat: false },
  })
  client.send('x')
  expect(await client.receive()).toBe('x')
})

test('open is called before anything else, messages are pulled, and pings are answered', async () => {
  const happened: string[] = []
  const { client, server } = memoryPair({
    server: { open: () => void happened.push('server') },
    client: { open: () => void happened.push('client') },
  })
  expect(happened.sort()).toEqual(['client', 'server'])
  client.send('a')
  client.send(Buffer.from('b'))
  expect(await server.receive()).toBe('a')
  expect(await server.receive()).toEqual(Buffer.from('b'))
  expect(await client.ping()).toBeGreaterThanOrEqual(0)
})

test('every frame is a real one: masked by the client, and cut where the sender cut it', async () => {
  const frames: string[] = []
  const { client, server } = memoryPair({
    server: {
      observeFrames: (_socket, frame) =>
        void frames.push(`${frame.direction} ${frame.opcode} ${frame.masked} ${frame.payloadLength}`),
    },
  })
  await client.sendFragments(['a', 'bc'])
  expect(await server.receive()).toBe('abc')
  server.send('d')
  expect(await client.receive()).toBe('d')
  expect(frames).toEqual(['in 1 true 1', 'in 0 true 2', 'in 0 true 0', 'out 1 false 1'])
})

test('a reader that does not read holds the writer back, and lets it go on', async () => {
  const { client, server } = memoryPair({ server: { maxPayload: 4 * MiB, message() {} } })
  server.pause()
  const results = new Set<string>()
  for (let i = 0; i < 100; i++) results.add(client.send(Buffer.alloc(20_000)))
  expect([...results]).toEqual(['ok', 'slow'])
  expect(client.bufferedAmount).toBeGreaterThan(1_500_000)
  const drained = client.drained()
  server.resume()
  await drained
  expect(client.bufferedAmount).toBe(0)
})

test('a consumer that takes its time holds the writer back', async () => {
  const { client, server } = memoryPair()
  let slow = 0
  for (let i = 0; i < 100; i++) if (client.send(Buffer.alloc(10_000, i)) === 'slow') slow++
  expect(slow).toBeGreaterThan(50)
  await setTimeout(5)
  expect(client.bufferedAmount).toBeGreaterThan(500_000)
  for (let i = 0; i < 100; i++) expect((await server.receive())[0]).toBe(i)
  await client.drained()
})

test('one that is too slow is closed, as on a network', async () => {
  const { client, server } = memoryPair({ client: { maxBuffered: MiB }, server: { message() {} } })
  server.pause()
  let result = client.send(Buffer.alloc(100_000))
  while (result !== 'dropped') result = client.send(Buffer.alloc(100_000))
  server.resume()
  expect((await client.closed).cause).toBe('slow-consumer')
  expect(await server.closed).toMatchObject({ code: 1013, cause: 'peer-close' })
})

test('the bytes of both ends are apart', async () => {
  const { client, server } = memoryPair()
  const bytes = Buffer.alloc(50_000, 1)
  server.send(bytes)
  const got = await client.receive()
  if (typeof got === 'string') throw new Error('bytes were sent')
  got.fill(2)
  expect(bytes.equals(Buffer.alloc(50_000, 1))).toBe(true)
})

describe('the end', () => {
  async function infos(client: Socket, server: Socket): Promise<CloseInfo[]> {
    return Promise.all([client.closed, server.closed])
  }

  test('by close', async () => {
    const { client, server } = memoryPair()
    client.close(4000, 'bye')
    expect(await infos(client, server)).toMatchObject([
      { code: 4000, cause: 'local-close', wasClean: true },
      { code: 4000, reason: 'bye', cause: 'peer-close', wasClean: true },
    ])
  })

  test('by both at once', async () => {
    const { client, server } = memoryPair()
    client.close(4000)
    server.close(4001)
    expect(await infos(client, server)).toMatchObject([
      { sent: 4000, received: 4001, wasClean: true },
      { sent: 4001, received: 4000, wasClean: true },
    ])
  })

  test('by terminate', async () => {
    const { client, server } = memoryPair()
    server.terminate()
    expect(await infos(client, server)).toMatchObject([
      { code: 1006, cause: 'eof' },
      { code: 1006, cause: 'terminated' },
    ])
  })

  test('by reset', async () => {
    const { client, server, reset } = memoryPair()
    const received = server.receive()
    client.send('lost')
    reset()
    expect(await infos(client, server)).toMatchObject([
      { code: 1006, cause: 'reset', wasClean: false, error: { code: 'ECONNRESET' } },
      { code: 1006, cause: 'reset', wasClean: false, error: { code: 'ECONNRESET' } },
    ])
    await expect(received).rejects.toBeInstanceOf(ConnectionClosedError)
    reset()
  })

  test('by close, with much still to be read', async () => {
    const { client, server } = memoryPair()
    for (let i = 0; i < 30; i++) client.send(Buffer.alloc(10_000, i))
    client.close(1000)
    let count = 0
    for await (const message of server) expect(message[0]).toBe(count++)
    expect(count).toBe(30)
    expect((await client.closed).wasClean).toBe(true)
  })

  test('by a heartbeat that nobody answers', async () => {
    const [near, far] = MemoryTransport.pair()
    const silent: TransportSink = { onData() {}, onProgress() {}, onWritten() {}, onEnd() {}, onClose() {} }
    far.start(silent)
    const socket = openSocket('client', near, { heartbeat: { interval: 20, timeout: 20 } })
    expect((await socket.closed).cause).toBe('heartbeat')
  })
})

test('openSocket speaks over any transport: what a peer would never send can be sent', async () => {
  const [near, far] = MemoryTransport.pair()
  const came: number[] = []
  far.start({
    onData: (chunk) => void came.push(...chunk),
    onProgress() {},
    onWritten() {},
    onEnd: () => far.end(),
    onClose() {},
  })
  const socket = openSocket('server', near)
  far.write(encodeFrame({ opcode: Opcode.Text, payload: Buffer.from('unmasked') }))
  const info = await socket.closed
  expect(info).toMatchObject({ cause: 'protocol-error', sent: 1002, error: { code: 'UNMASKED_FRAME' } })
  expect(came.slice(0, 4)).toEqual([0x88, 2 + 'unmasked frame'.length, 1002 >> 8, 1002 & 0xff])
})

test('options are checked', () => {
  expect(() => memoryPair({ client: { maxPayload: -1 } })).toThrow(ArgumentError)
})
