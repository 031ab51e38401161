import { type CompressionMode, connect, createServer, prepare, type ServerSocket, type SocketOptions } from 'heartwire'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Deflate } from '../../src/compression/deflate.ts'
import { Mailbox } from '../support/mailbox.ts'
import { json, noise } from './messages.ts'

type Message = string | Uint8Array

/** A frame with a message or a part of one. */
interface DataFrame {
  rsv1: boolean
  opcode: number
  length: number
}

/** Connected ends of heartwire; what the server's end sends, as frames. */
async function pair(server: SocketOptions = {}, client: SocketOptions = {}) {
  const opened = new Mailbox<ServerSocket<unknown>>()
  const got = new Mailbox<Message>()
  const one = createServer({
    compression: { mode: 'takeover', threshold: 0 },
    ...server,
    open: opened.put,
    message: (_, message) => got.put(message),
  })
  onTestFinished(async () => void (await one.close({ deadline: 1 })))
  const { port } = await one.listen({ port: 0, host: '127.0.0.1' })
  const frames = new Mailbox<DataFrame>()
  const socket = await connect(`ws://127.0.0.1:${port}`, {
    compression: { mode: 'takeover', threshold: 0 },
    ...client,
    observeFrames(_, { direction, rsv1, opcode, payloadLength }) {
      if (direction === 'in' && opcode < 8) frames.put({ rsv1, opcode, length: payloadLength })
    },
  })
  onTestFinished(() => socket.terminate())
  return { server: one, socket: await opened.next(), got, client: socket, frames }
}

afterEach(() => void vi.restoreAllMocks())

describe('what is compressed', () => {
  test('a message from the threshold on; not one with compress: false, nor what would not become smaller', async () => {
    const { socket, client, frames } = await pair({ compression: { mode: 'takeover', threshold: 500 } })
    const sent: Message[] = ['a'.repeat(499), 'b'.repeat(500), json(2_000), noise(1_000), json(30_000), noise(30_000)]
    for (const message of sent) socket.send(message)
    socket.send(json(2_000), { compress: false })
    socket.send(json(30_000), { compress: false })
    for (const message of [...sent, json(2_000), json(30_000)]) {
      expect(Buffer.from(await client.receive()).equals(Buffer.from(message))).toBe(true)
    }
    expect((await frames.take(8)).map(({ rsv1 }) => rsv1)).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
      false,
      false,
    ])
  })

  test('a message in fragments is sent as it is', async () => {
    const { socket, client, frames } = await pair()
    await socket.sendFragments([json(1_000), json(2_000)])
    socket.send(json(1_000))
    expect(await client.receive()).toBe(json(1_000) + json(2_000))
    expect(await client.receive()).toBe(json(1_000))
    expect((await frames.take(4)).map(({ rsv1 }) => rsv1)).toEqual([false, false, false, true])
  })

  test('an automatic answer', async () => {
    const response = json(1_000)
    const { client, frames } = await pair({ autoResponse: { request: json(500), response } })
    client.send(json(500))
    expect(await client.receive()).toBe(response)
    expect(await frames.next()).toMatchObject({ rsv1: true })
  })

  test('nothing, where one end has it off', async () => {
    for (const [server, client] of [
      ['off', 'takeover'],
      ['takeover', 'off'],
    ] as const) {
      const ends = await pair({ compression: server }, { compression: client })
      expect([ends.socket.extensions, ends.client.extensions]).toEqual(['', ''])
      ends.socket.send('a'.repeat(5_000))
      expect(await ends.client.receive()).toBe('a'.repeat(5_000))
      expect(await ends.frames.next()).toEqual({ rsv1: false, opcode: 1, length: 5_000 })
    }
  })
})

describe('what has come', () => {
  test.each([3_000, 600_000])("text 'bytes', a Buffer of its own: %i bytes", async (size) => {
    const { socket, client } = await pair({}, { text: 'bytes' })
    const message = json(size)
    socket.send(message)
    socket.send(message)
    const [one, other] = [await client.receive(), await client.receive()]
    for (const bytes of [one, other]) expect(bytes).toBeInstanceOf(Buffer)
    expect((one as Buffer).equals(Buffer.from(message))).toBe(true)
    ;(one as Buffer).fill(0)
    expect((other as Buffer).equals(Buffer.from(message))).toBe(true)
  })

  test('is read as a stream in one piece', async () => {
    const { socket, client } = await pair()
    for (const message of [json(3_000), json(600_000)]) {
      const stream = client.receiveStream()
      socket.send(message)
      const pieces: Uint8Array[] = []
      for await (const piece of await stream) pieces.push(Buffer.from(piece))
      expect(Buffer.concat(pieces).equals(Buffer.from(message))).toBe(true)
      expect(pieces).toHaveLength(1)
    }
  })
})

describe('publish', () => {
  /** Servers' sockets of all modes, subscribed to one topic, and what their clients get. */
  async function members(modes: CompressionMode[]) {
    const subscribed = new Mailbox<unknown>()
    const open = (socket: ServerSocket<unknown>) => {
      socket.subscribe('topic')
      subscribed.put(socket)
    }
    const server = createServer({ compression: 'off', open })
    server.route('/shared', { compression: { mode: 'shared', threshold: 0 }, open })
    server.route('/takeover', { compression: { mode: 'takeover', threshold: 0 }, open })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const clients = await Promise.all(
      modes.map(async (mode) => {
        const got = new Mailbox<Message>()
        const socket = await connect(`ws://127.0.0.1:${port}/${mode}`, { message: (_, message) => got.put(message) })
        onTestFinished(() => socket.terminate())
        return { socket, got }
      }),
    )
    await subscribed.reach(modes.length)
    return { server, clients, sockets: subscribed.all as ServerSocket<unknown>[] }
  }

  test.each([2_000, 60_000])('to sockets of all modes compresses %i bytes once', async (size) => {
    const atOnce = vi.spyOn(Deflate.prototype, 'compress')
    const later = vi.spyOn(Deflate.prototype, 'compressLater')
    const { server, clients } = await members(['shared', 'takeover', 'off', 'takeover', 'shared', 'off'])
    const messages = [1, 2, 3].map((seed) => json(size, seed))
    for (const message of messages) expect(server.publish('topic', message)).toBe(6)
    for (const { got } of clients) expect(await got.take(3)).toEqual(messages)
    expect(atOnce.mock.calls.length + later.mock.calls.length).toBe(3)
    expect((size > 16_384 ? later : atOnce).mock.calls.length).toBe(3)
    const bytes = clients.map(({ socket }) => socket.counts.bytesIn)
    expect(bytes[2]).toBeGreaterThan(3 * size)
    for (const i of [0, 1, 3, 4]) expect(bytes[i]).toBe(bytes[0])
    expect(bytes[0]).toBeLessThan(1.5 * size)
  })

  test('with compress: false nothing is, and what each gets of its own besides refers to what it has', async () => {
    const atOnce = vi.spyOn(Deflate.prototype, 'compress')
    const { server, clients, sockets } = await members(['takeover', 'shared', 'takeover'])
    server.publish('topic', json(2_000), { compress: false })
    for (const { got } of clients) expect(await got.next()).toBe(json(2_000))
    expect(atOnce).not.toHaveBeenCalled()
    const message = prepare(json(2_000, 2))
    server.publish('topic', message)
    for (const socket of sockets) {
      socket.send(message)
      socket.send(json(1_000, 2))
      socket.send(json(30_000, 3))
    }
    for (const { got } of clients) {
      expect(await got.take(4)).toEqual([json(2_000, 2), json(2_000, 2), json(1_000, 2), json(30_000, 3)])
    }
    // The message once, and one of each.
    expect(atOnce).toHaveBeenCalledTimes(1 + sockets.length)
  })

  test("keys: what waits is replaced before it is compressed ('coalesce')", async () => {
    const subscribed = new Mailbox<ServerSocket<unknown>>()
    const server = createServer({
      compression: { mode: 'takeover', threshold: 0 },
      overflow: 'coalesce',
      open(socket) {
        socket.subscribe('topic')
        subscribed.put(socket)
      },
    })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const client = await connect(`ws://127.0.0.1:${port}`)
    onTestFinished(() => client.terminate())
    const socket = await subscribed.next()
    socket.send(json(60_000))
    for (let seed = 1; seed <= 9; seed++) server.publish('topic', json(1_000, seed), { key: 'price' })
    server.publish('topic', 'last', { key: 'other' })
    expect([await client.receive(), await client.receive(), await client.receive()]).toEqual([
      json(60_000),
      json(1_000, 9),
      'last',
    ])
    expect(socket.counts.coalesced).toBe(8)
  })
})
