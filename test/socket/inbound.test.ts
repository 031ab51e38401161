import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type CloseInfo,
  type DroppedMessage,
  type Handlers,
  type Limits,
  Opcode,
  type RateLimit,
  RateLimitError,
  type ServerSocket,
  TimeoutError,
} from 'heartwire'
import { memoryPair, openSocket, type Transport, type TransportSink } from 'heartwire/testing'
import { describe, expect, test } from 'vitest'
import { currentContext } from '../../src/socket/context.ts'
import { connectionOptions, Link } from '../../src/socket/link.ts'
import { resolveBehaviour, SERVER_DEFAULTS } from '../../src/socket/options.ts'
import { Socket } from '../../src/socket/socket.ts'
import { reversed, SlowCodec } from '../protocol/slow-codec.ts'
import { Mailbox } from '../support/mailbox.ts'
import { masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsClosed, wsPair } from '../support/servers.ts'

/** Frames of text messages in one chunk. */
function texts(...messages: string[]): Uint8Array {
  return Buffer.concat(messages.map((message) => masked(Opcode.Text, message)))
}

/** A handler whose calls are settled by hand. */
class Gate {
  readonly begun = new Mailbox<string>()
  private readonly open: (() => void)[] = []

  readonly message = (_socket: unknown, message: unknown): Promise<void> => {
    this.begun.put(String(message))
    return new Promise((resolve) => this.open.push(resolve))
  }

  settle(): void {
    this.open.shift()?.()
  }
}

describe('serial', () => {
  test('awaits a handler before the next message of the same socket', async () => {
    const gate = new Gate()
    const { peer } = await rawPair({ serial: true, message: gate.message })
    peer.write(texts('1', '2'))
    peer.write(texts('3'))
    for (const message of ['1', '2', '3']) {
      expect(await gate.begun.next()).toBe(message)
      await new Promise(setImmediate)
      expect(gate.begun.all.at(-1)).toBe(message)
      gate.settle()
    }
  })

  test('without it handlers run as messages come', async () => {
    const gate = new Gate()
    const { peer } = await rawPair({ message: gate.message })
    peer.write(texts('1', '2', '3'))
    expect(await gate.begun.take(3)).toEqual(['1', '2', '3'])
  })

  test('holds the peer back through TCP, behind one chunk', async () => {
    const gate = new Gate()
    const { peer, socket } = await rawPair({ serial: true, message: gate.message })
    const before = socket.counts.bytesIn
    peer.write(texts('first'))
    expect(await gate.begun.next()).toBe('first')
    // The kernels on both sides take some of it; the rest stays with the peer.
    const flood = texts(...Array.from({ length: 64 }, () => 'x'.repeat(256 * 1024)))
    peer.write(flood)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(peer.stream.writableLength).toBeGreaterThan(0)
    expect(gate.begun.all.length).toBe(1)
    expect(socket.counts.bytesIn - before).toBe(texts('first').length)
    gate.settle()
    expect((await gate.begun.next()).length).toBe(256 * 1024)
  })

  test('does not hold other sockets back', async () => {
    const gate = new Gate()
    const { port } = await serve({ serial: true, message: gate.message })
    const first = await RawPeer.open(port)
    const second = await RawPeer.open(port)
    first.write(texts('of the first', 'waits'))
    expect(await gate.begun.next()).toBe('of the first')
    second.write(texts('of the second'))
    expect(await gate.begun.next()).toBe('of the second')
  })

  test('a handler that rejects closes with 1011, and the next message is not handled', async () => {
    const errors = new Mailbox<unknown>()
    const seen: string[] = []
    const { peer } = await rawPair({
      serial: true,
      async message(_socket, message) {
        seen.push(String(message))
        throw new Error('boom')
      },
      error: (error) => errors.put(error),
    })
    peer.write(texts('1', '2'))
    expect(await peer.closeFrame()).toEqual([1011, 'internal error'])
    expect(await errors.next()).toEqual(new Error('boom'))
    expect(seen).toEqual(['1'])
  })

  test('everything is delivered before the end of a peer that has gone meanwhile', async () => {
    const seen: string[] = []
    const closed = new Mailbox<CloseInfo>()
    const { peer } = await rawPair({
      serial: true,
      async message(_socket, message) {
        await new Promise(setImmediate)
        seen.push(String(message))
      },
      close: (_socket, info) => closed.put(info),
    })
    peer.write(texts('1', '2', '3'))
    peer.stream.end()
    expect((await closed.next()).cause).toBe('eof')
    expect(seen).toEqual(['1', '2', '3'])
  })

  test('handlers do not overlap while the connection closes either, when nothing can be held back', async () => {
    const gate = new Gate()
    const { peer, socket } = await rawPair({ serial: true, message: gate.message })
    socket.close()
    expect(await peer.closeFrame()).toEqual([1000, ''])
    peer.write(texts('1', '2'))
    peer.sendClose(1000)
    expect(await socket.closed).toMatchObject({ received: 1000, wasClean: true })
    expect(gate.begun.all).toEqual(['1'])
  })

  test('a handler that never settles ends the connection after maxPause', async () => {
    const closed = new Mailbox<CloseInfo>()
    const { peer } = await rawPair({
      serial: true,
      maxPause: 50,
      message: () => new Promise(() => {}),
      close: (_socket, info) => closed.put(info),
    })
    peer.write(texts('1'))
    expect(await peer.closeFrame()).toEqual([1011, 'paused for too long'])
    peer.stream.end()
    const { cause, error } = await closed.next()
    expect(cause).toBe('pause-timeout')
    expect(error?.message).toBe('Nothing was read for 50 ms (maxPause): the message handler has not settled (serial).')
  })
})

test('what was held back is delivered before the end, also when a handler pauses and resumes at once', async () => {
  const seen: string[] = []
  let sink: TransportSink | undefined
  const nothing = () => {}
  const taken = () => true
  const transport: Transport = {
    remoteAddress: undefined,
    start: (given) => {
      sink = given
    },
    pause: nothing,
    resume: nothing,
    write: taken,
    writeAll: taken,
    end: nothing,
    destroy: nothing,
  }
  const socket = openSocket('server', transport, {
    message(socket, message) {
      seen.push(String(message))
      socket.pause()
      if (seen.length > 1) socket.resume()
    },
  })
  sink?.onData(texts('1', '2', '3'))
  sink?.onClose(false, Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
  expect(seen).toEqual(['1'])
  socket.resume()
  expect(await socket.closed).toMatchObject({ cause: 'transport-error' })
  expect(seen).toEqual(['1', '2', '3'])
})

describe('messageRate', () => {
  test("'wait' delivers them all, no faster than the rate", async () => {
    const arrived: number[] = []
    const done = new Mailbox<number>()
    const { peer, socket } = await rawPair({
      messageRate: { perSecond: 50, burst: 5 },
      message() {
        arrived.push(performance.now())
        if (arrived.length === 10) done.put(10)
      },
    })
    peer.write(texts(...Array.from({ length: 10 }, (_, index) => String(index))))
    await done.next()
    // The burst came at once, and five more take a tenth of a second: never less, however busy the machine.
    expect(arrived[9]! - arrived[4]!).toBeGreaterThan(75)
    expect(socket.counts).toMatchObject({ messagesIn: 10, dropped: { 'message-rate': 0 } })
    expect(socket.state).toBe('open')
  })

  test("'drop' drops what is over, and says so", async () => {
    const seen: string[] = []
    const dropped = new Mailbox<DroppedMessage>()
    const { peer, socket } = await rawPair({
      messageRate: { perSecond: 0.001, burst: 2, over: 'drop' },
      message: (_socket, message) => void seen.push(String(message)),
      dropped: (_socket, message) => dropped.put(message),
    })
    peer.write(Buffer.concat([texts('1', '2', '3'), masked(Opcode.Binary, Buffer.from([4]))]))
    expect(await dropped.take(2)).toEqual([
      { direction: 'in', why: 'message-rate', data: '3', type: 'text' },
      { direction: 'in', why: 'message-rate', data: Buffer.from([4]), type: 'binary' },
    ])
    expect(seen).toEqual(['1', '2'])
    expect(socket.counts).toMatchObject({ messagesIn: 4, dropped: { 'message-rate': 2 } })
  })

  test("'close' closes with 1008", async () => {
    const closed = new Mailbox<CloseInfo>()
    const { peer } = await rawPair({
      messageRate: { perSecond: 0.001, burst: 2, over: 'close' },
      message() {},
      close: (_socket, info) => closed.put(info),
    })
    peer.write(texts('1', '2', '3'))
    expect(await peer.closeFrame()).toEqual([1008, 'sends too much'])
    peer.stream.end()
    const { cause, error } = await closed.next()
    expect(cause).toBe('rate-limit')
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error?.message).toBe(
      'The peer sends too many messages: more than 0.001 in a second and 2 at once (messageRate).',
    )
  })

  test('can be set on an open socket, and taken away', async () => {
    const opened = new Mailbox<ServerSocket>()
    const seen = new Mailbox<string>()
    const { port } = await serve({
      open: (socket) => opened.put(socket),
      message: (_socket, message) => seen.put(String(message)),
    })
    const peer = await RawPeer.open(port)
    const socket = await opened.next()
    socket.setLimits({ messageRate: { perSecond: 0.001, burst: 1, over: 'drop' } })
    peer.write(texts('1', '2'))
    peer.write(masked(Opcode.Ping, 'seen'))
    expect(await peer.text()).toEqual([Opcode.Pong, 'seen'])
    socket.setLimits({ messageRate: false })
    peer.write(texts('3'))
    expect(await seen.take(2)).toEqual(['1', '3'])
  })

  test('holds for messages that are pulled as well', async () => {
    const { client, server } = memoryPair({ server: { messageRate: { perSecond: 50, burst: 1 } } })
    for (const text of ['1', '2', '3']) client.send(text)
    const before = performance.now()
    expect([await server.receive(), await server.receive(), await server.receive()]).toEqual(['1', '2', '3'])
    expect(performance.now() - before).toBeGreaterThan(20)
  })
})

describe('byteRate', () => {
  test('a message larger than the burst is late for the next one, and not refused', async () => {
    const arrived: [string, number][] = []
    const done = new Mailbox<void>()
    const { peer } = await rawPair({
      byteRate: { perSecond: 10_000, burst: 100 },
      message(_socket, message) {
        arrived.push([String(message).slice(0, 5), performance.now()])
        if (arrived.length === 2) done.put()
      },
    })
    peer.write(texts('large'.padEnd(1100, '.'), 'small'))
    await done.next()
    expect(arrived.map(([text]) => text)).toEqual(['large', 'small'])
    // 1,000 bytes of debt at 10,000 a second.
    expect(arrived[1]![1] - arrived[0]![1]).toBeGreaterThan(95)
  })

  test('counts the bytes of a text, not its characters', async () => {
    const seen: string[] = []
    const dropped = new Mailbox<DroppedMessage>()
    const { peer } = await rawPair({
      byteRate: { perSecond: 0.001, burst: 9, over: 'drop' },
      message: (_socket, message) => void seen.push(String(message)),
      dropped: (_socket, message) => dropped.put(message),
    })
    peer.write(texts('€€€', 'x'))
    expect(await dropped.next()).toEqual({ direction: 'in', why: 'byte-rate', data: 'x', type: 'text' })
    expect(seen).toEqual(['€€€'])
  })

  test("'close' says how many bytes a peer may send", async () => {
    const { peer, socket } = await rawPair({ byteRate: { perSecond: 0.001, burst: 50, over: 'close' }, message() {} })
    peer.write(texts('x'.repeat(50), 'y'))
    expect(await peer.closeFrame()).toEqual([1008, 'sends too much'])
    peer.stream.end()
    const { error } = await socket.closed
    expect(error?.message).toBe('The peer sends too many bytes: more than 0.001 in a second and 50 at once (byteRate).')
  })

  test('counts a message that is read in pieces', async () => {
    const { client, server } = memoryPair({ server: { byteRate: { perSecond: 1_000_000, burst: 1000 } } })
    const stream = server.receiveStream()
    const sent = Buffer.alloc(60_000, 7)
    client.send(sent)
    client.send('next')
    const pieces: Uint8Array[] = []
    for await (const piece of await stream) pieces.push(Buffer.from(piece))
    const before = performance.now()
    expect(Buffer.concat(pieces)).toEqual(sent)
    expect(await server.receive()).toBe('next')
    expect(performance.now() - before).toBeGreaterThan(30)
  })
})

describe('a rate that is set on an open socket', () => {
  test.each([
    { to: 'false', rate: false as const },
    { to: 'a higher one', rate: { perSecond: 1_000_000 } },
  ])('to $to: what waits for the old one does no longer', async ({ rate }) => {
    const seen = new Mailbox<string>()
    const { peer, socket } = await rawPair({
      messageRate: { perSecond: 0.001, burst: 1 },
      byteRate: { perSecond: 0.001, burst: 1 },
      message: (_socket, message) => seen.put(String(message)),
    })
    peer.write(texts('1', '2', '3'))
    expect(await seen.next()).toBe('1')
    socket.setLimits({ messageRate: rate })
    socket.setLimits({ byteRate: rate })
    expect(await seen.take(2)).toEqual(['2', '3'])
    expect(socket.aliveFor).toBeLessThan(Number.POSITIVE_INFINITY)
  })
})

describe.each(['messageRate', 'byteRate'])('%s for messages that are read in pieces', (name) => {
  test("'close' closes with 1008", async () => {
    const { client, server } = memoryPair({ server: { [name]: { perSecond: 0.001, burst: 1, over: 'close' } } })
    const first = server.receiveStream()
    client.send('1')
    for await (const piece of await first) expect(piece).toBe('1')
    const second = server.receiveStream()
    client.send('2')
    await expect(second).rejects.toThrow('sent 1008')
    expect(await client.closed).toMatchObject({ received: 1008, reason: 'sends too much' })
  })
})

test("byteRate with 'close' lets a message that has begun in pieces end, however long", async () => {
  const { client, server } = memoryPair({ server: { byteRate: { perSecond: 0.001, burst: 1000, over: 'close' } } })
  const stream = server.receiveStream()
  client.send(Buffer.alloc(200_000))
  let bytes = 0
  for await (const piece of await stream) bytes += piece.length
  expect(bytes).toBe(200_000)
  client.send('one more')
  expect(await server.closed).toMatchObject({ cause: 'rate-limit', sent: 1008 })
})

test('setLimits refuses a limit that there is not', () => {
  const { server } = memoryPair()
  expect(() => server.setLimits({ maxPayLoad: 1 } as Limits)).toThrow(
    'There is no option "maxPayLoad" of setLimits. Did you mean maxPayload?',
  )
})

describe('controlRate', () => {
  test('a flood of pings is closed with 1008 by default', async () => {
    const closed = new Mailbox<CloseInfo>()
    const { peer, socket } = await rawPair({ message() {}, close: (_socket, info) => closed.put(info) })
    peer.write(Buffer.concat(Array.from({ length: 5000 }, () => masked(Opcode.Ping, 'p'))))
    await peer.until(() => peer.bytes.includes('sends too much') || undefined)
    peer.stream.end()
    const { cause, sent, error } = await closed.next()
    expect({ cause, sent }).toEqual({ cause: 'rate-limit', sent: 1008 })
    expect(error?.message).toBe(
      'The peer sends too many pings and pongs: more than 100 in a second and 1000 at once (controlRate).',
    )
    expect(socket.state).toBe('closed')
  })

  test.each([
    ['pings', Opcode.Ping],
    ['pongs that nobody asked for', Opcode.Pong],
  ])('counts %s', async (_name, opcode) => {
    const { peer } = await rawPair({ controlRate: { perSecond: 0.001, burst: 3 }, autoPong: false, message() {} })
    peer.write(Buffer.concat(Array.from({ length: 4 }, () => masked(opcode, 'p'))))
    expect(await peer.closeFrame()).toEqual([1008, 'sends too much'])
  })

  test('has no policy but to close', () => {
    const controlRate: RateLimit = { perSecond: 1, over: 'drop' }
    expect(() => memoryPair({ server: { controlRate } })).toThrow(`The option controlRate.over is 'close', not "drop".`)
  })

  test('false lets the peer send any number', async () => {
    const pings = new Mailbox<unknown>()
    const { peer } = await rawPair({ controlRate: false, autoPong: false, ping: () => pings.put(1), message() {} })
    peer.write(Buffer.concat(Array.from({ length: 5000 }, () => masked(Opcode.Ping, 'p'))))
    await pings.reach(5000)
  })
})

describe('maxLifetime', () => {
  test('closes with 1001 when the connection has lasted for so long', async () => {
    const { client, socket } = await wsPair({ maxLifetime: 50, message() {} })
    expect(await wsClosed(client)).toEqual({ code: 1001, reason: 'connected for long enough' })
    expect(await socket.closed).toMatchObject({ cause: 'max-lifetime', wasClean: true, initiator: 'local' })
  })

  test('is reached between nine tenths of it and all of it, each connection at another time', async () => {
    const began = performance.now()
    const lives = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { client } = memoryPair({ server: { maxLifetime: 2000 } })
        await client.closed
        return performance.now() - began
      }),
    )
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(1800)
    // Two of them may meet by chance, all of them cannot.
    expect(new Set(lives.map(Math.floor)).size).toBeGreaterThan(1)
  })

  test('can be set on an open socket, from when it counts', async () => {
    const { client, server } = memoryPair({ server: { message() {} } })
    server.setLimits({ maxLifetime: 40 })
    expect(await client.closed).toMatchObject({ received: 1001 })
  })
})

describe('idleBeforeFirstMessage', () => {
  test('closes with 1008 who says nothing', async () => {
    const { client, socket } = await wsPair({ idleBeforeFirstMessage: 50, message() {} })
    client.ping()
    expect(await wsClosed(client)).toEqual({ code: 1008, reason: 'no message came' })
    const { cause, error } = await socket.closed
    expect(cause).toBe('no-message')
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      code: 'NO_MESSAGE',
      message: 'The peer sent no message within 50 ms (idleBeforeFirstMessage).',
    })
  })

  test('does not count while nothing is read because open has not settled', async () => {
    const seen = new Mailbox<unknown>()
    const { client, server } = memoryPair({
      server: {
        idleBeforeFirstMessage: 40,
        open: () => new Promise((resolve) => setTimeout(resolve, 150)),
        message: (_socket, message) => seen.put(message),
      },
    })
    client.send('in good time')
    expect(await Promise.race([seen.next(), server.closed])).toBe('in good time')
  })

  test('counts on after a pause', async () => {
    const { client, server } = memoryPair({ server: { idleBeforeFirstMessage: 40, message() {} } })
    server.pause()
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(server.state).toBe('open')
    server.resume()
    expect(await client.closed).toMatchObject({ received: 1008, reason: 'no message came' })
  })

  test('leaves alone who has said something', async () => {
    const { client, server } = memoryPair({ server: { idleBeforeFirstMessage: 40, maxLifetime: 150, message() {} } })
    client.send('here I am')
    expect((await server.closed).cause).toBe('max-lifetime')
  })
})

describe('the AsyncLocalStorage context of handlers', () => {
  const storage = new AsyncLocalStorage<string>()

  /** What each handler finds, by name. */
  async function contextsOf(asyncContext: 'server' | 'upgrade'): Promise<Record<string, string | undefined>> {
    const found: Record<string, string | undefined> = {}
    const note = (name: string) => {
      found[name] = storage.getStore()
    }
    const closed = new Mailbox<void>()
    const { port } = await storage.run('createServer', () =>
      serve({
        asyncContext,
        maxBuffered: 10_000_000,
        upgrade: () => void storage.enterWith('upgrade'),
        open: () => note('open'),
        message: () => note('message'),
        ping: () => note('ping'),
        pong: () => note('pong'),
        drain: () => note('drain'),
        dropped: () => note('dropped'),
        observeFrames: (_socket, { direction }) => note(`frame ${direction}`),
        close(socket) {
          note('close')
          closed.put()
          expect(socket.counts.messagesIn).toBe(2)
        },
        messageRate: { perSecond: 0.001, burst: 1, over: 'drop' },
      }),
    )
    const peer = await storage.run('client', () => RawPeer.open(port))
    peer.write(Buffer.concat([texts('1', '2'), masked(Opcode.Ping), masked(Opcode.Pong)]))
    peer.sendClose(1000)
    await closed.next()
    return found
  }

  test("is that of 'createServer'", async () => {
    expect(await contextsOf('server')).toEqual({
      open: 'createServer',
      message: 'createServer',
      dropped: 'createServer',
      ping: 'createServer',
      pong: 'createServer',
      close: 'createServer',
      'frame in': 'createServer',
      'frame out': 'createServer',
    })
  })

  test("is that of 'upgrade' where that is asked for", async () => {
    expect(await contextsOf('upgrade')).toEqual({
      open: 'upgrade',
      message: 'upgrade',
      dropped: 'upgrade',
      ping: 'upgrade',
      pong: 'upgrade',
      close: 'upgrade',
      'frame in': 'upgrade',
      'frame out': 'upgrade',
    })
  })

  test('is not changed for others by a handler that enters another', async () => {
    const found = new Mailbox<string | undefined>()
    const { port } = await storage.run('createServer', () =>
      serve({
        message(_socket, message) {
          found.put(storage.getStore())
          storage.enterWith(String(message))
        },
      }),
    )
    const ann = await RawPeer.open(port)
    const bob = await RawPeer.open(port)
    ann.write(texts('ann'))
    expect(await found.next()).toBe('createServer')
    bob.write(texts('bob'))
    expect(await found.next()).toBe('createServer')
    const later = await RawPeer.open(port)
    later.write(texts('later'))
    expect(await found.next()).toBe('createServer')
  })

  test('is the same for what is delivered, drained or closed by somebody else', async () => {
    const found: [string, string | undefined][] = []
    const { client, server } = storage.run('pair', () =>
      memoryPair({
        server: {
          message: () => void found.push(['message', storage.getStore()]),
          drain: () => void found.push(['drain', storage.getStore()]),
          close: () => void found.push(['close', storage.getStore()]),
          observeFrames: (_socket, { direction }) => {
            if (direction === 'out') found.push(['frame', storage.getStore()])
          },
        },
      }),
    )
    await storage.run('elsewhere', async () => {
      server.pause()
      client.send('held')
      client.pause()
      server.send(Buffer.alloc(100_000))
      await new Promise(setImmediate)
      server.resume()
      client.resume()
      await server.drained()
      client.close()
      await server.closed
    })
    expect(found).toEqual([
      ['frame', 'pair'],
      ['message', 'pair'],
      ['drain', 'pair'],
      ['frame', 'pair'],
      ['close', 'pair'],
    ])
  })
})

describe('the end of the transport, told while a message is being decoded', () => {
  /** A connection with a codec that takes as long as the test wants, over a transport that does what the test does. */
  function decoding(handlers: Handlers<Socket> = {}) {
    let sink: TransportSink | undefined
    const transport: Transport = {
      remoteAddress: undefined,
      start(given) {
        sink = given
      },
      pause() {},
      resume() {},
      write: () => true,
      writeAll: () => true,
      end() {},
      destroy() {},
    }
    const codec = new SlowCodec()
    const behaviour = resolveBehaviour({ heartbeat: false }, SERVER_DEFAULTS)
    const connection = connectionOptions('server', behaviour)
    const link = new Link({ connection, behaviour, handlers, context: currentContext() }, transport, codec)
    const socket = new Socket(link, undefined, '')
    link.start(socket)
    const send = (...messages: string[]) => {
      const frames = messages.map((message) => masked(Opcode.Text, reversed(Buffer.from(message)), { rsv1: true }))
      sink!.onData(Buffer.concat(frames))
    }
    return { codec, socket, link, send, sink: sink! }
  }

  /** More than is kept for who pulls messages before the peer is held back. */
  const LONG = 'long '.repeat(20_000)

  test('comes behind it and what follows it', () => {
    const got: unknown[] = []
    const { codec, link, send, sink } = decoding({ message: (_, message) => void got.push(message) })
    send(LONG, 'behind')
    sink.onEnd()
    expect([got, link.connection.state]).toEqual([[], 'open'])
    codec.finishDecoding()
    expect([got, link.connection.state]).toEqual([[LONG, 'behind'], 'closing'])
  })

  test('does not wait for who pulls messages: they are kept', async () => {
    const { codec, socket, link, send, sink } = decoding()
    send(LONG, LONG, 'behind')
    sink.onEnd()
    codec.finishDecoding()
    expect(link.connection.state).toBe('open')
    codec.finishDecoding()
    expect(link.connection.state).toBe('closing')
    for (const message of [LONG, LONG, 'behind']) expect(await socket.receive()).toBe(message)
  })
})
