import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { type CloseInfo, type ObservedFrame, Opcode, type ServerOptions, type ServerSocket } from 'heartwire'
import { MemoryTransport, memoryPair, openSocket } from 'heartwire/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { NodeTransport } from '../../src/transport/node.ts'
import { Mailbox } from '../support/mailbox.ts'
import { closePayload, masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsClient, wsClosed, wsPair } from '../support/servers.ts'

type Ended = [socket: ServerSocket<undefined>, info: CloseInfo]

/** Two connections of one server: the handlers fail for the first, and the second is none the worse. */
async function twoPeers(options: ServerOptions<undefined>) {
  const errors = new Mailbox<unknown>()
  const closes = new Mailbox<Ended>()
  const opened = new Mailbox<ServerSocket<undefined>>()
  const { url } = await serve<undefined>({
    message: (socket, message) => void socket.send(message),
    error: (error) => errors.put(error),
    close: (socket, info) => closes.put([socket, info]),
    ...options,
    open(socket) {
      opened.put(socket)
      return options.open?.(socket)
    },
  })
  const first = await wsClient(url)
  const second = await wsClient(url)
  return { first, second, errors, closes, socket: await opened.next() }
}

describe('a handler that fails', () => {
  const boom = new Error('boom')
  const fail = () => {
    throw boom
  }
  const reject = async () => {
    await setTimeout(1)
    throw boom
  }
  const onlyFor = (text: string, handler: () => void | Promise<void>) => (_socket: unknown, message: unknown) =>
    String(message) === text ? handler() : undefined

  test.each([
    { name: 'message throws', options: { message: onlyFor('boom', fail) }, provoke: 'message' },
    { name: 'message rejects', options: { message: onlyFor('boom', reject) }, provoke: 'message' },
    { name: 'ping throws', options: { ping: onlyFor('boom', fail) }, provoke: 'ping' },
    { name: 'pong throws', options: { pong: onlyFor('boom', fail) }, provoke: 'pong' },
    { name: 'autoResponse throws', options: { autoResponse: onlyForMessage('boom', fail) }, provoke: 'message' },
  ])('$name: its socket is closed with 1011, and no other', async ({ options, provoke }) => {
    const { first, second, errors, closes, socket } = await twoPeers(options)
    const closed = wsClosed(first.client)
    if (provoke === 'message') first.client.send('boom')
    else if (provoke === 'ping') first.client.ping('boom')
    else first.client.pong('boom')
    expect(await closed).toEqual({ code: 1011, reason: 'internal error' })
    const [whose, info] = await closes.next()
    expect(whose).toBe(socket)
    // As after any failure, nothing that the peer answers is read (RFC 6455 section 7.1.7).
    expect(info).toEqual({
      code: 1006,
      reason: '',
      wasClean: false,
      initiator: 'local',
      cause: 'handler-error',
      sent: 1011,
      received: undefined,
      error: boom,
    })
    expect(errors.all).toEqual([boom])
    expect(second.client.readyState).toBe(second.client.OPEN)
    second.client.send('fine')
  })

  function onlyForMessage(text: string, handler: () => void) {
    return (message: string | Uint8Array): undefined => {
      if (message === text) handler()
      return undefined
    }
  }

  test.each([
    { name: 'throws', open: fail },
    { name: 'rejects', open: reject },
  ])('open $name: closed with 1011 before any message', async ({ open }) => {
    const errors = new Mailbox<unknown>()
    const closes = new Mailbox<CloseInfo>()
    const messages = new Mailbox<unknown>()
    const { port } = await serve({
      open,
      message: (_socket, message) => messages.put(message),
      error: errors.put,
      close: (_socket, info) => closes.put(info),
    })
    const peer = await RawPeer.open(port, {}, undefined, masked(Opcode.Text, 'early'))
    expect(await peer.closeFrame()).toEqual([1011, 'internal error'])
    peer.sendClose(1011)
    peer.stream.end()
    expect(await closes.next()).toMatchObject({ cause: 'handler-error', sent: 1011, error: boom })
    expect(errors.all).toEqual([boom])
    expect(messages.all).toEqual([])
  })

  test.each([
    { name: 'throws', close: fail },
    { name: 'rejects', close: reject },
  ])('close $name: it is reported', async ({ close }) => {
    const errors = new Mailbox<unknown>()
    const { client, socket } = await wsPair({ close, error: errors.put })
    client.close()
    expect(await errors.next()).toBe(boom)
    expect((await socket.closed).cause).toBe('peer-close')
  })

  test('drain throws', async () => {
    const errors = new Mailbox<unknown>()
    const { socket, peer } = await rawPair({ drain: fail, error: errors.put })
    peer.stream.pause()
    while (socket.send(Buffer.alloc(256 * 1024)) === 'ok');
    peer.discard()
    expect(await errors.next()).toBe(boom)
    expect(socket.state).toBe('closing')
  })

  test('anything can be thrown', async () => {
    const errors = new Mailbox<unknown>()
    const { client, socket } = await wsPair({
      message() {
        throw 'a string'
      },
      error: errors.put,
    })
    client.send('x')
    expect(await errors.next()).toBe('a string')
    expect((await socket.closed).error).toEqual(new Error('a string'))
  })

  test('error itself: printed, and the process goes on', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const worse = new Error('worse')
    const { client, socket } = await wsPair({
      message: fail,
      error() {
        throw worse
      },
    })
    client.send('x')
    expect((await socket.closed).cause).toBe('handler-error')
    expect(print.mock.calls).toEqual([[inspect(worse)]])
  })

  test('error itself, later: printed, and the process goes on', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const worse = new Error('worse')
    const { client, socket } = await wsPair({
      message: fail,
      async error() {
        throw worse
      },
    })
    client.send('x')
    expect((await socket.closed).cause).toBe('handler-error')
    expect(print.mock.calls).toEqual([[inspect(worse)]])
  })

  test('without an error handler it is printed', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const { client, socket } = await wsPair({ message: fail })
    client.send('x')
    expect((await socket.closed).cause).toBe('handler-error')
    expect(print.mock.calls).toEqual([[inspect(boom)]])
  })

  test('gets the socket beside the error', async () => {
    const errors = new Mailbox<unknown[]>()
    const { client, socket } = await wsPair({ message: fail, error: (...args) => errors.put(args) })
    client.send('x')
    const [error, whose] = await errors.next()
    expect(error).toBe(boom)
    expect(whose).toBe(socket)
  })

  test('as an asynchronous message after the connection ended: reported, nothing else', async () => {
    const errors = new Mailbox<unknown>()
    const { client, socket } = await wsPair({
      async message(socket) {
        await socket.closed
        throw boom
      },
      error: errors.put,
    })
    client.send('x')
    client.close()
    expect(await errors.next()).toBe(boom)
    expect(await socket.closed).toMatchObject({ cause: 'peer-close', error: undefined })
  })
})

describe('an asynchronous open', () => {
  test('is waited for by messages, pings and the Close frame, in order', async () => {
    const happened: string[] = []
    const closed = new Mailbox<CloseInfo>()
    let settle = () => {}
    const { port } = await serve({
      async open() {
        happened.push('open')
        await new Promise<void>((resolve) => {
          settle = resolve
        })
        happened.push('opened')
      },
      message: (_socket, message) => void happened.push(String(message)),
      ping: () => void happened.push('ping'),
      close(_socket, info) {
        happened.push('close')
        closed.put(info)
      },
    })
    const early = Buffer.concat([masked(Opcode.Text, 'a'), masked(Opcode.Ping), masked(Opcode.Text, 'b')])
    const peer = await RawPeer.open(port, {}, undefined, early)
    peer.send(Opcode.Text, 'c')
    peer.sendClose(1000)
    await setTimeout(20)
    expect(happened).toEqual(['open'])
    settle()
    expect(await peer.text()).toEqual([Opcode.Pong, ''])
    expect(await peer.closeFrame()).toEqual([1000, ''])
    peer.stream.end()
    await closed.next()
    expect(happened).toEqual(['open', 'opened', 'a', 'ping', 'b', 'c', 'close'])
  })

  test('can send, and can close, before it has settled', async () => {
    const { port } = await serve({
      async open(socket) {
        socket.send('welcome')
        socket.close(4000, 'and goodbye')
        await socket.closed
      },
    })
    const { client, messages } = await wsClient(`ws://127.0.0.1:${port}`)
    const closed = wsClosed(client)
    expect(await messages.next()).toBe('welcome')
    expect(await closed).toEqual({ code: 4000, reason: 'and goodbye' })
  })

  test('that does not settle ends by maxPause', async () => {
    const { socket } = await rawPair({ maxPause: 40, open: () => new Promise(() => {}), message() {} })
    expect(await socket.closed).toMatchObject({
      cause: 'pause-timeout',
      error: { message: 'Nothing was read for 40 ms (maxPause): the open handler has not settled.' },
    })
  })

  test('may terminate at once', async () => {
    const closes = new Mailbox<CloseInfo>()
    const { server, port } = await serve({
      open: (socket) => socket.terminate(),
      close: (_socket, info) => closes.put(info),
    })
    const peer = await RawPeer.open(port)
    await peer.end()
    expect(await closes.next()).toMatchObject({ cause: 'terminated' })
    await setTimeout(5)
    expect(closes.all).toHaveLength(1)
    expect(server.sockets.size).toBe(0)
  })
})

describe('the end of a connection is reported once', () => {
  const ends: {
    name: string
    cause: string
    code: number
    end: (pair: Awaited<ReturnType<typeof rawPair>>) => void
  }[] = [
    {
      name: 'by both at once',
      cause: 'local-close',
      code: 4001,
      end: ({ socket, peer }) => {
        socket.close(4000)
        peer.sendClose(4001)
      },
    },
    { name: 'by the peer', cause: 'peer-close', code: 4001, end: ({ peer }) => peer.sendClose(4001) },
    { name: 'by the peer, with no code', cause: 'peer-close', code: 1005, end: ({ peer }) => peer.send(Opcode.Close) },
    { name: 'by FIN', cause: 'eof', code: 1006, end: ({ peer }) => peer.stream.end() },
    { name: 'by RST', cause: 'reset', code: 1006, end: ({ peer }) => peer.stream.resetAndDestroy() },
    { name: 'by terminate', cause: 'terminated', code: 1006, end: ({ socket }) => socket.terminate() },
    {
      name: 'by close and terminate',
      cause: 'local-close',
      code: 1006,
      end: ({ socket }) => {
        socket.close()
        socket.terminate()
      },
    },
    {
      name: 'by a broken frame',
      cause: 'protocol-error',
      code: 1006,
      end: ({ peer }) => peer.write(Uint8Array.of(0xff, 0x80)),
    },
  ]

  test.each(ends)('$name', async ({ cause, code, end }) => {
    const closes = new Mailbox<unknown[]>()
    const pair = await rawPair({ close: (...args) => closes.put(args), message() {} })
    const { socket, peer, server } = pair
    const promises = [socket.closed, socket.closed]
    end(pair)
    if (!peer.stream.destroyed) {
      void peer.end().then(() => peer.stream.end())
    }
    const info = await socket.closed
    expect(info).toMatchObject({ cause, code })
    expect(await Promise.all(promises)).toEqual([info, info])
    expect(await socket.closed).toBe(info)
    expect(socket.state).toBe('closed')
    await setTimeout(10)
    expect(closes.all).toHaveLength(1)
    expect(closes.all[0]?.[0]).toBe(socket)
    expect(closes.all[0]?.[1]).toBe(info)
    expect(server.sockets.size).toBe(0)
  })

  test('a peer that ends in the middle of an answer is no error', async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    while (socket.send(Buffer.alloc(256 * 1024)) === 'ok');
    peer.stream.end()
    await setTimeout(20)
    peer.discard()
    expect(await socket.closed).toMatchObject({ cause: 'eof', code: 1006, error: undefined })
  })

  test('what was sent before the peer ended still reaches it', async () => {
    const { peer } = await rawPair({ message: (socket, message) => void socket.send(message) })
    peer.send(Opcode.Text, 'answer me')
    peer.stream.end()
    expect(await peer.text()).toEqual([Opcode.Text, 'answer me'])
    expect(await peer.rest()).toBe('')
  })
})

describe('pings and pongs of the peer', () => {
  test('are told, and pings are answered', async () => {
    const happened = new Mailbox<string>()
    const { peer } = await rawPair({
      ping: (_socket, payload) => happened.put(`ping ${Buffer.from(payload)}`),
      pong: (_socket, payload) => happened.put(`pong ${Buffer.from(payload)}`),
    })
    peer.send(Opcode.Ping, 'a')
    peer.send(Opcode.Pong, 'b')
    expect(await peer.text()).toEqual([Opcode.Pong, 'a'])
    expect(await happened.take(2)).toEqual(['ping a', 'pong b'])
  })

  test('are left to the handler where autoPong is false', async () => {
    const { peer } = await rawPair({
      autoPong: false,
      ping: (socket, payload) => socket.pong(`own ${Buffer.from(payload)}`),
    })
    peer.send(Opcode.Ping, 'a')
    expect(await peer.text()).toEqual([Opcode.Pong, 'own a'])
  })
})

describe('autoResponse', () => {
  test('answers one message without the application', async () => {
    const got = new Mailbox<unknown>()
    const { client, messages } = await wsPair({
      autoResponse: { request: 'ping', response: 'pong' },
      message: (_socket, message) => got.put(message),
    })
    client.send('ping')
    client.send(Buffer.from('ping'))
    client.send('pinga')
    expect(await messages.next()).toBe('pong')
    expect(await got.take(2)).toEqual([Buffer.from('ping'), 'pinga'])
  })

  test('answers bytes', async () => {
    const got = new Mailbox<unknown>()
    const { client, messages } = await wsPair({
      autoResponse: { request: Uint8Array.of(1), response: Uint8Array.of(2) },
      message: (_socket, message) => got.put(message),
    })
    client.send(Uint8Array.of(1))
    client.send('\x01')
    expect(await messages.next()).toEqual(Buffer.from([2]))
    expect(await got.next()).toBe('\x01')
  })

  test('answers a text where texts are bytes', async () => {
    const { client, messages } = await wsPair({
      text: 'bytes',
      autoResponse: { request: 'ping', response: 'pong' },
      message() {},
    })
    client.send('ping')
    expect(await messages.next()).toBe('pong')
  })

  test('by a function; undefined lets a message through', async () => {
    const got = new Mailbox<unknown>()
    const { client, messages } = await wsPair({
      autoResponse: (message) =>
        typeof message === 'string' && message.startsWith('?') ? message.slice(1) : undefined,
      message: (_socket, message) => got.put(message),
    })
    client.send('?who')
    client.send('through')
    expect(await messages.next()).toBe('who')
    expect(await got.next()).toBe('through')
    expect(got.all).toEqual(['through'])
  })

  test('that is not what can be sent is a fault of the application', async () => {
    const errors = new Mailbox<unknown>()
    const { client, socket } = await wsPair({
      // @ts-expect-error: what it returns is sent at once
      autoResponse: async () => 'later',
      message() {},
      error: errors.put,
    })
    client.send('x')
    expect(await errors.next()).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await socket.closed).cause).toBe('handler-error')
  })

  test('needs nobody to read the messages', async () => {
    const { client, messages, socket } = await wsPair({ autoResponse: { request: 'ping', response: 'pong' } })
    client.send('ping')
    expect(await messages.next()).toBe('pong')
    client.send('for somebody')
    expect(await socket.receive()).toBe('for somebody')
  })
})

describe("text: 'bytes'", () => {
  test('gives texts as checked bytes, with their type', async () => {
    const got = new Mailbox<unknown[]>()
    const { client, socket } = await wsPair({
      text: 'bytes',
      message: (_socket, ...args) => got.put(args),
    })
    client.send('é')
    client.send('ascii')
    client.send(Buffer.from([255]))
    expect(await got.take(3)).toEqual([
      [Buffer.from('é'), 'text'],
      [Buffer.from('ascii'), 'text'],
      [Buffer.from([255]), 'binary'],
    ])
    expect(socket.state).toBe('open')
  })

  test('what is not UTF-8 is refused all the same', async () => {
    const { peer } = await rawPair({ text: 'bytes', message() {} })
    peer.send(Opcode.Text, Buffer.from([0xff]))
    expect((await peer.closeFrame())[0]).toBe(1007)
  })
})

describe('observeFrames', () => {
  const brief = ({ direction, fin, opcode, masked, payloadLength, payload }: ObservedFrame) =>
    [direction, fin, opcode, masked, payloadLength, Buffer.from(payload).toString('latin1')] as const

  test('sees every frame in both directions, exactly', async () => {
    const frames = new Mailbox<ObservedFrame>()
    const { socket, peer } = await rawPair({
      observeFrames: (_socket, frame) => frames.put(frame),
      message: (socket, message) => void socket.send(message),
    })
    const sent = [
      masked(Opcode.Text, 'Hel', { fin: false }),
      masked(Opcode.Ping, '?'),
      masked(Opcode.Continuation, 'lo'),
      masked(Opcode.Binary, 'x'.repeat(300)),
      masked(Opcode.Close, closePayload(0x0fa1, 'done')),
    ]
    for (const frame of sent) peer.write(frame)
    for (let i = 0; i < 4; i++) await peer.frame()
    peer.stream.end()
    await socket.closed
    expect(frames.all.filter(({ direction }) => direction === 'in').map(brief)).toEqual([
      ['in', false, Opcode.Text, true, 3, 'Hel'],
      ['in', true, Opcode.Ping, true, 1, '?'],
      ['in', true, Opcode.Continuation, true, 2, 'lo'],
      ['in', true, Opcode.Binary, true, 300, 'x'.repeat(300)],
      ['in', true, Opcode.Close, true, 6, '\x0f\xa1done'],
    ])
    expect(frames.all.filter(({ direction }) => direction === 'out').map(brief)).toEqual([
      ['out', true, Opcode.Pong, false, 1, '?'],
      ['out', true, Opcode.Text, false, 5, 'Hello'],
      ['out', true, Opcode.Binary, false, 300, 'x'.repeat(300)],
      ['out', true, Opcode.Close, false, 2, '\x0f\xa1'],
    ])
    const headers = frames.all.filter(({ direction }) => direction === 'in').map(({ header }) => Buffer.from(header))
    expect(headers).toEqual(sent.map((frame, index) => Buffer.from(frame.subarray(0, headers[index]?.length))))
    expect(frames.all.every(({ rsv1, rsv2, rsv3 }) => !rsv1 && !rsv2 && !rsv3)).toBe(true)
    expect(Math.abs(Date.now() - (frames.all[0]?.time ?? 0))).toBeLessThan(10_000)
  })

  test('sees large, prepared and fragmented messages as they are', async () => {
    const frames = new Mailbox<ObservedFrame>()
    const { socket, peer } = await rawPair()
    socket.observeFrames(frames.put)
    socket.send('y'.repeat(70_000))
    await socket.sendFragments(['1', '2'])
    for (const length of [70_000, 1, 1, 0]) expect((await peer.frame()).payload).toHaveLength(length)
    expect(frames.all.map((frame) => [frame.fin, frame.opcode, frame.payloadLength, frame.payload.length])).toEqual([
      [true, Opcode.Text, 70_000, 70_000],
      [false, Opcode.Text, 1, 1],
      [false, Opcode.Continuation, 1, 1],
      [true, Opcode.Continuation, 0, 0],
    ])
  })

  test('that throws is reported, and changes nothing', async () => {
    const errors = new Mailbox<unknown>()
    const boom = new Error('boom')
    const { client, messages } = await wsPair({
      observeFrames() {
        throw boom
      },
      message: (socket, message) => void socket.send(message),
      error: errors.put,
    })
    client.send('x')
    expect(await messages.next()).toBe('x')
    expect(errors.all).toEqual([boom, boom])
  })

  test('that rejects is reported, and changes nothing', async () => {
    const errors = new Mailbox<unknown>()
    const boom = new Error('boom')
    const { client, messages } = await wsPair({
      async observeFrames() {
        throw boom
      },
      message: (socket, message) => socket.send(message),
      error: errors.put,
    })
    client.send('x')
    expect(await messages.next()).toBe('x')
    expect(errors.all).toEqual([boom, boom])
  })

  test('of a socket is beside the one of its server', async () => {
    const ofServer = new Mailbox<ObservedFrame>()
    const ofSocket = new Mailbox<ObservedFrame>()
    const { socket, client } = await wsPair({ observeFrames: (_socket, frame) => ofServer.put(frame) })
    socket.observeFrames(ofSocket.put)
    client.send('x')
    expect(await socket.receive()).toBe('x')
    expect(ofServer.all).toHaveLength(1)
    expect(ofSocket.all).toHaveLength(1)
  })
})

describe('memory', () => {
  test('bytes that were delivered are never changed afterwards', async () => {
    const got: Uint8Array[] = []
    const done = new Mailbox<number>()
    const { client } = await wsPair({
      message(_socket, message) {
        if (typeof message !== 'string' && got.push(message) === 300) done.put(300)
      },
      ping: (_socket, payload) => void got.push(payload),
    })
    const expected: Buffer[] = []
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.alloc([1, 60, 3000, 70_000][i % 4] ?? 0, i)
      expected.push(bytes)
      client.send(bytes)
      if (i % 25 === 0) await setTimeout(1)
    }
    await done.next()
    expect(got.map((bytes) => bytes.length)).toEqual(expected.map((bytes) => bytes.length))
    expect(got.every((bytes, index) => expected[index]?.equals(bytes))).toBe(true)
  })

  test('bytes that were delivered can be written to', async () => {
    const { client, messages } = await wsPair({
      message(socket, message) {
        if (typeof message === 'string') return
        socket.send(message.slice())
        message.fill(0)
      },
    })
    for (let i = 1; i < 50; i++) client.send(Buffer.alloc(i, i))
    for (let i = 1; i < 50; i++) expect(await messages.next()).toEqual(Buffer.alloc(i, i))
  })
})

describe('a transport that throws when it is written to', () => {
  const boom = new Error('boom')

  class BrokenStream extends Duplex {
    override _read(): void {}
    override _write(): void {
      throw boom
    }
  }

  class BrokenTransport extends MemoryTransport {
    override write(): boolean {
      throw boom
    }
  }

  test.each([
    { what: "a stream of the application's", make: () => new NodeTransport(new BrokenStream()) },
    { what: "a transport of the application's", make: () => new BrokenTransport() },
  ])('$what: its connection ends, and others of that turn are none the worse', async ({ make }) => {
    const errors = new Mailbox<unknown>()
    const broken = openSocket('server', make(), { error: errors.put })
    const { client, server } = memoryPair()
    expect(broken.send('lost')).toBe('ok')
    expect(server.send('hello')).toBe('ok')
    expect(await client.receive()).toBe('hello')
    expect(await broken.closed).toMatchObject({ cause: 'transport-error', code: 1006, sent: undefined, error: boom })
    expect(broken.state).toBe('closed')
    expect(errors.all).toEqual([])
  })
})
