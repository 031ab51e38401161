/** What becomes of each handler that fails, in each way in which it can. */
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import {
  ArgumentError,
  connect,
  type Handlers,
  Opcode,
  type ServerOptions,
  type ServerSocket,
  type Socket,
} from 'heartwire'
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

const boom = new Error('boom')
const unspeakable = Object.create(null)

/** Ways to fail: what is done, what is reported, and what the message of `info.error` says. */
const FAILURES: { how: string; fail: () => unknown; reported: unknown; message: string }[] = [
  {
    how: 'throws',
    fail() {
      throw boom
    },
    reported: boom,
    message: 'boom',
  },
  {
    how: 'throws what is no Error',
    fail() {
      throw 'a string'
    },
    reported: 'a string',
    message: 'a string',
  },
  {
    how: 'throws nothing at all',
    fail() {
      throw undefined
    },
    reported: undefined,
    message: 'undefined',
  },
  {
    how: 'throws what cannot be made a string',
    fail() {
      throw unspeakable
    },
    reported: unspeakable,
    message: 'What was thrown has no words.',
  },
  {
    how: 'rejects at once',
    async fail() {
      throw boom
    },
    reported: boom,
    message: 'boom',
  },
  {
    how: 'rejects later',
    async fail() {
      await setTimeout(1)
      throw boom
    },
    reported: boom,
    message: 'boom',
  },
  {
    how: 'returns a promise that is not of this language and rejects',
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about
    fail: () => ({ then: (_done: unknown, failed: (error: unknown) => void) => process.nextTick(failed, boom) }),
    reported: boom,
    message: 'boom',
  },
  {
    how: 'returns what throws when it is waited for',
    fail: () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about
      get then() {
        throw boom
      },
    }),
    reported: boom,
    message: 'boom',
  },
]

/** What is reported of a function that is not waited for. */
function answersAtOnce({ how, reported }: (typeof FAILURES)[number], name: string): unknown {
  if (!/^rejects|returns a promise/.test(how)) return reported
  return new ArgumentError(`The function ${name} has to answer at once: it must not return a promise.`)
}

type Options = ServerOptions<undefined>

/** Handlers, each with options that give the failure to one of its sockets only, and what makes the peer bring it about. */
const HANDLERS: {
  name: string
  options: (fail: (socket: Socket) => unknown) => Options
  provoke: (peer: RawPeer, socket: ServerSocket<undefined>) => void
}[] = [
  { name: 'open', options: (open) => ({ open }), provoke() {} },
  { name: 'open, with a message handler', options: (open) => ({ open, message() {} }), provoke() {} },
  { name: 'message', options: (message) => ({ message }), provoke: (peer) => peer.send(Opcode.Text, 'x') },
  {
    name: 'message, one after the other',
    options: (message) => ({ message, serial: true }),
    provoke: (peer) => peer.send(Opcode.Text, 'x'),
  },
  { name: 'ping', options: (ping) => ({ ping }), provoke: (peer) => peer.send(Opcode.Ping, 'x') },
  { name: 'pong', options: (pong) => ({ pong }), provoke: (peer) => peer.send(Opcode.Pong, 'x') },
  {
    name: 'dropped',
    options: (dropped) => ({ dropped, messageRate: { perSecond: 1, burst: 1, over: 'drop' } }),
    provoke(peer) {
      peer.send(Opcode.Text, 'x')
      peer.send(Opcode.Text, 'one too many')
    },
  },
  {
    name: 'drain',
    options: (drain) => ({ drain }),
    provoke(peer, socket) {
      peer.stream.pause()
      while (socket.send(Buffer.alloc(256 * 1024)) === 'ok');
      peer.discard()
    },
  },
]

/** Two peers of one server: the first one's handler fails, the second one goes on. */
async function twoPeers(options: (fail: (socket: Socket) => unknown) => Options, fail: () => unknown) {
  const errors = new Mailbox<[error: unknown, socket: unknown]>()
  const opened = new Mailbox<ServerSocket<undefined>>()
  let first: unknown
  const given = options((socket) => (socket === first ? fail() : undefined))
  const { port } = await serve<undefined>({
    ...given,
    open(socket) {
      first ??= socket
      opened.put(socket)
      return given.open?.(socket)
    },
    error: (error, socket) => errors.put([error, socket]),
  })
  const peer = await RawPeer.open(port)
  const socket = await opened.next()
  return { errors, peer, socket, other: await RawPeer.open(port) }
}

describe.each(HANDLERS)('$name', ({ options, provoke }) => {
  test.each(FAILURES)('$how: reported once with its socket, which is closed with 1011, and no other', async (way) => {
    const { errors, peer, socket, other } = await twoPeers(options, way.fail)
    provoke(peer, socket)
    expect(await errors.next()).toEqual([way.reported, socket])
    peer.stream.end()
    const info = await socket.closed
    expect(info).toMatchObject({ cause: 'handler-error', initiator: 'local', sent: 1011, wasClean: false })
    expect(info.error).toBeInstanceOf(Error)
    expect(info.error?.message).toBe(way.message)
    other.send(Opcode.Ping, 'anyone there?')
    expect(await other.text()).toEqual([Opcode.Pong, 'anyone there?'])
    expect(errors.all).toHaveLength(1)
  })
})

describe('close', () => {
  test.each(FAILURES)('$how: reported once with its socket; the connection has ended as it has', async (way) => {
    const { errors, peer, socket, other } = await twoPeers((close) => ({ close }), way.fail)
    peer.sendClose(1000)
    peer.stream.end()
    expect(await errors.next()).toEqual([way.reported, socket])
    expect(await socket.closed).toMatchObject({ cause: 'peer-close', error: undefined, wasClean: true })
    other.send(Opcode.Ping, 'anyone there?')
    expect(await other.text()).toEqual([Opcode.Pong, 'anyone there?'])
    expect(errors.all).toHaveLength(1)
  })
})

describe('observeFrames', () => {
  test.each(FAILURES)('$how: reported for each frame with its socket; who only looks changes nothing', async (way) => {
    const { errors, peer, socket } = await twoPeers((observeFrames) => ({ observeFrames }), way.fail)
    peer.send(Opcode.Ping, 'x')
    expect(await peer.text()).toEqual([Opcode.Pong, 'x'])
    expect(await errors.take(2)).toEqual(Array(2).fill([way.reported, socket]))
    expect(socket.state).toBe('open')
  })
})

describe('autoResponse', () => {
  test.each(FAILURES)('$how: reported once with its socket, which is closed with 1011', async (way) => {
    const errors = new Mailbox<unknown[]>()
    // Its type says that it answers at once; nobody has to keep to it.
    const autoResponse = way.fail as () => undefined
    const { port } = await serve({ open() {}, autoResponse, error: (...args) => errors.put(args) })
    const peer = await RawPeer.open(port)
    peer.send(Opcode.Text, 'x')
    expect(await peer.closeFrame()).toEqual([1011, 'internal error'])
    const [reported, socket] = await errors.next()
    expect(socket).toBeDefined()
    expect(reported).toEqual(answersAtOnce(way, 'autoResponse'))
    await setTimeout(5)
    expect(errors.all).toHaveLength(1)
  })
})

const FAILED = 'The server failed to answer the handshake.'

describe.each([
  { name: 'upgrade', options: (fail: () => unknown) => ({ upgrade: fail, open() {} }) },
  { name: 'protocols', options: (fail: () => unknown) => ({ protocols: fail, open() {} }) },
])('$name', ({ name, options }) => {
  test.each(FAILURES)('$how: reported once, and the client is told no more than 500', async (way) => {
    const errors = new Mailbox<unknown[]>()
    const given = options(way.fail) as Options
    const { port } = await serve<undefined>({ ...given, error: (...args) => errors.put(args) })
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ 'Sec-WebSocket-Protocol': 'chat' }))
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 500 /)
    expect(await peer.rest()).toBe(`${FAILED}\n`)
    const reported = name === 'upgrade' ? way.reported : answersAtOnce(way, name)
    expect(await errors.next()).toEqual([reported, undefined])
    await setTimeout(5)
    expect(errors.all).toHaveLength(1)
  })
})

describe('http', () => {
  /** What a plain request is answered: its status, or undefined when it was cut. */
  function ask(port: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const asked = request({ port, host: '127.0.0.1', agent: false }, (response) => {
        response.on('error', () => resolve(undefined)).on('end', () => resolve(response.statusCode))
        response.resume()
      })
      asked.on('error', () => resolve(undefined)).end()
    })
  }

  test.each(FAILURES)('$how: reported once, and the client is answered 500', async (way) => {
    const errors = new Mailbox<unknown[]>()
    const http = way.fail as () => undefined
    const { port, url } = await serve({ open() {}, http, error: (...args) => errors.put(args) })
    const other = await connect(url)
    expect(await ask(port)).toBe(500)
    expect(errors.all).toEqual([[way.reported, undefined]])
    expect(await other.ping()).toBeGreaterThan(0)
  })

  test('throws when it has answered: reported, and that is all', async () => {
    const errors = new Mailbox<unknown[]>()
    const { port } = await serve({
      open() {},
      http(_request, response) {
        response.end('done')
        throw boom
      },
      error: (...args) => errors.put(args),
    })
    expect(await ask(port)).toBe(200)
    expect(errors.all).toEqual([[boom, undefined]])
  })

  test('throws when it has begun to answer: reported, and the client is cut', async () => {
    const errors = new Mailbox<unknown[]>()
    const { port } = await serve({
      open() {},
      http(_request, response) {
        response.writeHead(200, { 'content-length': 10 }).write('half')
        throw boom
      },
      error: (...args) => errors.put(args),
    })
    expect(await ask(port)).toBe(undefined)
    expect(errors.all).toEqual([[boom, undefined]])
  })
})

describe('a client', () => {
  test.each(FAILURES)('$how in message: as on a server', async (way) => {
    const errors = new Mailbox<unknown[]>()
    const { url } = await serve({ open: (socket) => void socket.send('x'), message() {} })
    const handlers: Handlers<Socket> = { message: way.fail, error: (...args) => errors.put(args) }
    const socket = await connect(url, handlers)
    expect(await errors.next()).toEqual([way.reported, socket])
    expect(await socket.closed).toMatchObject({ cause: 'handler-error', sent: 1011, error: { message: way.message } })
  })
})

describe('error', () => {
  test.each(FAILURES)('$how itself: the socket is closed all the same, and nothing else happens', async (way) => {
    const { port, server } = await serve({
      message() {
        throw boom
      },
      error: way.fail,
    })
    const peer = await RawPeer.open(port)
    peer.send(Opcode.Text, 'x')
    expect(await peer.closeFrame()).toEqual([1011, 'internal error'])
    peer.stream.end()
    expect((await RawPeer.open(port)).closed).toBe(false)
    expect(server.sockets.size).toBeGreaterThanOrEqual(1)
  })
})
