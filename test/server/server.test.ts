import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex, duplexPair } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { ArgumentError, connect, createServer, Opcode, type ServerSocket, UpgradeRejected } from 'heartwire'
import { decodeFrame, type Frame } from 'heartwire/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, masked, RawPeer } from '../support/raw-peer.ts'
import { serve, wsClient, wsClosed } from '../support/servers.ts'

const tls = {
  key: readFileSync(new URL('../fixtures/tls/server.key', import.meta.url)),
  cert: readFileSync(new URL('../fixtures/tls/server.crt', import.meta.url)),
}
const ca = readFileSync(new URL('../fixtures/tls/ca.crt', import.meta.url))

/** A server that answers with what it gets. */
function echo() {
  const server = createServer({ message: (socket, message) => void socket.send(message), log: () => {} })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  return server
}

function text(frame: Frame | undefined): string | undefined {
  return frame && Buffer.from(frame.payload).toString()
}

async function echoes(client: WebSocket): Promise<string> {
  onTestFinished(() => client.terminate())
  client.on('open', () => client.send('hello'))
  return new Promise((resolve, reject) => client.once('message', (data) => resolve(String(data))).once('error', reject))
}

describe('listen', () => {
  test('on a free port of all addresses', async () => {
    const { port, address, url } = await echo().listen()
    expect(port).toBeGreaterThan(0)
    expect(address).toBe('::')
    expect(url).toBe(`ws://localhost:${port}`)
    expect(await echoes(new WebSocket(url))).toBe('hello')
  })

  test('on one address, of either version', async () => {
    const four = await echo().listen({ host: '127.0.0.1', port: 0 })
    expect(four).toEqual({ port: four.port, address: '127.0.0.1', url: `ws://127.0.0.1:${four.port}` })
    expect(await echoes(new WebSocket(four.url))).toBe('hello')
    const six = await echo().listen({ host: '::1' })
    expect(six).toEqual({ port: six.port, address: '::1', url: `ws://[::1]:${six.port}` })
    expect(await echoes(new WebSocket(six.url))).toBe('hello')
  })

  test('on a Unix socket, whose file is gone afterwards', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'heartwire-')), 'socket')
    const sockets = new Mailbox<ServerSocket<undefined>>()
    const server = createServer({ open: sockets.put, message: (socket, message) => void socket.send(message) })
    expect(await server.listen({ path })).toEqual({ port: 0, address: path, url: `ws+unix:${path}` })
    expect(await echoes(new WebSocket(`ws+unix:${path}:/`))).toBe('hello')
    expect((await sockets.next()).remoteAddress).toBeUndefined()
    await server.close()
    await expect(RawPeer.dial(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('with TLS', async () => {
    const { url, port } = await echo().listen({ host: '127.0.0.1', tls })
    expect(url).toBe(`wss://127.0.0.1:${port}`)
    expect(await echoes(new WebSocket(`wss://localhost:${port}`, { ca }))).toBe('hello')
    const socket = await connect(`wss://localhost:${port}`, { tls: { ca } })
    socket.send('x'.repeat(3_000_000))
    await expect(socket.receive()).rejects.toMatchObject({ info: { received: 1009 } })
  })

  test('with TLS, what the server cannot read ends that connection alone', async () => {
    const { port } = await echo().listen({ host: '127.0.0.1', tls })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    await peer.end()
    expect(await echoes(new WebSocket(`wss://localhost:${port}`, { ca }))).toBe('hello')
  })

  test('says EADDRINUSE as the system does, and can be tried again', async () => {
    const { port } = await echo().listen({ host: '127.0.0.1' })
    const second = echo()
    await expect(second.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port })
    const { url } = await second.listen({ host: '127.0.0.1' })
    expect(await echoes(new WebSocket(url))).toBe('hello')
  })

  test.each([{ port: 65_536 }, { port: -1 }, { host: 'no.such.host.invalid' }, { path: '/no/such/folder/socket' }])(
    'on %j rejects as the system does',
    async (options) => {
      await expect(echo().listen(options)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) })
    },
  )

  test('twice, or after close, throws', async () => {
    const server = echo()
    await server.listen({ host: '127.0.0.1' })
    await expect(server.listen()).rejects.toThrow(new ArgumentError('The server listens already.'))
    await server.close()
    await expect(server.listen()).rejects.toThrow(new ArgumentError('The server is closed.'))
  })

  test('answers ordinary requests with 426', async () => {
    const { port } = await echo().listen({ host: '127.0.0.1' })
    const peer = await RawPeer.dial(port)
    peer.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const answer = await peer.rest()
    expect(answer).toMatch(/^HTTP\/1.1 426 Upgrade Required\r\n/)
    expect(answer).toMatch(/\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nconnection: close, Upgrade\r\n/)
    expect(answer).toMatch(/Nothing but WebSocket is spoken here\.\n/)
  })

  test('says and logs which header of a handshake was dropped on its way', async () => {
    const lines: string[] = []
    const server = createServer({ message() {}, log: (line) => lines.push(line) })
    const { port } = await server.listen({ host: '127.0.0.1' })
    const why = 'The request has no Connection header, which must name "Upgrade" (RFC 6455 section 4.2.1).'
    const peer = await RawPeer.dial(port)
    peer.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    const answer = await peer.rest()
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
    expect(answer).toContain(`${why} A proxy in between may have dropped it.\n`)
    expect(lines).toEqual([
      `heartwire refused a handshake from 127.0.0.1 with 400: ${why} A proxy in between may have dropped it.`,
    ])
    await server.close()
  })

  test('or gives them to the option http', async () => {
    const { port, url } = await serve({
      http: (request, response) => response.end(`page ${request.url}`),
      message: (socket, message) => void socket.send(message),
    })
    expect(await (await fetch(`http://127.0.0.1:${port}/about`)).text()).toBe('page /about')
    expect(await echoes(new WebSocket(url))).toBe('hello')
  })

  test('what is no HTTP at all is answered, and ends', async () => {
    const { port } = await echo().listen({ host: '127.0.0.1' })
    const peer = await RawPeer.dial(port)
    peer.write(Buffer.from('16030100', 'hex'))
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
  })
})

describe('handleUpgrade', () => {
  test('takes what the upgrade event of any server gives', async () => {
    const server = echo()
    const http = createHttpServer()
    onTestFinished(() => void http.close())
    http.on('upgrade', (request, stream, head) => server.handleUpgrade(request, stream, head))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    expect(await echoes(new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`))).toBe('hello')
  })

  /** A request as Node's HTTP server would make it. */
  async function upgradeRequest(text: string): Promise<{ request: IncomingMessage; head: Buffer }> {
    const http = createHttpServer()
    onTestFinished(() => void http.close())
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const coming = new Promise<{ request: IncomingMessage; head: Buffer }>((resolve) => {
      http.on('upgrade', (request, stream, head) => {
        stream.destroy()
        resolve({ request, head })
      })
    })
    dial((http.address() as AddressInfo).port, '127.0.0.1')
      .on('error', () => {})
      .end(text)
    return coming
  }

  test('takes any Duplex', async () => {
    const server = echo()
    const [near, far] = duplexPair()
    const { request } = await upgradeRequest(handshake())
    const came: Buffer[] = []
    const done = new Promise<void>((resolve) => {
      near.on('data', (chunk: Buffer) => {
        came.push(chunk)
        if (Buffer.concat(came).includes('second')) resolve()
      })
    })
    server.handleUpgrade(request, far, Buffer.from(masked(Opcode.Text, 'first')))
    near.write(masked(Opcode.Text, 'second'))
    await done
    const bytes = Buffer.concat(came)
    const at = bytes.indexOf('\r\n\r\n') + 4
    const first = decodeFrame(bytes, at)
    expect(text(first)).toBe('first')
    expect(text(decodeFrame(bytes, at + (first?.length ?? 0)))).toBe('second')
  })

  test('neither writes to the memory that a Duplex gives, nor lets it see its own change', async () => {
    const server = createServer({ message: (socket, message) => void socket.send(message) })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    const { request } = await upgradeRequest(handshake())
    const written: Buffer[] = []
    const copies: Buffer[] = []
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        written.push(chunk)
        copies.push(Buffer.from(chunk))
        callback()
      },
    })
    server.handleUpgrade(request, stream, Buffer.alloc(0))
    const frame = Buffer.from(masked(Opcode.Text, 'the same each time'))
    const before = Buffer.from(frame)
    for (let i = 0; i < 50; i++) {
      stream.push(frame)
      await setTimeout(0)
    }
    expect(frame.equals(before)).toBe(true)
    expect(written).toHaveLength(51)
    expect(written.every((chunk, index) => copies[index]?.equals(chunk))).toBe(true)
    expect(text(decodeFrame(written[50] ?? Buffer.alloc(0)))).toBe('the same each time')
  })

  test('refuses what no route takes, and everything once it is closed', async () => {
    const server = createServer({})
    const answers: string[] = []
    const take = async () => {
      const { request } = await upgradeRequest(handshake())
      const [near, far] = duplexPair()
      server.handleUpgrade(request, far, Buffer.alloc(0))
      let answer = ''
      for await (const chunk of near) answer += String(chunk)
      answers.push(answer.slice(0, 12))
    }
    await take()
    await server.close()
    await take()
    expect(answers).toEqual(['HTTP/1.1 404', 'HTTP/1.1 503'])
  })

  test('a stream that is gone already', async () => {
    const opened = new Mailbox<unknown>()
    const server = createServer({ open: opened.put })
    const { request } = await upgradeRequest(handshake())
    const [, far] = duplexPair()
    far.destroy()
    server.handleUpgrade(request, far, Buffer.alloc(0))
    await server.close()
    expect(server.sockets.size).toBe(0)
  })
})

describe('the sockets', () => {
  test('are listed while they are open or closing, and found by their id', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { server, url } = await serve({ open: opened.put })
    const one = await wsClient(url)
    const first = await opened.next()
    await wsClient(url)
    const second = await opened.next()
    expect([...server.sockets]).toEqual([first, second])
    const { id } = first
    expect(first.id).toBe(id)
    expect(second.id).not.toBe(id)
    expect(server.get(id)).toBe(first)
    expect(server.get(second.id)).toBe(second)
    expect(server.get('other')).toBeUndefined()
    one.client.close()
    await first.closed
    expect([...server.sockets]).toEqual([second])
    expect(server.get(id)).toBeUndefined()
    expect(first.id).toBe(id)
  })

  test('an id that is asked for after the end finds nobody', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { server, url } = await serve({ open: opened.put })
    const { client } = await wsClient(url)
    const socket = await opened.next()
    client.close()
    await socket.closed
    expect(server.get(socket.id)).toBeUndefined()
  })

  test('ids differ between servers', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    for (let i = 0; i < 2; i++) await wsClient((await serve({ open: opened.put })).url)
    const [a, b] = await opened.take(2)
    expect(a?.id).not.toBe(b?.id)
  })
})

describe('close', () => {
  test('sends everyone 1001, and resolves when all have ended', async () => {
    const closes: unknown[] = []
    const { server, url } = await serve({
      close: (_socket, info) => void closes.push([info.cause, info.sent, info.wasClean]),
    })
    const clients = await Promise.all([1, 2, 3].map(() => wsClient(url)))
    const closed = clients.map(({ client }) => wsClosed(client))
    await server.close()
    expect(closes).toEqual(new Array(3).fill(['shutdown', 1001, true]))
    expect(server.sockets.size).toBe(0)
    expect(await Promise.all(closed)).toEqual(new Array(3).fill({ code: 1001, reason: '' }))
    await expect(wsClient(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('with a code and a reason', async () => {
    const { server, url } = await serve({ open() {} })
    const { client } = await wsClient(url)
    const closed = wsClosed(client)
    await server.close({ code: 1012, reason: 'back soon' })
    expect(await closed).toEqual({ code: 1012, reason: 'back soon' })
  })

  test('delivers what was sent before', async () => {
    const { server, url } = await serve({ open: (socket) => void socket.send('x'.repeat(1_000_000)) })
    const { client, messages } = await wsClient(url)
    const closed = wsClosed(client)
    await server.close()
    await closed
    expect(messages.all.map((message) => message.length)).toEqual([1_000_000])
  })

  test('cuts at the deadline who has not answered', async () => {
    const closes = new Mailbox<unknown>()
    const { server, port, url } = await serve({ close: (_socket, info) => closes.put(info) })
    const silent = await RawPeer.open(port)
    const { client } = await wsClient(url)
    const closed = wsClosed(client)
    const before = performance.now()
    await server.close({ deadline: 80 })
    expect(performance.now() - before).toBeGreaterThanOrEqual(75)
    expect(performance.now() - before).toBeLessThan(1000)
    expect(await closed).toEqual({ code: 1001, reason: '' })
    expect(closes.all).toMatchObject([
      { cause: 'shutdown', wasClean: true },
      { cause: 'shutdown', sent: 1001, wasClean: false, code: 1006 },
    ])
    expect(await silent.closeFrame()).toEqual([1001, ''])
    await silent.end()
  })

  test('refuses the handshakes that are under way with 503', async () => {
    const signals = new Mailbox<AbortSignal>()
    const { server, port } = await serve({
      upgrade(request) {
        signals.put(request.signal)
        return new Promise<undefined>(() => {})
      },
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    const signal = await signals.next()
    const closed = server.close()
    expect(signal.reason).toMatchObject({ code: 'SERVER_CLOSING' })
    expect(await peer.rest()).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n[\s\S]*\r\n\r\nThe server is closing\.\n$/)
    peer.stream.end()
    await closed
  })

  test('lets HTTP requests that are being answered be answered', async () => {
    const asked = new Mailbox<() => void>()
    const { server, port } = await serve({
      http: (_request, response) => {
        response.write('half, ')
        asked.put(() => response.end('whole'))
      },
    })
    const page = await fetch(`http://127.0.0.1:${port}/`)
    const finish = await asked.next()
    let over = false
    const closed = server.close().then(() => {
      over = true
    })
    await setTimeout(20)
    expect(over).toBe(false)
    finish()
    expect(await page.text()).toBe('half, whole')
    await closed
  })

  test('but not longer than the deadline', async () => {
    const { server, port } = await serve({ http: (_request, response) => void response.write('half') })
    const page = await fetch(`http://127.0.0.1:${port}/`)
    const text = page.text().catch(() => 'cut')
    await server.close({ deadline: 40 })
    expect(await text).toBe('cut')
  })

  test('does not wait for connections that ask for nothing', async () => {
    const { server, port } = await serve({ http: (_request, response) => void response.end('page') })
    await RawPeer.dial(port)
    const kept = await fetch(`http://127.0.0.1:${port}/`)
    await kept.text()
    const before = performance.now()
    await server.close()
    expect(performance.now() - before).toBeLessThan(1000)
  })

  test('while it begins to listen: it does not listen afterwards', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length
    const server = createServer({ open() {} })
    const listening = server.listen({ host: 'localhost' })
    await Promise.all([
      server.close(),
      expect(listening).rejects.toThrow(new ArgumentError('The server was closed before it listened.')),
    ])
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap')).toHaveLength(before)
  })

  test('while it fails to listen', async () => {
    const { port } = await serve()
    const server = createServer({ open() {} })
    const listening = server.listen({ host: 'localhost', port })
    await Promise.all([server.close(), expect(listening).rejects.toThrow()])
  })

  test('twice is once', async () => {
    const { server } = await serve({ open() {} })
    const first = server.close()
    expect(server.close({ code: 4000 })).toBe(first)
    await first
    await server.close()
  })

  test.each([{ code: 1006 }, { code: 999 }, { reason: 'x'.repeat(124) }, { deadline: 0 }, { deadline: Number.NaN }])(
    'with %j rejects, and the server is open as before',
    async (options) => {
      const { server, url } = await serve({ open: (socket) => void socket.send('hello') })
      await expect(server.close(options)).rejects.toBeInstanceOf(ArgumentError)
      const { messages } = await wsClient(url)
      expect(await messages.next()).toBe('hello')
    },
  )

  test('of a server that never listened', async () => {
    await createServer().close()
  })

  test('is what the end of a block does', async () => {
    let url = ''
    {
      await using server = createServer({ open() {} })
      ;({ url } = await server.listen({ host: '127.0.0.1' }))
      await wsClient(url)
    }
    await expect(wsClient(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('leaves nothing that keeps the process', async () => {
    const before = process.getActiveResourcesInfo()
    const { server, url } = await serve({
      open() {},
      upgrade(request) {
        if (request.query.has('no')) throw new UpgradeRejected(401, '', { closeCode: 4401 })
        return undefined
      },
    })
    const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => wsClient(i % 2 === 0 ? url : `${url}?no`)))
    await server.close()
    await Promise.all(clients.map(({ client }) => client.readyState === client.CLOSED || wsClosed(client)))
    await setTimeout(5)
    const count = (kinds: string[], kind: string) => kinds.filter((one) => one === kind).length
    for (const kind of ['TCPSocketWrap', 'TCPServerWrap', 'Timeout', 'Immediate']) {
      expect([kind, count(process.getActiveResourcesInfo(), kind)]).toEqual([kind, expect.any(Number)])
      expect(count(process.getActiveResourcesInfo(), kind)).toBeLessThanOrEqual(count(before, kind))
    }
  })
})
