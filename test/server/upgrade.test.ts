import { setTimeout } from 'node:timers/promises'
import { Opcode, type ServerSocket, UpgradeRejected } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { ACCEPT, handshake, masked, RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

/** Everything that a request is answered with, until the server ends. */
async function answer(port: number, request: string): Promise<string> {
  const peer = await RawPeer.dial(port)
  peer.write(request)
  const rest = await peer.rest()
  peer.stream.end()
  return rest
}

function refusal(status: string, body: string, headers: string[] = []): string {
  const lines = [
    `HTTP/1.1 ${status}`,
    `Connection: ${headers.some((header) => header.startsWith('Upgrade')) ? 'close, Upgrade' : 'close'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body) + 1}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}\n`
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
}

describe('a handshake that is accepted', () => {
  test('is answered with exactly this', async () => {
    const { port } = await serve({ open() {} })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    expect(await peer.head()).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    )
  })

  test('with headers and cookies of the hook', async () => {
    const { port } = await serve({
      upgrade: () => ({ headers: { 'set-cookie': ['a=1; Path=/', 'b=2'], 'X-Request-Id': '7' } }),
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    expect(await peer.head()).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n` +
        'set-cookie: a=1; Path=/\r\nset-cookie: b=2\r\nX-Request-Id: 7\r\n\r\n',
    )
  })

  test('with the first frame in the same write', async () => {
    const { port } = await serve({ open: (socket) => void socket.send('welcome') })
    const peer = await RawPeer.open(port)
    expect(await peer.text()).toEqual([Opcode.Text, 'welcome'])
  })
})

describe('a handshake that is refused', () => {
  const body = 'RFC 6455 section 4.2.1'

  test.each([
    {
      name: 'another method',
      request: handshake({}, 'POST / HTTP/1.1'),
      answered: refusal(
        '405 Method Not Allowed',
        `The method is "POST", and a WebSocket handshake is a GET request (${body}).`,
        ['Allow: GET'],
      ),
    },
    {
      name: 'another version',
      request: handshake({ 'Sec-WebSocket-Version': '8' }),
      answered: refusal('426 Upgrade Required', `The Sec-WebSocket-Version "8" is not supported, "13" is (${body}).`, [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
      ]),
    },
    {
      name: 'another protocol',
      request: handshake({ Upgrade: 'h2c' }),
      answered: refusal('426 Upgrade Required', `The Upgrade header "h2c" does not name "websocket" (${body}).`, [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
      ]),
    },
    {
      name: 'no key',
      request: handshake({ 'Sec-WebSocket-Key': undefined }),
      answered: refusal('400 Bad Request', `The request has no Sec-WebSocket-Key header (${body}).`),
    },
    {
      name: 'another origin',
      request: handshake({ Origin: 'https://evil.example' }),
      answered: refusal(
        '403 Forbidden',
        'Origin "https://evil.example" is not allowed: it is not the host asked for, "server.example". Add it to the `origins` option to allow it.',
      ),
    },
  ])('for $name', async ({ request, answered }) => {
    const { port, server } = await serve({ open() {} })
    expect(await answer(port, request)).toBe(answered)
    expect(server.sockets.size).toBe(0)
  })

  test('for a path that nobody has', async () => {
    const { port, server } = await serve()
    server.route('/chat', {})
    expect(await answer(port, handshake({}, 'GET /other?q=1 HTTP/1.1'))).toBe(
      refusal('404 Not Found', 'There is no WebSocket at /other.'),
    )
  })

  test('is logged: with both values, the name of the option, and at a bounded rate', async () => {
    const lines: string[] = []
    const { port } = await serve({ open() {}, log: (line) => void lines.push(line) })
    for (let i = 0; i < 8; i++) await answer(port, handshake({ Origin: `https://evil${i}.example` }))
    expect(lines).toEqual(
      [0, 1, 2, 3, 4].map(
        (i) =>
          `heartwire refused a handshake from 127.0.0.1 with 403: Origin "https://evil${i}.example" is not allowed: ` +
          'it is not the host asked for, "server.example". Add it to the `origins` option to allow it.',
      ),
    )
  })

  test('what was left out of the log is said when the server closes', async () => {
    const lines: string[] = []
    const { port, server } = await serve({ open() {}, log: (line) => void lines.push(line) })
    for (let i = 0; i < 7; i++) await answer(port, handshake({ Origin: 'https://evil.example' }))
    await server.close()
    expect(lines[5]).toBe('2 more refusals were not logged.')
  })

  const noDisk = new Error('no disk')
  test.each([
    {
      name: 'throws',
      log: () => {
        throw noDisk
      },
    },
    {
      name: 'rejects',
      log: async () => {
        throw noDisk
      },
    },
  ])('a log that $name is reported, and the client has its answer', async ({ log }) => {
    const errors = new Mailbox<unknown>()
    const { port } = await serve({ open() {}, error: errors.put, log })
    expect(await answer(port, handshake({ Origin: 'https://evil.example' }))).toMatch(/^HTTP\/1.1 403 /)
    expect(errors.all).toEqual([noDisk])
  })

  test('is read to its end, so that no reset destroys the answer, but not for ever', async () => {
    const { port } = await serve({ open() {} })
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ Origin: 'https://evil.example' }))
    peer.write(Buffer.alloc(1_000_000))
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 403 /)
    const before = performance.now()
    // Writing to what nobody reads any more ends in a reset.
    const writing = setInterval(() => peer.stream.write('more'), 50)
    await peer.close()
    clearInterval(writing)
    expect(performance.now() - before).toBeGreaterThanOrEqual(900)
    expect(performance.now() - before).toBeLessThan(3000)
  })
})

describe('the upgrade hook', () => {
  test('may decide later; what comes early is kept, and comes in order after open', async () => {
    const happened: string[] = []
    let decide = () => {}
    const { port } = await serve<string>({
      upgrade: () =>
        new Promise<{ data: string }>((resolve) => {
          decide = () => resolve({ data: 'Ada' })
        }),
      open: (socket) => void happened.push(`open ${socket.data}`),
      message(socket, message) {
        happened.push(String(message))
        if (message === 'three') socket.send('all')
      },
    })
    const peer = await RawPeer.dial(port)
    peer.write(Buffer.concat([Buffer.from(handshake()), masked(Opcode.Text, 'one')]))
    await setTimeout(10)
    peer.send(Opcode.Text, 'two')
    await setTimeout(10)
    decide()
    peer.send(Opcode.Text, 'three')
    expect(await peer.head()).toMatch(/^HTTP\/1.1 101 /)
    expect(await peer.text()).toEqual([Opcode.Text, 'all'])
    expect(happened).toEqual(['open Ada', 'one', 'two', 'three'])
  })

  test('keeps a bounded part of what comes early, and TCP holds the rest back: nothing is lost', async () => {
    let decide = () => {}
    const got = new Mailbox<string | Uint8Array>()
    const { port } = await serve({
      upgrade: () =>
        new Promise<object>((resolve) => {
          decide = () => resolve({})
        }),
      message: (_socket, message) => got.put(message),
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    let flushed = 0
    for (let i = 0; i < 256; i++) peer.stream.write(masked(Opcode.Binary, Buffer.alloc(64 * 1024, i)), () => flushed++)
    await setTimeout(150)
    expect(flushed).toBeLessThan(200)
    decide()
    await got.reach(256)
    expect(got.all.every((message, index) => message.length === 64 * 1024 && message[0] === index)).toBe(true)
  })

  test.each([
    {
      name: 'throws',
      upgrade: () => {
        throw new Error('boom')
      },
    },
    {
      name: 'rejects',
      upgrade: async () => {
        await setTimeout(1)
        throw new Error('boom')
      },
    },
  ])('that $name is answered with 500, and reported', async ({ upgrade }) => {
    const errors = new Mailbox<unknown[]>()
    const { port, server } = await serve({ upgrade, error: (...args) => errors.put(args) })
    expect(await answer(port, handshake())).toBe(
      refusal('500 Internal Server Error', 'The server failed to answer the handshake.'),
    )
    expect(errors.all).toEqual([[new Error('boom'), undefined]])
    expect(server.sockets.size).toBe(0)
  })

  test.each([
    { name: 'a line break in a value', headers: { 'x-a': 'b\r\nSet-Cookie: c=d' } },
    { name: 'a line break in a name', headers: { 'x-a: b\r\nx-c': 'd' } },
    { name: 'a character that is none', headers: { 'x-a': '\u0000' } },
    { name: 'a header of the handshake', headers: { 'sec-websocket-accept': 'mine' } },
    { name: 'the subprotocol', headers: { 'Sec-WebSocket-Protocol': 'chat' } },
    { name: 'a body', headers: { 'content-length': '5' } },
  ])('with headers that would inject: $name', async ({ headers }) => {
    const errors = new Mailbox<unknown>()
    const { port } = await serve({ upgrade: () => ({ headers }), error: errors.put })
    expect(await answer(port, handshake())).toBe(
      refusal('500 Internal Server Error', 'The server failed to answer the handshake.'),
    )
    expect(errors.all).toHaveLength(1)
    expect(errors.all[0]).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('that does not settle is over after handshakeTimeout', async () => {
    let signal: AbortSignal | undefined
    const lines: string[] = []
    const before = performance.now()
    const { port } = await serve({
      handshakeTimeout: 50,
      upgrade(request) {
        signal = request.signal
        return new Promise<undefined>(() => {})
      },
      log: (line) => void lines.push(line),
    })
    expect(await answer(port, handshake())).toBe(
      refusal('503 Service Unavailable', 'The handshake was not done within 50 ms (handshakeTimeout).'),
    )
    expect(performance.now() - before).toBeGreaterThanOrEqual(48)
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', status: 503 })
    expect(lines).toHaveLength(1)
  })

  test('that settles after that does nothing', async () => {
    let settle = () => {}
    const { port, server } = await serve({
      handshakeTimeout: 30,
      upgrade: () =>
        new Promise<undefined>((_resolve, reject) => {
          settle = () => reject(new Error('too late'))
        }),
    })
    expect(await answer(port, handshake())).toMatch(/^HTTP\/1.1 503 /)
    settle()
    await setTimeout(5)
    expect(server.sockets.size).toBe(0)
  })

  test('may answer with anything that can be awaited', async () => {
    const { port } = await serve<string>({
      // @ts-expect-error: a query builder, say, is no Promise
      upgrade: () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        then: (resolve: (value: unknown) => void) => resolve({ data: 'late' }),
      }),
      open: (socket) => void socket.send(socket.data),
    })
    const peer = await RawPeer.open(port)
    expect(await peer.text()).toEqual([Opcode.Text, 'late'])
  })
})

describe('a client that goes away', () => {
  test.each(['RST', 'FIN'])('during the hook, by %s: its signal is aborted, and nothing is left', async (how) => {
    const before = timers()
    const signals = new Mailbox<AbortSignal>()
    let settle = () => {}
    const opened = new Mailbox<unknown>()
    const { port, server } = await serve({
      upgrade(request) {
        signals.put(request.signal)
        return new Promise<object>((resolve) => {
          settle = () => resolve({})
        })
      },
      open: opened.put,
      close: opened.put,
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    const signal = await signals.next()
    expect(signal.aborted).toBe(false)
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    if (how === 'RST') peer.stream.resetAndDestroy()
    else peer.stream.end()
    await aborted
    expect(signal.reason).toMatchObject({ code: 'HANDSHAKE_ABORTED' })
    settle()
    await peer.close()
    expect(server.sockets.size).toBe(0)
    expect(opened.all).toEqual([])
    expect(timers()).toBeLessThanOrEqual(before)
    await server.close()
  })

  test('before the hook could be called', async () => {
    const { port, server } = await serve({ upgrade: async () => undefined, open() {} })
    for (let i = 0; i < 20; i++) {
      const peer = await RawPeer.dial(port)
      peer.write(handshake())
      peer.stream.resetAndDestroy()
      await peer.close()
    }
    await setTimeout(20)
    expect(server.sockets.size).toBe(0)
  })

  test('right when it was answered: opened and closed, once each', async () => {
    const happened = new Mailbox<string>()
    const peers: RawPeer[] = []
    const { port, server } = await serve({
      async upgrade() {
        await setTimeout(1)
        return {}
      },
      open: () => happened.put('open'),
      close: () => happened.put('close'),
    })
    for (let i = 0; i < 20; i++) {
      const peer = await RawPeer.dial(port)
      peers.push(peer)
      peer.write(handshake())
      void peer.head().then(
        () => peer.stream.resetAndDestroy(),
        () => {},
      )
    }
    for (const peer of peers) await peer.close()
    await happened.reach(40)
    expect(happened.all.filter((what) => what === 'close')).toHaveLength(20)
    expect(server.sockets.size).toBe(0)
  })

  test('at any moment of 60 handshakes: nothing is left', async () => {
    const before = timers()
    let opened = 0
    let closed = 0
    const { port, server } = await serve({
      async upgrade() {
        await setTimeout(Math.random() * 6)
        if (Math.random() < 0.2) throw new UpgradeRejected(401, 'no')
        return {}
      },
      open: () => void opened++,
      close: () => void closed++,
    })
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const peer = await RawPeer.dial(port)
        peer.write(handshake())
        await setTimeout(i / 6)
        if (i % 2 === 0) peer.stream.resetAndDestroy()
        else peer.stream.destroy()
        await peer.close()
      }),
    )
    await server.close()
    // The hooks of those who left still run.
    await setTimeout(10)
    expect(closed).toBe(opened)
    expect(server.sockets.size).toBe(0)
    expect(timers()).toBeLessThanOrEqual(before)
  })

  test('or never sends its request is cut by handshakeTimeout', async () => {
    const { port } = await serve({ open() {}, handshakeTimeout: 80 })
    const peer = await RawPeer.dial(port)
    peer.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n')
    const before = performance.now()
    await peer.end()
    expect(performance.now() - before).toBeLessThan(3000)
  })
})

describe('subprotocols', () => {
  async function chosen(options: Parameters<typeof serve>[0], offered: string | undefined): Promise<string> {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { port } = await serve({ ...options, open: opened.put })
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ 'Sec-WebSocket-Protocol': offered }))
    const head = await peer.head()
    const socket = await opened.next()
    const [, header] = /Sec-WebSocket-Protocol: (.*)\r\n/i.exec(head) ?? []
    expect(header ?? '').toBe(socket.protocol)
    return socket.protocol
  }

  test.each([
    {
      name: "the server's first that the client offers",
      options: { protocols: ['b', 'a'] },
      offered: 'a, b, c',
      protocol: 'b',
    },
    { name: 'none of a list', options: { protocols: ['x'] }, offered: 'a, b', protocol: '' },
    { name: 'none, where none is offered', options: { protocols: ['x'] }, offered: undefined, protocol: '' },
    { name: 'none, where the server has none', options: {}, offered: 'a', protocol: '' },
    {
      name: 'what a function says',
      options: { protocols: (offered: readonly string[]) => offered.at(-1) },
      offered: 'a, b',
      protocol: 'b',
    },
    { name: 'nothing, when the function says so', options: { protocols: () => undefined }, offered: 'a', protocol: '' },
    {
      name: 'what the hook says',
      options: { protocols: ['a'], upgrade: () => ({ protocol: 'b' }) },
      offered: 'a, b',
      protocol: 'b',
    },
    {
      name: 'none, when the hook says so',
      options: { protocols: ['a'], upgrade: () => ({ protocol: '' }) },
      offered: 'a',
      protocol: '',
    },
  ])('$name', async ({ options, offered, protocol }) => {
    expect(await chosen(options, offered)).toBe(protocol)
  })

  test('a choice that was not offered is a fault of the server: 500', async () => {
    const errors = new Mailbox<unknown>()
    const { port } = await serve({ upgrade: () => ({ protocol: 'other' }), error: errors.put })
    expect(await answer(port, handshake({ 'Sec-WebSocket-Protocol': 'chat' }))).toMatch(/^HTTP\/1.1 500 /)
    expect(errors.all[0]).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('a function that throws: 500', async () => {
    const errors = new Mailbox<unknown>()
    const boom = new Error('boom')
    const { port } = await serve({
      open() {},
      protocols() {
        throw boom
      },
      error: errors.put,
    })
    expect(await answer(port, handshake())).toMatch(/^HTTP\/1.1 500 /)
    expect(errors.all).toEqual([boom])
  })
})
