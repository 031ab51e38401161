import { constants, deflateRawSync } from 'node:zlib'
import {
  type CloseInfo,
  connect,
  createServer,
  Opcode,
  type ServerOptions,
  type ServerSocket,
  type Socket,
  type SocketOptions,
} from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { masked, RawPeer } from '../support/raw-peer.ts'
import { json } from './messages.ts'
import { occupyThreadPool } from './pool.ts'

// What is longer than is compressed at once, or is inflated at once, is there until a test lets the thread pool go on.

type Message = string | Uint8Array
const LONG = json(400_000)
const COMPRESSION = { mode: 'takeover', threshold: 0 } as const

async function serve(options: ServerOptions<unknown> = {}) {
  const opened = new Mailbox<ServerSocket<unknown>>()
  const got = new Mailbox<Message>()
  const closed = new Mailbox<CloseInfo>()
  const server = createServer<unknown>({
    compression: COMPRESSION,
    heartbeat: false,
    message: (_, message) => got.put(message),
    close: (_, info) => closed.put(info),
    log: () => {},
    ...options,
    open: opened.put,
  })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  return { opened, got, closed, port }
}

/** Both ends of heartwire; `got` and `closed` are the server's. */
async function pair(options: ServerOptions<unknown> = {}, client: SocketOptions = {}) {
  const { opened, got, closed, port } = await serve(options)
  const texts = new Mailbox<Message>()
  const ends = new Mailbox<CloseInfo>()
  const socket: Socket = await connect(`ws://127.0.0.1:${port}`, {
    compression: COMPRESSION,
    heartbeat: false,
    message: (_, message) => texts.put(message),
    close: (_, info) => ends.put(info),
    ...client,
  })
  onTestFinished(() => socket.terminate())
  return { socket: await opened.next(), got, closed, client: socket, texts, ends, port }
}

/** A server's end, and a client that is nothing but frames. */
async function rawPair(options: ServerOptions<unknown> = {}) {
  const { opened, got, closed, port } = await serve(options)
  const peer = await RawPeer.open(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
  const send = (text: string) => peer.write(deflated(text))
  return { socket: await opened.next(), got, closed, peer, send }
}

/** A client's compressed text, for which nothing has to have gone before. */
function deflated(text: string): Uint8Array {
  const bytes = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  return masked(Opcode.Text, bytes, { rsv1: true })
}

describe('sending', () => {
  test('order is kept, pings get through, and what is buffered is counted', async () => {
    const { socket, texts } = await pair()
    const { release } = occupyThreadPool()
    const sent = ['before', LONG, 'between', json(20_000), json(70_000), 'behind']
    for (const text of sent) socket.send(text)
    expect(socket.send('last')).toBe('slow')
    expect(await texts.next()).toBe('before')
    expect(await socket.ping()).toBeGreaterThanOrEqual(0)
    const rest = [...sent.slice(1), 'last']
    expect(socket.bufferedAmount).toBe(rest.reduce((sum, text) => sum + Buffer.byteLength(text), 0))
    release()
    for (const text of rest) expect(await texts.next()).toBe(text)
    expect(socket.bufferedAmount).toBe(0)
  })

  test('drained and the drain handler wait for it', async () => {
    const drains = new Mailbox<string>()
    const { socket, texts } = await pair({ drain: () => drains.put('drain') })
    const { release } = occupyThreadPool()
    expect(socket.send(LONG)).toBe('slow')
    const drained = socket.drained().then(() => drains.put('drained'))
    expect(await socket.ping()).toBeGreaterThanOrEqual(0)
    expect(drains.all).toEqual([])
    release()
    await drained
    expect((await drains.take(2)).sort()).toEqual(['drain', 'drained'])
    expect(socket.bufferedAmount).toBe(0)
    expect(await texts.next()).toBe(LONG)
  })

  test('other sockets do not wait for it', async () => {
    const one = await pair()
    const other = await pair()
    const { release } = occupyThreadPool()
    one.socket.send(LONG)
    one.client.send(LONG)
    for (let i = 0; i < 20; i++) other.socket.send(`message ${i}`)
    expect(await other.texts.take(20)).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i}`))
    other.client.send('and back')
    expect(await other.got.next()).toBe('and back')
    expect([one.texts.all, one.got.all]).toEqual([[], []])
    release()
    expect([await one.texts.next(), await one.got.next()]).toEqual([LONG, LONG])
  })

  test('close waits for it', async () => {
    const { socket, texts, ends, closed } = await pair()
    const { release } = occupyThreadPool()
    socket.send(LONG)
    socket.send('behind')
    socket.close(4000, 'done')
    release()
    expect(await ends.next()).toMatchObject({ code: 4000, reason: 'done', wasClean: true })
    expect(texts.all).toEqual([LONG, 'behind'])
    expect(await closed.next()).toMatchObject({ cause: 'local-close', wasClean: true })
  })

  test("the peer's close does not wait for it", async () => {
    const { socket, client, texts, ends, closed } = await pair()
    const { release } = occupyThreadPool()
    socket.send(LONG)
    client.close(4000, 'enough')
    expect(await closed.next()).toMatchObject({ cause: 'peer-close', code: 4000, wasClean: true })
    expect(await ends.next()).toMatchObject({ wasClean: true })
    release()
    expect(texts.all).toEqual([])
  })

  test('terminate does not wait for it, and nothing comes later', async () => {
    const { socket, texts, ends } = await pair()
    const { release } = occupyThreadPool()
    socket.send(LONG)
    const drained = socket.drained()
    socket.terminate()
    await expect(drained).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(await ends.next()).toMatchObject({ wasClean: false })
    release()
    expect([socket.bufferedAmount, texts.all]).toEqual([0, []])
  })

  test('it counts for maxBuffered: what is sent besides is too much', async () => {
    const { socket, ends } = await pair({ maxBuffered: 500_000 })
    const { release } = occupyThreadPool()
    expect(socket.send(LONG)).toBe('slow')
    expect(socket.send(LONG)).toBe('dropped')
    expect(await ends.next()).toMatchObject({ code: 1013, reason: 'reads too slowly' })
    release()
    expect(await socket.closed).toMatchObject({ cause: 'slow-consumer' })
  })

  test('a message in fragments goes behind it', async () => {
    const { socket, texts } = await pair()
    const { release } = occupyThreadPool()
    socket.send(LONG)
    const sent = socket.sendFragments(['in ', 'fragments'])
    release()
    expect(await sent).toBe('ok')
    expect(await texts.take(2)).toEqual([LONG, 'in fragments'])
  })
})

describe('receiving', () => {
  test('order is kept behind it, and nothing is lost or comes twice', async () => {
    const { got, send, peer } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    const sent = ['before', LONG, 'between', LONG.slice(1), 'behind']
    for (const text of sent) send(text)
    peer.send(Opcode.Ping, 'ping')
    expect(await got.next()).toBe('before')
    await decoding.next()
    release()
    for (const text of sent.slice(1)) expect(await got.next()).toBe(text)
    expect(await peer.text()).toEqual([Opcode.Pong, 'ping'])
    expect(got.all).toHaveLength(5)
  })

  test('paused meanwhile: it comes with resume', async () => {
    const { socket, got, send } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    send('behind')
    expect(await got.next()).toBe('before')
    await decoding.next()
    socket.pause()
    release()
    // Another connection's comes, so this one would have.
    const other = await rawPair()
    other.send(LONG)
    expect(await other.got.next()).toBe(LONG)
    expect(got.all).toEqual(['before'])
    socket.resume()
    expect(await got.take(2)).toEqual([LONG, 'behind'])
  })

  test('it fills the queue of who pulls messages: what follows waits until it has been read', async () => {
    const opened = new Mailbox<ServerSocket<unknown>>()
    const server = createServer<unknown>({ compression: COMPRESSION, heartbeat: false, open: opened.put })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const peer = await RawPeer.open(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    const socket = await opened.next()
    const { release, decoding } = occupyThreadPool()
    const all = Buffer.concat([deflated(LONG), deflated('behind'), masked(Opcode.Ping, 'ping')])
    peer.write(all)
    await decoding.next()
    release()
    while (socket.counts.messagesIn === 0) await new Promise(setImmediate)
    // Time for what is not held back: another connection's message is decoded, and comes.
    const other = await rawPair()
    other.send(LONG)
    expect(await other.got.next()).toBe(LONG)
    expect([socket.counts.messagesIn, socket.counts.bytesIn]).toEqual([1, deflated(LONG).length])
    expect(await socket.receive()).toBe(LONG)
    expect(await socket.receive()).toBe('behind')
    expect(await peer.text()).toEqual([Opcode.Pong, 'ping'])
    expect(socket.counts.bytesIn).toBe(all.length)
  })

  test("the peer's end comes behind it", async () => {
    const { got, closed, send, peer } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    send('behind')
    peer.stream.end()
    expect(await got.next()).toBe('before')
    await decoding.next()
    release()
    expect(await closed.next()).toMatchObject({ cause: 'eof', wasClean: false })
    expect(got.all).toEqual(['before', LONG, 'behind'])
  })

  test("the peer's Close frame comes behind it", async () => {
    const { got, closed, send, peer } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    peer.sendClose(4000, 'done')
    expect(await got.next()).toBe('before')
    await decoding.next()
    release()
    expect(await closed.next()).toMatchObject({ cause: 'peer-close', code: 4000, wasClean: true })
    expect(got.all).toEqual(['before', LONG])
  })

  test('close: it still comes, and then the answer to the Close frame', async () => {
    const { socket, got, closed, send, peer } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    expect(await got.next()).toBe('before')
    await decoding.next()
    socket.close(4000)
    expect(await peer.closeFrame()).toEqual([4000, ''])
    peer.sendClose(4000)
    release()
    expect(await closed.next()).toMatchObject({ cause: 'local-close', wasClean: true })
    expect(got.all).toEqual(['before', LONG])
  })

  test('terminate: it never comes', async () => {
    const { socket, got, closed, send } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    expect(await got.next()).toBe('before')
    await decoding.next()
    socket.terminate()
    expect(await closed.next()).toMatchObject({ cause: 'terminated' })
    release()
    const other = await rawPair()
    other.send(LONG)
    expect(await other.got.next()).toBe(LONG)
    expect(got.all).toEqual(['before'])
  })

  test('failed meanwhile: what still comes is discarded, so that the Close frame is not destroyed by a reset', async () => {
    const { got, closed, send, peer } = await rawPair({
      message(_, message) {
        got.put(message)
        return new Promise((_, reject) => {
          fail = () => reject(new Error('failed'))
        })
      },
      error() {},
    })
    let fail = () => {}
    const { decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    expect(await got.next()).toBe('before')
    await decoding.next()
    // More than the kernel keeps for one who does not read.
    const flood = Buffer.alloc(1024 * 1024)
    for (let i = 0; i < 16; i++) peer.write(flood)
    const gone = new Promise((resolve) => peer.stream.write(flood, resolve))
    fail()
    expect(await peer.closeFrame()).toEqual([1011, 'internal error'])
    await gone
    peer.stream.end()
    expect(await closed.next()).toMatchObject({ cause: 'handler-error', sent: 1011 })
    expect(peer.error).toBeUndefined()
  })

  test('maxPayload lowered meanwhile holds for the next one', async () => {
    const { socket, got, closed, send } = await rawPair()
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    expect(await got.next()).toBe('before')
    await decoding.next()
    socket.setLimits({ maxPayload: 1_000 })
    release()
    expect(await got.next()).toBe(LONG)
    send(LONG)
    expect(await closed.next()).toMatchObject({ cause: 'message-too-large', sent: 1009 })
  })

  test('a peer whose message waits for the thread pool is not judged dead meanwhile', async () => {
    const { socket, got, send } = await rawPair({ heartbeat: { interval: 100, timeout: 100 } })
    const { release, decoding } = occupyThreadPool()
    send('before')
    send(LONG)
    expect(await got.next()).toBe('before')
    await decoding.next()
    while (socket.aliveFor !== Number.POSITIVE_INFINITY) await new Promise(setImmediate)
    release()
    expect(await got.next()).toBe(LONG)
    expect(socket.aliveFor).toBeLessThanOrEqual(200)
  })
})

test('what waits for the thread pool goes with its connection', async () => {
  const { release, decoding } = occupyThreadPool()
  const { socket, got, closed, send, peer } = await rawPair()
  send('before')
  send(LONG)
  expect(await got.next()).toBe('before')
  await decoding.next()
  peer.stream.resetAndDestroy()
  // Nothing is read meanwhile, so that is noticed when something is sent.
  while (closed.all.length === 0) {
    socket.send('noticed')
    await new Promise(setImmediate)
  }
  expect(await closed.next()).toMatchObject({ cause: 'reset' })
  release()
  expect(got.all).toEqual(['before'])
})
