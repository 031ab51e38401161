import { createServer as createHttpServer } from 'node:http'
import { Duplex, duplexPair } from 'node:stream'
import {
  ArgumentError,
  createServer,
  Opcode,
  type Server,
  type ServerOptions,
  type ServerSocket,
  UpgradeRejected,
  type UpgradeRequest,
} from 'heartwire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Decision } from '../../src/server/route.ts'
import { Mailbox } from '../support/mailbox.ts'
import { closePayload, handshake, RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

interface Answer {
  peer: RawPeer
  status: number
  retryAfter: string | undefined
  body: string
}

type Headers = Record<string, string | string[] | undefined>

/** One handshake, and what it is answered with. */
async function ask(port: number, target = '/', headers: Headers = {}): Promise<Answer> {
  const peer = await RawPeer.dial(port)
  peer.write(handshake(headers, `GET ${target} HTTP/1.1`))
  const head = await peer.head()
  const status = Number(head.slice(9, 12))
  const [, retryAfter] = /^retry-after: (.*)\r$/im.exec(head) ?? []
  if (status === 101) return { peer, status, retryAfter, body: '' }
  const body = await peer.rest()
  peer.stream.end()
  return { peer, status, retryAfter, body }
}

/** How many more get in, one after another. They stay. */
async function room(port: number, target = '/', headers: Headers = {}): Promise<number> {
  for (let entered = 0; entered < 20; entered++) {
    const { status } = await ask(port, target, headers)
    if (status === 503) return entered
    expect(status).toBe(101)
  }
  throw new Error('There is no limit.')
}

/** A hook that is told by the query what to do, and tells of every request. */
function told(query: (request: UpgradeRequest) => Decision | Promise<Decision>) {
  const asked = new Mailbox<UpgradeRequest>()
  return {
    asked,
    upgrade(request: UpgradeRequest) {
      asked.put(request)
      return request.query.size === 0 ? undefined : (query(request) as undefined | Promise<undefined>)
    },
  }
}

const never = () => new Promise<undefined>(() => {})

describe('maxConnections', () => {
  test('above it a handshake is refused with 503 and Retry-After', async () => {
    const lines: string[] = []
    const { server, port } = await serve({ maxConnections: 2, open() {}, log: (line) => void lines.push(line) })
    for (const expected of [101, 101]) expect((await ask(port)).status).toBe(expected)
    const { status, retryAfter, body } = await ask(port)
    expect([status, body]).toEqual([503, 'There are 2 connections already (maxConnections).\n'])
    expect(retryAfter).toMatch(/^([1-9]|10)$/)
    expect(server.sockets.size).toBe(2)
    expect(server.stats().refused).toEqual({ total: 1, byReason: { TOO_MANY_CONNECTIONS: 1 } })
    expect(lines).toEqual([
      'heartwire refused a handshake from 127.0.0.1 with 503: There are 2 connections already (maxConnections).',
    ])
  })

  test('Retry-After is one of 1 to 10 seconds, by chance', async () => {
    const { port } = await serve({ maxConnections: 0, open() {} })
    const random = vi.spyOn(Math, 'random')
    onTestFinished(() => random.mockRestore())
    const seconds: unknown[] = []
    for (const chance of [0, 0.0999, 0.1, 0.5, 0.999999]) {
      random.mockReturnValue(chance)
      seconds.push((await ask(port)).retryAfter)
    }
    expect(seconds).toEqual(['1', '1', '2', '6', '10'])
  })

  test('a limit of 1 is told in the singular', async () => {
    const { port } = await serve({ maxConnections: 1, open() {} })
    await RawPeer.open(port)
    expect((await ask(port)).body).toBe('There is 1 connection already (maxConnections).\n')
    const other = await serve({ maxHandshakes: 1, upgrade: never })
    ;(await RawPeer.dial(other.port)).write(handshake())
    expect((await ask(other.port)).body).toBe('There is 1 handshake to decide on already (maxHandshakes).\n')
  })

  test('none are let in at 0; Infinity is no limit', async () => {
    const { server, port } = await serve({ maxConnections: 0, open() {} })
    server.route('/all', { maxConnections: Number.POSITIVE_INFINITY })
    expect([await room(port), await room(port, '/all')]).toEqual([0, 0])
  })

  test('handshakes count on which an asynchronous hook decides', async () => {
    const decide: ((decision: undefined) => void)[] = []
    const { asked, upgrade } = told(() => new Promise((resolve) => decide.push(resolve)))
    const { port } = await serve({ maxConnections: 2, upgrade })
    const waiting = [ask(port, '/?slow'), ask(port, '/?slow')]
    await asked.take(2)
    expect((await ask(port)).status).toBe(503)
    // Whoever is refused so has not been asked about.
    expect(asked.all).toHaveLength(2)
    for (const resolve of decide) resolve(undefined)
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([101, 101])
    expect(await room(port)).toBe(0)
  })

  test('connections that are closing count', async () => {
    const closed = new Mailbox<unknown>()
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { port } = await serve({ maxConnections: 1, open: opened.put, close: closed.put })
    const { peer } = await ask(port)
    const socket = await opened.next()
    socket.close()
    await peer.closeFrame()
    expect(socket.state).toBe('closing')
    expect(await room(port)).toBe(0)
    peer.sendClose(1000)
    await peer.end()
    peer.stream.end()
    await closed.next()
    expect(await room(port)).toBe(1)
  })
})

describe('a place is given back exactly once', () => {
  type Test = (how: {
    port: number
    server: Server
    asked: Mailbox<UpgradeRequest>
    closed: Mailbox<unknown>
  }) => Promise<void>

  const ends: {
    name: string
    options?: ServerOptions<undefined>
    hook?: () => Decision | Promise<Decision>
    end: Test
  }[] = [
    {
      name: 'after a clean close',
      async end({ port, closed }) {
        const { peer } = await ask(port)
        peer.sendClose(1000)
        await peer.end()
        peer.stream.end()
        await closed.next()
      },
    },
    {
      name: 'after a reset',
      async end({ port, closed }) {
        const { peer } = await ask(port)
        peer.stream.resetAndDestroy()
        await closed.next()
      },
    },
    {
      name: 'after a failed connection',
      async end({ port, closed }) {
        const { peer } = await ask(port)
        peer.send(Opcode.Close, closePayload(1000).subarray(0, 1))
        await peer.end()
        peer.stream.end()
        await closed.next()
      },
    },
    {
      name: 'after the server has cut it',
      async end({ port, server, closed }) {
        const { peer } = await ask(port)
        for (const socket of server.sockets) {
          socket.terminate()
          socket.terminate()
        }
        await closed.next()
        peer.stream.destroy()
      },
    },
    {
      name: 'when the open handler throws',
      options: {
        open(socket) {
          if (socket.protocol === 'bad') throw new Error('no')
        },
        protocols: ['bad'],
      },
      async end({ port, closed }) {
        const { peer } = await ask(port, '/', { 'Sec-WebSocket-Protocol': 'bad' })
        await peer.closeFrame()
        peer.sendClose(1011)
        await peer.end()
        peer.stream.end()
        await closed.next()
      },
    },
    {
      name: 'when what it asks for is no handshake',
      async end({ port }) {
        expect((await ask(port, '/', { 'Sec-WebSocket-Key': undefined })).status).toBe(400)
      },
    },
    {
      name: 'when its origin is refused',
      async end({ port }) {
        expect((await ask(port, '/', { Origin: 'https://evil.example' })).status).toBe(403)
      },
    },
    {
      name: 'when the hook refuses it at once',
      hook() {
        throw new UpgradeRejected(401, 'no')
      },
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(401)
      },
    },
    {
      name: 'when the hook refuses it later',
      async hook() {
        throw new UpgradeRejected(401, 'no')
      },
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(401)
      },
    },
    {
      name: 'when the hook throws',
      hook() {
        throw new Error('broken')
      },
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(500)
      },
    },
    {
      name: 'when the hook rejects',
      async hook() {
        throw new Error('broken')
      },
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(500)
      },
    },
    {
      name: 'when the hook chooses what was not offered',
      hook: async () => ({ protocol: 'other' }),
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(500)
      },
    },
    {
      name: 'when the hook answers with a header that cannot be sent',
      hook: () => ({ headers: { 'x-header': 'a\nb' } }),
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(500)
      },
    },
    {
      name: 'when the hook takes too long',
      options: { handshakeTimeout: 100 },
      hook: never,
      async end({ port }) {
        expect((await ask(port, '/?x')).status).toBe(503)
      },
    },
    {
      name: 'when the client goes away before the hook is done',
      hook: never,
      async end({ port, asked }) {
        const peer = await RawPeer.dial(port)
        peer.write(handshake({}, 'GET /?x HTTP/1.1'))
        const { signal } = await asked.next()
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
        peer.stream.resetAndDestroy()
        await aborted
      },
    },
    {
      name: 'when the client goes away, and the hook says yes afterwards',
      hook: () => new Promise((resolve) => late.push(resolve)),
      async end({ port, asked }) {
        const peer = await RawPeer.dial(port)
        peer.write(handshake({}, 'GET /?x HTTP/1.1'))
        const { signal } = await asked.next()
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
        peer.stream.end()
        await aborted
        for (const resolve of late.splice(0)) resolve(undefined)
      },
    },
    {
      name: 'when the hook refuses it with a close code',
      hook() {
        throw new UpgradeRejected(401, 'no', { closeCode: 4401 })
      },
      async end({ port, server }) {
        const { peer } = await ask(port, '/?x')
        expect(await peer.closeFrame()).toEqual([4401, 'no'])
        // Until it has ended it counts.
        expect(server.stats().connections).toEqual({ handshakes: 0, open: 0, closing: 1 })
        peer.sendClose(4401)
        await peer.end()
        peer.stream.end()
        await vi.waitFor(() => expect(server.stats().connections.closing).toBe(0))
      },
    },
  ]
  const late: ((decision: undefined) => void)[] = []

  test.each(ends)('$name', async ({ options = {}, hook = () => undefined, end }) => {
    const closed = new Mailbox<unknown>()
    const { asked, upgrade } = told(hook)
    const { server, port } = await serve({
      maxConnections: 2,
      maxHandshakes: 2,
      error() {},
      ...options,
      upgrade,
      close: (_socket, info) => closed.put(info),
    })
    for (let round = 0; round < 3; round++) await end({ port, server, asked, closed })
    expect(server.stats().connections).toEqual({ handshakes: 0, open: 0, closing: 0 })
    expect(await room(port)).toBe(2)
  })

  test('when it was refused for want of a place', async () => {
    const closed = new Mailbox<unknown>()
    const { port } = await serve({ maxConnections: 1, open() {}, close: closed.put })
    const { peer } = await ask(port)
    expect(await room(port)).toBe(0)
    expect(await room(port)).toBe(0)
    peer.stream.destroy()
    await closed.next()
    expect(await room(port)).toBe(1)
  })

  test('when its stream was gone before it was taken', async () => {
    const requests = new Mailbox<UpgradeRequest>()
    const { server, port } = await serve({
      transport: 'node',
      maxConnections: 2,
      upgrade: requests.put,
      close: () => {},
    })
    const { peer } = await ask(port)
    const { raw } = await requests.next()
    if (raw === undefined) throw new Error('the request has no raw request')
    for (let i = 0; i < 3; i++) {
      const [near, far] = duplexPair()
      far.destroy()
      near.destroy()
      server.handleUpgrade(raw, far, Buffer.alloc(0))
      await vi.waitFor(() => expect(server.sockets.size).toBe(1))
    }
    expect(await room(port)).toBe(1)
    peer.stream.destroy()
  })

  test.each([
    { how: 'at once', decide: () => undefined },
    { how: 'later', decide: async () => undefined },
    {
      how: 'with a close code',
      decide() {
        throw new UpgradeRejected(401, 'no', { closeCode: 4401 })
      },
    },
  ])('when its stream cannot be written to, decided on $how', async ({ decide }) => {
    const broken = new Error('this stream is broken')
    const errors = new Mailbox<unknown>()
    const requests = new Mailbox<UpgradeRequest>()
    const { server, port } = await serve({
      transport: 'node',
      maxConnections: 2,
      upgrade(request) {
        requests.put(request)
        return requests.all.length === 1 ? undefined : decide()
      },
      error: errors.put,
    })
    await ask(port)
    const { raw } = await requests.next()
    if (raw === undefined) throw new Error('the request has no raw request')
    const opened = server.stats().opened
    for (let i = 0; i < 3; i++) {
      const stream = new Duplex({
        read() {},
        write() {
          throw broken
        },
      })
      server.handleUpgrade(raw, stream, Buffer.alloc(0))
      expect(await errors.next()).toBe(broken)
      await vi.waitFor(() => expect(stream.destroyed).toBe(true))
    }
    expect(errors.all).toHaveLength(3)
    expect(server.stats()).toMatchObject({
      connections: { handshakes: 0, open: 1, closing: 0 },
      opened,
      refused: { total: 3, byReason: { SERVER_FAILED: 3 } },
    })
    expect((await ask(port)).status).toBe(101)
  })

  test('when the hook closes the server, and never decides', async () => {
    const reports = new Mailbox<unknown>()
    const { server, port } = await serve({
      upgrade() {
        void server.close().then(reports.put)
        return never()
      },
    })
    expect((await ask(port)).status).toBe(503)
    expect(await reports.next()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
    expect(server.stats().connections.handshakes).toBe(0)
  })
})

describe('maxHandshakes', () => {
  test('above it a handshake is refused with 503 and Retry-After; places are freed by the decision', async () => {
    const decide: ((decision: undefined) => void)[] = []
    const { asked, upgrade } = told(() => new Promise((resolve) => decide.push(resolve)))
    const { server, port } = await serve({ maxHandshakes: 2, upgrade })
    const waiting = [ask(port, '/?slow'), ask(port, '/?slow')]
    await asked.take(2)
    const { status, retryAfter, body } = await ask(port)
    expect([status, body]).toEqual([503, 'There are 2 handshakes to decide on already (maxHandshakes).\n'])
    expect(retryAfter).toMatch(/^([1-9]|10)$/)
    expect(server.stats()).toMatchObject({
      connections: { handshakes: 2, open: 0, closing: 0 },
      refused: { total: 1, byReason: { TOO_MANY_HANDSHAKES: 1 } },
    })
    decide[0]?.(undefined)
    expect((await Promise.race(waiting)).status).toBe(101)
    expect((await ask(port)).status).toBe(101)
    decide[1]?.(undefined)
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([101, 101])
    // None is at work any more, so that there is room for any number, one after another.
    for (let i = 0; i < 4; i++) expect((await ask(port)).status).toBe(101)
  })

  test('a handshake that was refused by it has no place among the connections', async () => {
    const { asked, upgrade } = told(never)
    const { port } = await serve({ maxHandshakes: 1, maxConnections: 2, upgrade })
    const waiting = await RawPeer.dial(port)
    waiting.write(handshake({}, 'GET /?x HTTP/1.1'))
    const { signal } = await asked.next()
    for (let i = 0; i < 3; i++) expect((await ask(port)).body).toMatch(/\(maxHandshakes\)/)
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    waiting.stream.destroy()
    await aborted
    expect(await room(port)).toBe(2)
  })

  test('is nothing to those whom no hook decides on', async () => {
    const { port } = await serve({ maxHandshakes: 0, open() {} })
    expect((await ask(port)).status).toBe(101)
  })
})

describe('maxConnectionsPerAddress', () => {
  const from = (address: string) => ({ 'X-Forwarded-For': address })

  test.each([
    () => createServer({ maxConnectionsPerAddress: 3 }),
    () => createServer().route('/', { maxConnectionsPerAddress: 3 }),
  ])('needs trustedProxies: %o', (make) => {
    expect(make).toThrow(
      new ArgumentError(
        'The option maxConnectionsPerAddress needs trustedProxies: behind a proxy all clients have its address. Name ' +
          'your proxies there, or give [] where clients connect without one.',
      ),
    )
  })

  /** Opens this many from one address, all at once, and says how many were refused. */
  async function refusedOf(many: number, port: number): Promise<number> {
    const answers = await Promise.all(Array.from({ length: many }, () => ask(port)))
    return answers.filter(({ status }) => status === 503).length
  }

  test('is 250 with trustedProxies, and off without', async () => {
    const known = await serve({ trustedProxies: [], open() {} })
    expect(await refusedOf(253, known.port)).toBe(3)
    const unknown = await serve({ open() {} })
    expect(await refusedOf(253, unknown.port)).toBe(0)
  })

  test('counts by where connections come from, without proxies, whatever they say', async () => {
    const closed = new Mailbox<unknown>()
    const { server, port } = await serve({
      trustedProxies: [],
      maxConnectionsPerAddress: 2,
      open() {},
      close: closed.put,
    })
    const { peer } = await ask(port, '/', from('192.0.2.1'))
    expect((await ask(port, '/', { Forwarded: 'for=192.0.2.2' })).status).toBe(101)
    const { status, retryAfter, body } = await ask(port, '/', from('192.0.2.3'))
    expect([status, body]).toEqual([
      503,
      'There are 2 connections from 127.0.0.1 already (maxConnectionsPerAddress).\n',
    ])
    expect(retryAfter).toMatch(/^([1-9]|10)$/)
    expect(server.stats().refused.byReason).toEqual({ TOO_MANY_CONNECTIONS: 1 })
    peer.stream.destroy()
    await closed.next()
    expect(await room(port)).toBe(1)
  })

  test('counts those apart of whom a trusted proxy says that they are others', async () => {
    const { port } = await serve({ trustedProxies: ['loopback'], maxConnectionsPerAddress: 2, open() {} })
    expect(await room(port, '/', from('192.0.2.1'))).toBe(2)
    // The same client, by whatever it says before, and whatever proxies are after it.
    for (const same of ['198.51.100.7, 192.0.2.1', '192.0.2.1, 127.0.0.2', '192.0.2.1:4711', '::ffff:192.0.2.1']) {
      expect([same, await room(port, '/', from(same))]).toEqual([same, 0])
    }
    expect(await room(port, '/', { Forwarded: 'for="192.0.2.1:99";proto=https' })).toBe(0)
    expect(await room(port, '/', { Forwarded: 'for=198.51.100.7, for=192.0.2.2' })).toBe(2)
    expect(await room(port, '/', from('192.0.2.2'))).toBe(0)
    // What says no address counts as the proxy's.
    expect(await room(port, '/', from('unknown'))).toBe(2)
    expect(await room(port)).toBe(0)
  })

  test('believes nobody but the proxies', async () => {
    const { port } = await serve({ trustedProxies: ['10.0.0.0/8'], maxConnectionsPerAddress: 2, open() {} })
    expect((await ask(port, '/', from('192.0.2.1'))).status).toBe(101)
    expect((await ask(port, '/', from('192.0.2.2'))).status).toBe(101)
    expect((await ask(port, '/', from('192.0.2.3'))).status).toBe(503)
  })

  test('counts IPv6 by network of 64 bits', async () => {
    const { port } = await serve({ trustedProxies: ['loopback'], maxConnectionsPerAddress: 2, open() {} })
    expect((await ask(port, '/', from('2001:db8:0:1::1'))).status).toBe(101)
    expect((await ask(port, '/', from('2001:db8:0:1:ffff::2'))).status).toBe(101)
    expect(await ask(port, '/', from('2001:db8:0:1:2:3:4:5'))).toMatchObject({
      status: 503,
      body: 'There are 2 connections from 2001:db8:0:1::/64 already (maxConnectionsPerAddress).\n',
    })
    expect(await room(port, '/', from('2001:db8:0:2::1'))).toBe(2)
  })

  test('counts an IPv4 client as one on a server that listens for both', async () => {
    await using server = createServer({ trustedProxies: [], maxConnectionsPerAddress: 1, open() {}, log() {} })
    const { port } = await server.listen()
    expect((await ask(port)).status).toBe(101)
    expect((await ask(port)).body).toBe('There is 1 connection from 127.0.0.1 already (maxConnectionsPerAddress).\n')
    for (const socket of server.sockets) socket.terminate()
  })

  test('gives back the place of an address after a refusal and a close', async () => {
    const closed = new Mailbox<unknown>()
    const { asked, upgrade } = told(async () => {
      throw new UpgradeRejected(401, 'no')
    })
    const { port } = await serve({
      trustedProxies: ['loopback'],
      maxConnectionsPerAddress: 1,
      upgrade,
      close: closed.put,
    })
    for (let round = 0; round < 3; round++) {
      expect((await ask(port, '/?x', from('192.0.2.1'))).status).toBe(401)
      const { peer } = await ask(port, '/', from('192.0.2.1'))
      peer.stream.destroy()
      await closed.next()
    }
    expect(asked.all).toHaveLength(6)
    expect(await room(port, '/', from('192.0.2.1'))).toBe(1)
  })

  test('is nothing to a transport without addresses', async () => {
    const { server, port } = await serve({ trustedProxies: [], maxConnectionsPerAddress: 1, open() {} })
    const http = createHttpServer()
    server.attach(http)
    const path = `\0heartwire-${port}`
    onTestFinished(() => void http.close())
    await new Promise<void>((resolve) => http.listen(path, resolve))
    const peers = [await RawPeer.open(path), await RawPeer.open(path)]
    for (const peer of peers) peer.stream.destroy()
  })
})

describe('the limits of a route', () => {
  test('are those of its server, counted together, unless it has others', async () => {
    const { server, port } = await serve({ maxConnections: 3, open() {} })
    server.route('/a', { open() {} })
    expect((await ask(port, '/a')).status).toBe(101)
    expect((await ask(port)).status).toBe(101)
    expect(await room(port, '/a')).toBe(1)
    expect(await room(port)).toBe(0)
  })

  test('of its own come on top of those of its server', async () => {
    const closed = new Mailbox<unknown>()
    const { server, port } = await serve({ maxConnections: 3, open() {} })
    server
      .route('/a', { maxConnections: 2, open() {}, close: closed.put })
      .route('/b', { maxConnections: 9, open() {} })
    const { peer } = await ask(port, '/a')
    expect(await room(port, '/a')).toBe(1)
    expect((await ask(port, '/a')).body).toBe('There are 2 connections already (maxConnections).\n')
    expect(await room(port, '/b')).toBe(1)
    expect((await ask(port, '/b')).body).toBe('There are 3 connections already (maxConnections).\n')
    peer.stream.destroy()
    await closed.next()
    // A place of the route, and one of the server.
    expect(await room(port)).toBe(1)
    expect(await room(port, '/a')).toBe(0)
  })

  test('are there for handshakes and addresses as well', async () => {
    const { asked, upgrade } = told(never)
    const { server, port } = await serve({ trustedProxies: ['loopback'], maxHandshakes: 2, upgrade })
    server.route('/a', { maxHandshakes: 1, maxConnectionsPerAddress: 1, upgrade })
    const wait = async (target: string, address: string) => {
      const peer = await RawPeer.dial(port)
      peer.write(handshake({ 'X-Forwarded-For': address }, `GET ${target} HTTP/1.1`))
      await asked.next()
    }
    await wait('/a?x', '192.0.2.1')
    expect((await ask(port, '/a', { 'X-Forwarded-For': '192.0.2.1' })).body).toMatch(/\(maxConnectionsPerAddress\)/)
    expect((await ask(port, '/a', { 'X-Forwarded-For': '192.0.2.2' })).body).toMatch(/^There is 1 handshake/)
    await wait('/?x', '192.0.2.1')
    expect((await ask(port)).body).toMatch(/^There are 2 handshakes/)
  })

  test('the hook and the handlers are not inherited', async () => {
    const { server, port } = await serve({
      upgrade() {
        throw new UpgradeRejected(401, 'no')
      },
      open: (socket) => void socket.send('of the server'),
    })
    server.route('/a', { message: (socket, message) => void socket.send(message) })
    const { peer, status } = await ask(port, '/a')
    expect(status).toBe(101)
    peer.send(Opcode.Text, 'of the peer')
    expect(await peer.text()).toEqual([Opcode.Text, 'of the peer'])
    expect((await ask(port)).status).toBe(401)
  })
})

describe('an option that there is not', () => {
  test.each([
    ['maxConnection', 'There is no option "maxConnection" of createServer. Did you mean maxConnections?'],
    ['maxconnections', 'There is no option "maxconnections" of createServer. Did you mean maxConnections?'],
    [
      'maxConnectionPerAddress',
      'There is no option "maxConnectionPerAddress" of createServer. Did you mean maxConnectionsPerAddress?',
    ],
    ['maxHandshake', 'There is no option "maxHandshake" of createServer. Did you mean maxHandshakes?'],
    ['maxHeader', 'There is no option "maxHeader" of createServer. Did you mean maxHeaders?'],
    ['maxHeadersSize', 'There is no option "maxHeadersSize" of createServer. Did you mean maxHeaderSize?'],
    ['trustedProxy', 'There is no option "trustedProxy" of createServer. Did you mean trustedProxies?'],
    ['perMessageDeflate', 'There is no option "perMessageDeflate" of createServer.'],
  ])('%s', (name, message) => {
    expect(() => createServer({ [name]: 1 })).toThrow(new ArgumentError(message))
  })

  test.each([
    ['maxPayloads', 'There is no option "maxPayloads" of route. Did you mean maxPayload?'],
    ['http', 'The option http is one of createServer, not of route.'],
    ['trustedProxies', 'The option trustedProxies is one of createServer, not of route.'],
    ['log', 'The option log is one of createServer, not of route.'],
  ])('%s of a route', (name, message) => {
    expect(() => createServer().route('/', { [name]: 1 })).toThrow(new ArgumentError(message))
  })

  test.each(['maxConnections', 'maxConnectionsPerAddress', 'maxHandshakes', 'maxHeaders', 'maxHeaderSize'])(
    '%s is a count',
    (name) => {
      for (const [value, shown] of [
        [-1, '-1'],
        [1.5, '1.5'],
        [Number.NaN, 'NaN'],
        ['5', '"5"'],
      ]) {
        expect(() => createServer({ trustedProxies: [], [name]: value })).toThrow(
          new ArgumentError(`The option ${name} is a whole number of 0 or more, or Infinity, not ${shown}.`),
        )
      }
    },
  )
})
