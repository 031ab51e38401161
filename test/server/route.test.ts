import { ArgumentError, createServer, type Handlers, type RouteOptions, type ServerSocket } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { compileRoute, compileServer } from '../../src/server/route.ts'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve, wsClient, wsClosed } from '../support/servers.ts'

/** What the server says first to whoever asks for a path, or the status that it refuses with. */
async function ask(port: number, target: string): Promise<string> {
  const peer = await RawPeer.dial(port)
  peer.write(handshake({}, `GET ${target} HTTP/1.1`))
  const head = await peer.head()
  const [, status] = /^HTTP\/1.1 (\d+)/.exec(head) ?? []
  if (status !== '101') return String(status)
  const [, text] = await peer.text()
  peer.stream.destroy()
  return text
}

const say = (text: string) => ({ open: (socket: ServerSocket<undefined>) => void socket.send(text) })

test('a string is the whole path; the query does not count', async () => {
  const { server, port } = await serve()
  server.route('/a', say('a')).route('/a/b', say('a/b'))
  expect(await ask(port, '/a')).toBe('a')
  expect(await ask(port, '/a?x=1')).toBe('a')
  expect(await ask(port, '/a/b')).toBe('a/b')
  for (const other of ['/', '/a/', '/A', '/b', '/a/b/c', '/%61']) expect(await ask(port, other)).toBe('404')
})

test('a RegExp has its match in the hook; its flags g and y do not make it forget', async () => {
  const { server, port } = await serve()
  server.route<string>(/^\/rooms\/(?<room>\w+)$/gy, {
    upgrade: (request) => ({ data: String(request.match?.groups?.room) }),
    open: (socket) => void socket.send(socket.data),
  })
  for (const room of ['one', 'two', 'three']) expect(await ask(port, `/rooms/${room}?q`)).toBe(room)
  expect(await ask(port, '/rooms/')).toBe('404')
})

test('routes are tried in the order in which they were added', async () => {
  const { server, port } = await serve()
  server.route('/a', say('first')).route(/./, say('any')).route('/b', say('never'))
  expect(await ask(port, '/a')).toBe('first')
  expect(await ask(port, '/b')).toBe('any')
})

describe('the handlers of the server itself', () => {
  test('are for all other paths', async () => {
    const { server, port } = await serve(say('fallback'))
    server.route('/a', say('a'))
    expect(await ask(port, '/a')).toBe('a')
    expect(await ask(port, '/other')).toBe('fallback')
  })

  test.each(['upgrade', 'open', 'message', 'ping', 'pong', 'drain', 'close'] as const)(
    'are there when %s is given alone',
    async (name) => {
      const { port } = await serve({ [name]: () => undefined })
      const peer = await RawPeer.open(port)
      peer.stream.destroy()
    },
  )

  test('are not there when only options are given, or error alone', async () => {
    const { port } = await serve({ error() {}, maxPayload: 5, protocols: ['a'], heartbeat: false, observeFrames() {} })
    expect(await ask(port, '/')).toBe('404')
  })
})

test('has the options of its server where it has none of its own', async () => {
  const { server, url } = await serve({ maxPayload: 3, protocols: ['server'], heartbeat: { timeout: 7 }, message() {} })
  const sockets = new Mailbox<ServerSocket<undefined>>()
  server.route('/a', {
    maxPayload: 10,
    protocols: ['route'],
    heartbeat: { interval: 1234 },
    open: sockets.put,
    message: (socket, message) => void socket.send(message),
  })
  server.route('/b', { open: sockets.put })
  const { client, messages } = await wsClient(`${url}/a`, { protocols: ['server', 'route'] })
  expect(client.protocol).toBe('route')
  client.send('1234567890')
  expect(await messages.next()).toBe('1234567890')
  expect((await sockets.next()).heartbeat).toEqual({ interval: 1234, timeout: 7 })
  await wsClient(`${url}/b`)
  const other = await sockets.next()
  expect(other.maxPayload).toBe(3)
  expect(other.heartbeat).toEqual({ interval: 25_000, timeout: 7 })
  expect(other.protocol).toBe('')
  const { client: small } = await wsClient(url)
  const closed = wsClosed(small)
  small.send('1234')
  expect((await closed).code).toBe(1009)
})

test('inherits every option but handlers, the hook and subprotocols', () => {
  const options = {
    maxPayload: 1,
    maxFragments: 2,
    messageRate: { perSecond: 3, burst: 4, over: 'drop' },
    byteRate: { perSecond: 5, burst: 6, over: 'close' },
    controlRate: { perSecond: 7, burst: 8 },
    highWaterMark: 9,
    maxBuffered: 10,
    overflow: 'coalesce',
    maxQueueAge: 11,
    maxPause: 12,
    closeTimeout: 13,
    maxLifetime: 14,
    idleBeforeFirstMessage: 15,
    heartbeat: { interval: 16, timeout: 17 },
    text: 'bytes',
    autoPong: false,
    autoResponse: { request: 'a', response: 'b' },
    compression: { mode: 'takeover', level: 6, threshold: 7, windowBits: 10, maxRatio: 9 },
    serial: true,
    asyncContext: 'upgrade',
    origins: 'any',
    handshakeTimeout: 18,
    maxConnections: 19,
    maxConnectionsPerAddress: 20,
    maxHandshakes: 21,
    maxHeaders: 22,
    maxHeaderSize: 23,
  } as const satisfies Required<Omit<RouteOptions<undefined>, keyof Handlers<unknown> | 'upgrade' | 'protocols'>>
  const server = compileServer({
    ...options,
    trustedProxies: [],
    protocols: ['a'],
    upgrade() {},
    open() {},
    error() {},
  })
  const { match, options: own, ...rest } = compileRoute('/a', {}, server)
  expect(server).toMatchObject(rest)
  expect(rest.admission).toBe(server.admission)
  expect(own).toEqual({})
  expect(match('/a')).toBe(true)
  // None of them has its default, so that what is not inherited is found.
  const defaults: Record<string, unknown> = { ...compileServer({}), ...compileServer({}).behaviour }
  for (const [name, value] of Object.entries({ ...server, ...server.behaviour })) {
    expect([name, value]).not.toEqual([name, defaults[name]])
  }
})

test('has an origin rule and a handshake time of its own', async () => {
  const { server, port } = await serve({ origins: 'any', open: (socket) => void socket.send('any') })
  server.route('/strict', { origins: ['https://good.example'], ...say('strict') })
  server.route('/slow', { handshakeTimeout: 30, upgrade: () => new Promise<undefined>(() => {}) })
  const from = async (origin: string, path: string) => {
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ Origin: origin }, `GET ${path} HTTP/1.1`))
    return (await peer.head()).slice(9, 12)
  }
  expect(await from('https://evil.example', '/')).toBe('101')
  expect(await from('https://evil.example', '/strict')).toBe('403')
  expect(await from('https://good.example', '/strict')).toBe('101')
  expect(await from('http://server.example', '/slow')).toBe('503')
})

test('can be added while the server runs', async () => {
  const { server, port } = await serve()
  expect(await ask(port, '/late')).toBe('404')
  server.route('/late', say('late'))
  expect(await ask(port, '/late')).toBe('late')
})

test('errors go to the error handler of the route', async () => {
  const ofServer = new Mailbox<unknown>()
  const ofRoute = new Mailbox<unknown>()
  const { server, port } = await serve({ error: ofServer.put, open() {} })
  server.route('/a', {
    error: ofRoute.put,
    upgrade() {
      throw new Error('boom')
    },
  })
  expect(await ask(port, '/a')).toBe('500')
  expect(ofRoute.all).toEqual([new Error('boom')])
  expect(ofServer.all).toEqual([])
})

describe('what cannot be used throws where it is written', () => {
  test.each([
    {
      options: { maxPayload: -1 },
      message: 'The option maxPayload is a whole number of 0 or more, or Infinity, not -1.',
    },
    {
      options: { maxFragments: 1.5 },
      message: 'The option maxFragments is a whole number of 0 or more, or Infinity, not 1.5.',
    },
    {
      options: { highWaterMark: Number.NaN },
      message: 'The option highWaterMark is a whole number of 0 or more, or Infinity, not NaN.',
    },
    {
      options: { maxBuffered: -5 },
      message: 'The option maxBuffered is a whole number of 0 or more, or Infinity, not -5.',
    },
    {
      options: { heartbeat: { interval: 0 } },
      message: 'The option heartbeat.interval is a number of milliseconds above 0 and up to 2147483647, not 0.',
    },
    {
      options: { heartbeat: { timeout: -1 } },
      message: 'The option heartbeat.timeout is a number of milliseconds above 0 and up to 2147483647, not -1.',
    },
    {
      options: { maxPause: 0 },
      message: 'The option maxPause is a number of milliseconds above 0 and up to 2147483647, not 0.',
    },
    {
      options: { closeTimeout: 0 },
      message: 'The option closeTimeout is a number of milliseconds above 0 and up to 2147483647, not 0.',
    },
    {
      options: { handshakeTimeout: -1 },
      message: 'The option handshakeTimeout is a number of milliseconds above 0 and up to 2147483647, not -1.',
    },
  ])('$message', ({ options, message }) => {
    expect(() => createServer(options)).toThrow(new ArgumentError(message))
    expect(() => createServer().route('/', options)).toThrow(new ArgumentError(message))
  })

  test('in what the compiler would have seen', () => {
    // @ts-expect-error: no such value
    expect(() => createServer({ text: 'utf8' })).toThrow(
      new ArgumentError("The option text is 'string' or 'bytes', not \"utf8\"."),
    )
    // @ts-expect-error: no such value
    expect(() => createServer({ maxPayload: '5' })).toThrow(ArgumentError)
    expect(() => createServer({ protocols: ['a b'] })).toThrow(ArgumentError)
    expect(() => createServer({ protocols: ['a', 'a'] })).toThrow(ArgumentError)
    // @ts-expect-error: one that `connect` takes
    expect(() => createServer({ protocols: 'chat' })).toThrow(
      new ArgumentError('The option protocols is a list of subprotocols or a function, not "chat".'),
    )
    for (const name of ['upgrade', 'message', 'error', 'http', 'log']) {
      expect(() => createServer({ [name]: 'later' })).toThrow(
        new ArgumentError(`The option ${name} is a function, not "later".`),
      )
    }
    expect(() => createServer({ trustedProxies: ['nonsense'] })).toThrow(ArgumentError)
    expect(() => createServer({ origins: ['*'] })).toThrow(ArgumentError)
  })

  test('a path without its slash', () => {
    expect(() => createServer().route('chat', {})).toThrow(
      new ArgumentError('A path begins with a slash, which "chat" does not.'),
    )
  })

  test('no limit can be asked for', () => {
    expect(() => createServer({ maxPayload: Number.POSITIVE_INFINITY, maxPause: false })).not.toThrow()
  })
})
