/** What a server does with connections that the native addon accepts; where there is none, these tests are skipped. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createNetServer } from 'node:net'
import {
  type ConnectionClosedError,
  createServer,
  Opcode,
  type ServerOptions,
  type ServerSocket,
  type UpgradeRequest,
} from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { Mailbox } from '../support/mailbox.ts'
import { ACCEPT, handshake, masked, RawPeer } from '../support/raw-peer.ts'

const native = describe.skipIf(findAddon().addon === undefined)

const SWITCHED = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`

/** @param host all addresses when it is empty */
async function serve<Data = undefined>(options: ServerOptions<Data> = {}, host = '127.0.0.1') {
  const server = createServer({ log: () => {}, transport: 'native', ...options })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  return { server, ...(await server.listen({ port: 0, host })) }
}

function nodeSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
}

native('a plain handshake', () => {
  test("is answered, and no socket of Node's is made for it", async () => {
    const { port, server } = await serve({ open: (socket) => void socket.send('hello') })
    const before = nodeSockets()
    const peers: RawPeer[] = []
    for (let i = 0; i < 10; i++) peers.push(await RawPeer.dial(port))
    for (const peer of peers) {
      peer.write(handshake())
      expect(await peer.head()).toBe(SWITCHED)
      expect(await peer.text()).toEqual([Opcode.Text, 'hello'])
    }
    // Those of the clients.
    expect(nodeSockets() - before).toBe(10)
    expect(server.stats().connections.open).toBe(10)
  })

  test('with frames behind it in the same packet, of any number', async () => {
    const got = new Mailbox<string | Uint8Array>()
    const { port } = await serve({ message: (_socket, message) => got.put(message) })
    const peer = await RawPeer.dial(port)
    const frames = Array.from({ length: 20_000 }, (_, i) => masked(Opcode.Text, String(i)))
    peer.write(Buffer.concat([Buffer.from(handshake()), ...frames]))
    await got.reach(20_000)
    expect(got.all.every((message, i) => message === String(i))).toBe(true)
  })

  test('says from where it comes, as Node does', async () => {
    const requests = new Mailbox<UpgradeRequest>()
    const options = { upgrade: (request: UpgradeRequest) => void requests.put(request) }
    const four = await serve(options)
    await RawPeer.open(four.port)
    const both = await serve(options, '')
    expect(both.url).toBe(`ws://localhost:${both.port}`)
    await RawPeer.open(both.port)
    expect((await requests.take(2)).map(({ remoteAddress, clientAddress }) => [remoteAddress, clientAddress])).toEqual([
      ['127.0.0.1', '127.0.0.1'],
      [both.address === '::' ? '::ffff:127.0.0.1' : '127.0.0.1', '127.0.0.1'],
    ])
  })

  test.each(['FIN', 'RST'])('whose client leaves by %s while the hook is at work is given up', async (how) => {
    const requests = new Mailbox<UpgradeRequest>()
    const { port, server } = await serve({
      upgrade(request) {
        requests.put(request)
        return new Promise<undefined>(() => {})
      },
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    const { signal } = await requests.next()
    if (how === 'FIN') peer.stream.end()
    else peer.stream.resetAndDestroy()
    await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ code: 'HANDSHAKE_ABORTED' })
    expect(server.stats()).toMatchObject({ connections: { handshakes: 0, open: 0 }, refused: { total: 1 } })
  })

  test.runIf(process.platform === 'linux')('leads to a connection for which the kernel holds little', async () => {
    const sockets = new Mailbox<ServerSocket>()
    const { port } = await serve({ open: (socket) => void sockets.put(socket) })
    const peer = await RawPeer.open(port)
    peer.stream.pause()
    const socket = await sockets.next()
    let sent = 0
    while (socket.bufferedAmount === 0) {
      socket.send(new Uint8Array(4096))
      sent += 4096
      await new Promise(setImmediate)
    }
    // Without a limit it takes megabytes.
    expect(sent).toBeGreaterThan(64 * 1024)
    expect(sent).toBeLessThan(1024 * 1024)
  })

  test('that is refused is read to its end, so that no reset destroys the answer', async () => {
    const { port } = await serve({ open() {} })
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ Origin: 'https://evil.example' }))
    peer.write(Buffer.alloc(1_000_000))
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 403 /)
    peer.stream.end()
    await peer.close()
    expect(peer.error).toBeUndefined()
  })
})

native('what is no plain handshake is for Node', () => {
  test('a handshake that comes byte by byte', async () => {
    const { port } = await serve({ open() {} })
    const peer = await RawPeer.dial(port)
    for (const char of handshake()) {
      peer.write(char)
      await new Promise(setImmediate)
    }
    expect(await peer.head()).toBe(SWITCHED)
  })

  test('ordinary requests, one after another on a connection, and a handshake after them', async () => {
    const { port } = await serve({ open() {}, http: (request, response) => void response.end(request.url) })
    const peer = await RawPeer.dial(port)
    for (const path of ['/a', '/b']) {
      peer.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      expect(await peer.head()).toMatch(/^HTTP\/1.1 200 OK\r\n/)
      expect(await peer.until(() => (peer.bytes.length === 2 ? peer.take(2).toString() : undefined))).toBe(path)
    }
    peer.write(handshake())
    expect(await peer.head()).toBe(SWITCHED)
  })

  test('a request with a body', async () => {
    const { port } = await serve({
      open() {},
      http: async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        response.end(body)
      },
    })
    expect(await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(100_000) })).text()).toBe(
      'x'.repeat(100_000),
    )
  })

  test.each([
    { name: 'whitespace before a colon', request: handshake({ 'X-A ': 'b' }), status: 400 },
    { name: 'a line that goes on', request: handshake({ 'X-A': 'b\r\n c' }), status: 400 },
    { name: 'a target in absolute form', request: handshake({}, 'GET http://server.example/ HTTP/1.1'), status: 101 },
    { name: 'a body', request: `${handshake({ 'Content-Length': '4' })}body`, status: 400 },
    { name: 'too large a head', request: handshake({ 'X-A': 'a'.repeat(20_000) }), status: 431 },
    { name: 'far too large a head', request: handshake({ 'X-A': 'a'.repeat(200_000) }), status: 431 },
    { name: 'too many fields', request: handshake(Object.fromEntries(counted(101))), status: 431 },
    { name: 'no HTTP', request: '\u0016\u0003\u0001', status: 400 },
  ])('$name: $status', async ({ request, status }) => {
    const { port } = await serve({ open() {} })
    const peer = await RawPeer.dial(port)
    peer.write(request)
    expect((await peer.head()).slice(0, 13)).toBe(`HTTP/1.1 ${status} `)
  })

  test('silence', async () => {
    const { server, port } = await serve({ handshakeTimeout: 50, open() {} })
    const peer = await RawPeer.dial(port)
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
    expect(server.stats().refused).toEqual({ total: 1, byReason: { HANDSHAKE_TIMEOUT: 1 } })
  })

  test('but not one who comes and leaves without a word', async () => {
    const { server, port } = await serve({ open() {} })
    for (let i = 0; i < 20; i++) {
      const peer = await RawPeer.dial(port)
      if (i % 2 === 0) peer.stream.end()
      else peer.stream.resetAndDestroy()
      await peer.close()
    }
    await RawPeer.open(port)
    expect(server.stats()).toMatchObject({ opened: 1, refused: { total: 0 } })
  })
})

native('a native port', () => {
  /** What Node says of a port that it cannot have. */
  async function nodesError(options: { port: number; host?: string }): Promise<unknown> {
    const server = createNetServer()
    onTestFinished(() => void server.close())
    const failed = once(server, 'error')
    server.listen(options)
    const [error] = await failed
    return fieldsOf(error)
  }

  function fieldsOf({ message, code, errno, syscall, address, port }: Error & Record<string, unknown>) {
    return { message, code, errno, syscall, address, port }
  }

  test('that cannot be had is refused in the words of Node', async () => {
    const { port } = await serve()
    const all = await serve({}, '')
    for (const where of [
      { port, host: '127.0.0.1' },
      { port: all.port },
      { port: 0, host: '192.0.2.1' },
      { port: 0, host: 'nowhere.invalid' },
    ]) {
      const error = await createServer({ transport: 'native' })
        .listen(where)
        .then(() => undefined, fieldsOf)
      expect(error).toEqual(await nodesError(where))
      expect(error?.code).toMatch(/^E/)
    }
  })

  test('is given up when the server is closed, and can be had again at once', async () => {
    const { server, port } = await serve({ open() {} })
    const [open, silent] = [await RawPeer.open(port), await RawPeer.dial(port)]
    open.stream.on('data', () => open.stream.end())
    await server.close()
    await silent.end()
    await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const next = createServer({ open() {}, transport: 'native' })
    onTestFinished(async () => void (await next.close({ deadline: 1 })))
    await next.listen({ port, host: '127.0.0.1' })
    await RawPeer.open(port)
  })

  test('answers handshakes with 503 until the last connection has ended', async () => {
    const { server, port } = await serve({ open() {} })
    const holding = await RawPeer.open(port)
    const closed = server.close()
    const late = await RawPeer.dial(port)
    late.write(handshake())
    expect(await late.head()).toMatch(/^HTTP\/1.1 503 [\s\S]*\r\nRetry-After: /)
    expect(await holding.closeFrame()).toEqual([1001, ''])
    holding.sendClose(1001)
    holding.stream.end()
    expect(await closed).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
  })

  test.skipIf(process.platform !== 'linux')(
    'is not passed on to child processes, nor are its connections',
    async () => {
      const { port } = await serve({ open() {} })
      await RawPeer.open(port)
      const { stdout } = spawnSync('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'ignore'] })
      // The first three are what the child itself is given.
      expect(stdout.toString()).not.toMatch(/ (?:[3-9]|\d\d+) -> socket:/)
    },
  )

  test('serves a message that goes round', async () => {
    const { port } = await serve({ message: (socket, message) => void socket.send(message) })
    const peer = await RawPeer.open(port)
    peer.send(Opcode.Text, 'round')
    expect(await peer.text()).toEqual([Opcode.Text, 'round'])
  })

  test('tells of a reset that came right behind the handshake', async () => {
    const closed = new Mailbox<ConnectionClosedError | number>()
    const { port } = await serve({ close: (_socket, { code }) => closed.put(code) })
    for (let i = 0; i < 5; i++) {
      const peer = await RawPeer.dial(port)
      peer.write(handshake())
      await new Promise(setImmediate)
      peer.stream.resetAndDestroy()
    }
    const peer = await RawPeer.open(port)
    peer.stream.resetAndDestroy()
    expect(await closed.next()).toBe(1006)
  })
})

function counted(count: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => [`X-${i}`, 'a'])
}
