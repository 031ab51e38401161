import { mkdtempSync } from 'node:fs'
import { Agent, createServer as createHttpServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError, createServer, Opcode, type ServerOptions, type ServerSocket, UpgradeRejected } from 'heartwire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve, wsClient, wsClosed } from '../support/servers.ts'

/** Answers the Close frame, and ends as a client does. */
async function endCleanly(peer: RawPeer): Promise<void> {
  const [code] = await peer.closeFrame()
  peer.sendClose(code)
  await peer.end()
  peer.stream.end()
}

/** A deadline that comes when the test says so, in place of after that time, which a busy machine may need for less. */
function deadlineAtWill() {
  const deadline = 600_000
  const { setTimeout } = globalThis
  let cut = () => {}
  const spy = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => spy.mockRestore())
  spy.mockImplementation(((call: () => void, time?: number) => {
    if (time === deadline) cut = call
    return setTimeout(call, time)
  }) as typeof setTimeout)
  return { deadline, pass: () => cut() }
}

const states = (sockets: Iterable<ServerSocket<undefined>>) => [...sockets].map(({ state }) => state)

describe('the report', () => {
  test('of nobody', async () => {
    const { server } = await serve({ open() {} })
    expect(await server.close()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
    expect(await createServer().close()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
  })

  test('of peers that answer', async () => {
    const { server, port, url } = await serve({ open() {} })
    const peers = [await RawPeer.open(port), await RawPeer.open(port)]
    await wsClient(url)
    const report = server.close()
    await Promise.all(peers.map(endCleanly))
    expect(await report).toEqual({ connections: 3, clean: 3, cut: 0, lost: 0 })
  })

  test('of one that does not answer until the deadline', async () => {
    const { server, port, url } = await serve({ open() {} })
    const silent = await RawPeer.open(port)
    const closed = wsClosed((await wsClient(url)).client)
    const { deadline, pass } = deadlineAtWill()
    const report = server.close({ deadline })
    await closed
    pass()
    expect(await report).toEqual({ connections: 2, clean: 1, cut: 1, lost: 0 })
    expect(await silent.closeFrame()).toEqual([1001, ''])
  })

  test('of one that does not answer within closeTimeout', async () => {
    const { server, port } = await serve({ closeTimeout: 30, open() {} })
    await RawPeer.open(port)
    expect(await server.close()).toEqual({ connections: 1, clean: 0, cut: 1, lost: 0 })
  })

  test('of those that end otherwise: by a reset, or without a Close frame', async () => {
    const { server, port } = await serve({ open() {} })
    const [reset, ended] = [await RawPeer.open(port), await RawPeer.open(port)]
    const report = server.close()
    await Promise.all([reset.closeFrame(), ended.closeFrame()])
    reset.stream.resetAndDestroy()
    ended.stream.end()
    expect(await report).toEqual({ connections: 2, clean: 0, cut: 0, lost: 2 })
  })

  test('of all kinds at once', async () => {
    const closed = new Mailbox<unknown>()
    const { server, port } = await serve({ open() {}, close: closed.put })
    const clean = await Promise.all([1, 2, 3].map(() => RawPeer.open(port)))
    const silent = await Promise.all([1, 2].map(() => RawPeer.open(port)))
    const reset = await RawPeer.open(port)
    const { deadline, pass } = deadlineAtWill()
    const report = server.close({ deadline })
    await reset.closeFrame()
    reset.stream.resetAndDestroy()
    await Promise.all(clean.map(endCleanly))
    await closed.reach(4)
    pass()
    expect(await report).toEqual({ connections: 6, clean: 3, cut: 2, lost: 1 })
    for (const peer of silent) expect(await peer.closeFrame()).toEqual([1001, ''])
  })

  test('counts who was closing already, and who was there to be told a close code', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { server, port } = await serve({
      open: opened.put,
      upgrade({ query }) {
        if (query.has('no')) throw new UpgradeRejected(401, 'no', { closeCode: 4401 })
      },
    })
    const closing = await RawPeer.open(port)
    const socket = await opened.next()
    socket.close(4000, 'before')
    const rejected = await RawPeer.open(port, {}, 'GET /?no HTTP/1.1')
    const report = server.close()
    for (const [peer, code] of [
      [closing, 4000],
      [rejected, 4401],
    ] as const) {
      expect((await peer.closeFrame())[0]).toBe(code)
      peer.sendClose(code)
      await peer.end()
      peer.stream.end()
    }
    expect(await report).toEqual({ connections: 2, clean: 2, cut: 0, lost: 0 })
  })

  test('does not count who had gone before', async () => {
    const closed = new Mailbox<unknown>()
    const { server, port } = await serve({ open() {}, close: closed.put })
    const peer = await RawPeer.open(port)
    peer.stream.destroy()
    await closed.next()
    expect(await server.close()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
  })

  test('is the same when it is asked for again, before and after', async () => {
    const { server, url } = await serve({ open() {} })
    await wsClient(url)
    const first = server.close()
    const second = server.close({ code: 4000, deadline: 1 })
    const report = await first
    expect(report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
    expect(await second).toBe(report)
    expect(await server.close()).toBe(report)
    // Not even what could not be used is looked at.
    expect(await server.close({ deadline: -1 })).toBe(report)
  })
})

describe('spreadOver', () => {
  test.each([-1, 1000, 1001, Number.NaN, Number.POSITIVE_INFINITY, '5'])(
    '%s is refused with a deadline of 1,000, and the server is open as before',
    async (spreadOver) => {
      const { server, url } = await serve({ open: (socket) => void socket.send('hello') })
      await expect(server.close({ deadline: 1000, spreadOver: spreadOver as number })).rejects.toThrow(
        new ArgumentError(
          `The option spreadOver is a number of milliseconds from 0 to less than deadline, 1000, not ${spreadOver}.`,
        ),
      )
      expect(await (await wsClient(url)).messages.next()).toBe('hello')
    },
  )

  test('without it all are closing at once', async () => {
    const { server, url } = await serve({ open() {} })
    for (let i = 0; i < 5; i++) await wsClient(url)
    const report = server.close()
    expect(states(server.sockets)).toEqual(new Array(5).fill('closing'))
    expect(await report).toEqual({ connections: 5, clean: 5, cut: 0, lost: 0 })
  })

  test('with it one is closing at once, and the others are open until their turn comes', async () => {
    const { server, url } = await serve({ message: (socket, message) => void socket.send(message) })
    const clients = []
    for (let i = 0; i < 5; i++) clients.push(await wsClient(url))
    const report = server.close({ spreadOver: 20_000 })
    expect(states(server.sockets)).toEqual(['closing', 'open', 'open', 'open', 'open'])
    for (const { client, messages } of clients.slice(1)) {
      client.send('still there')
      expect(await messages.next()).toBe('still there')
      client.close()
    }
    expect(await report).toEqual({ connections: 5, clean: 5, cut: 0, lost: 0 })
  })

  test('everyone has a turn, with the same code and reason', async () => {
    const { server, url } = await serve({ open() {} })
    const clients = []
    for (let i = 0; i < 5; i++) clients.push(await wsClient(url))
    const closed = clients.map(({ client }) => wsClosed(client))
    const report = server.close({ spreadOver: 100, code: 1012, reason: 'back soon' })
    expect(states(server.sockets)).toEqual(['closing', 'open', 'open', 'open', 'open'])
    expect(await report).toEqual({ connections: 5, clean: 5, cut: 0, lost: 0 })
    expect(await Promise.all(closed)).toEqual(new Array(5).fill({ code: 1012, reason: 'back soon' }))
  })

  test('who leaves before its turn is counted by how it left', async () => {
    const { server, port } = await serve({ open() {} })
    const peers = []
    for (let i = 0; i < 3; i++) peers.push(await RawPeer.open(port))
    const [first, second, third] = peers
    const report = server.close({ spreadOver: 20_000 })
    second?.sendClose(1000)
    expect(await second?.closeFrame()).toEqual([1000, ''])
    await second?.end()
    second?.stream.end()
    third?.stream.resetAndDestroy()
    if (first !== undefined) await endCleanly(first)
    expect(await report).toEqual({ connections: 3, clean: 2, cut: 0, lost: 1 })
  })
})

test('what was queued is delivered before the Close frame', async () => {
  const opened = new Mailbox<ServerSocket<undefined>>()
  const { server, port } = await serve({ open: opened.put })
  const peer = await RawPeer.open(port)
  const socket = await opened.next()
  peer.stream.pause()
  const sent = ['a', 'b', 'c'].map((letter) => letter.repeat(3_000_000))
  for (const message of sent) socket.send(message)
  expect(socket.bufferedAmount).toBeGreaterThan(0)
  const report = server.close()
  peer.stream.resume()
  for (const message of sent) {
    const [opcode, text] = await peer.text()
    expect([opcode, text === message]).toEqual([Opcode.Text, true])
  }
  await endCleanly(peer)
  expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
})

describe('a handshake that comes while the server is closing is refused with 503', () => {
  async function refused(peer: RawPeer): Promise<void> {
    peer.write(handshake())
    const answer = await peer.rest()
    peer.stream.end()
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(answer).toMatch(/\r\nretry-after: ([1-9]|10)\r\n/i)
    expect(answer).toMatch(/\r\n\r\nThe server is closing\.\n$/)
  }

  test('on a connection that was there before', async () => {
    const { server, port } = await serve({ open() {} })
    const early = await RawPeer.dial(port)
    const holding = await RawPeer.open(port)
    const report = server.close()
    await refused(early)
    expect(server.stats().refused).toEqual({ total: 1, byReason: { SERVER_CLOSING: 1 } })
    await endCleanly(holding)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
  })

  test('on a new connection to a server that listens', async () => {
    const { server, port } = await serve({ open() {} })
    const holding = await RawPeer.open(port)
    const report = server.close()
    await refused(await RawPeer.dial(port))
    expect(server.stats().refused).toEqual({ total: 1, byReason: { SERVER_CLOSING: 1 } })
    await endCleanly(holding)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
    await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('on a new connection to a server that it is attached to', async () => {
    const server = createServer({ open() {}, log() {} })
    const http = createHttpServer()
    server.attach(http)
    onTestFinished(() => void http.close())
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    const holding = await RawPeer.open(port)
    const report = server.close()
    await refused(await RawPeer.dial(port))
    await endCleanly(holding)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
  })
})

describe('a handshake in which the application closes the server is refused, and the report does not wait for it', () => {
  const closes = (options: (close: () => void) => ServerOptions<undefined>) => options
  test.each([
    ['by the upgrade hook', 503, closes((close) => ({ upgrade: () => close() }))],
    ['by an upgrade hook that takes its time', 503, closes((close) => ({ upgrade: async () => close() }))],
    [
      'by the function that chooses a subprotocol',
      503,
      closes((close) => ({
        protocols() {
          close()
          return 'chat'
        },
      })),
    ],
    [
      'by the same after an upgrade hook',
      503,
      closes((close) => ({
        upgrade: async () => undefined,
        protocols() {
          close()
          return 'chat'
        },
      })),
    ],
    [
      'by one that refuses with a close code',
      401,
      closes((close) => ({
        protocols() {
          close()
          throw new UpgradeRejected(401, 'no', { closeCode: 4401 })
        },
      })),
    ],
  ])('%s', async (_by, status, options) => {
    const reports = new Mailbox<unknown>()
    const opened = new Mailbox<unknown>()
    const close = () => void server.close().then(reports.put)
    const { server, port } = await serve({ open: opened.put, ...options(close) })
    const peer = await RawPeer.dial(port)
    peer.write(handshake({ 'Sec-WebSocket-Protocol': 'chat' }))
    expect((await peer.rest()).slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
    peer.stream.end()
    expect(await reports.next()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
    expect(opened.all).toEqual([])
    expect(server.stats()).toMatchObject({ opened: 0, refused: { total: 1 } })
  })
})

test('a server that is closed cannot be attached', async () => {
  const server = createServer({ open() {} })
  await server.close()
  const http = createHttpServer()
  expect(() => server.attach(http)).toThrow(new ArgumentError('The server is closed.'))
  expect(http.listenerCount('upgrade')).toBe(0)
})

test('one that is closed while it begins to listen leaves no timer behind', async () => {
  const begun = vi.spyOn(globalThis, 'setInterval')
  const ended = vi.spyOn(globalThis, 'clearInterval')
  onTestFinished(() => {
    begun.mockRestore()
    ended.mockRestore()
  })
  const server = createServer({ open() {} })
  const listening = server.listen({ host: 'localhost' })
  await Promise.all([server.close(), expect(listening).rejects.toThrow('The server was closed before it listened.')])
  const timers = begun.mock.calls.flatMap(([, time], index) =>
    time === 1000 ? [begun.mock.results[index]?.value] : [],
  )
  expect(timers.filter((timer) => !ended.mock.calls.some(([cleared]) => cleared === timer))).toEqual([])
})

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('a server that listens, while it closes', () => {
  test('answers HTTP requests, each as the last one of its connection', async () => {
    const { server, port } = await serve({ open() {}, http: (_request, response) => void response.end('page') })
    const holding = await RawPeer.open(port)
    const before = await RawPeer.dial(port)
    before.write(GET)
    expect(await before.head()).toMatch(/\r\nConnection: keep-alive\r\n/)
    await before.until(() => (before.bytes.length === 4 ? before.take(4) : undefined))
    const report = server.close()
    for (const peer of [before, await RawPeer.dial(port)]) {
      peer.write(GET)
      expect(await peer.rest()).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n[\s\S]*\r\n\r\npage$/)
    }
    await endCleanly(holding)
    await report
  })

  test('is not kept open by a stream of HTTP requests', async () => {
    const { server, port } = await serve({ open() {}, http: (_request, response) => void response.end('page') })
    const holding = await RawPeer.open(port)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const ask = () =>
      new Promise<boolean>((resolve) => {
        get({ port, host: '127.0.0.1', agent }, (response) => response.resume().once('end', () => resolve(true))).once(
          'error',
          () => resolve(false),
        )
      })
    expect(await ask()).toBe(true)
    const report = server.close()
    // One after the other, so that there is hardly a time without a request.
    const stream = (async () => {
      while (await ask());
    })()
    await endCleanly(holding)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
    await stream
    await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('takes no further request on a connection of the last ones, though the application keeps connections alive', async () => {
    const asked = new Mailbox<() => void>()
    const closed = new Mailbox<void>()
    const { server, port } = await serve({
      close: () => closed.put(),
      http: (_request, response) =>
        asked.put(() => response.writeHead(200, { connection: 'keep-alive', 'content-length': 4 }).end('page')),
    })
    const holding = await RawPeer.open(port)
    const [first, second] = [await RawPeer.dial(port), await RawPeer.dial(port)]
    first.write(GET)
    const answerFirst = await asked.next()
    second.write(GET)
    const answerSecond = await asked.next()
    const report = server.close()
    await endCleanly(holding)
    await closed.next()
    await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    answerFirst()
    await first.until(() => (first.bytes.toString().endsWith('\r\n\r\npage') ? true : undefined))
    first.stream.end(GET)
    await first.close()
    expect(asked.all).toHaveLength(2)
    answerSecond()
    expect(await second.rest()).toMatch(/\r\n\r\npage$/)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
  })

  test('cuts HTTP requests of newcomers at the deadline, too', async () => {
    const asked = new Mailbox<void>()
    const { server, port } = await serve({ open() {}, http: () => asked.put() })
    const silent = await RawPeer.open(port)
    const { deadline, pass } = deadlineAtWill()
    const report = server.close({ deadline })
    const newcomer = await RawPeer.dial(port)
    newcomer.write(GET)
    await asked.next()
    pass()
    expect(await report).toEqual({ connections: 1, clean: 0, cut: 1, lost: 0 })
    await newcomer.end()
    expect(newcomer.received).toBe(0)
    expect(await silent.closeFrame()).toEqual([1001, ''])
  })

  test('lets HTTP requests be answered that are under way when the last connection has ended', async () => {
    const asked = new Mailbox<() => void>()
    const closed = new Mailbox<void>()
    const { server, port } = await serve({
      close: () => closed.put(),
      http: (_request, response) => asked.put(() => response.end('page')),
    })
    const holding = await RawPeer.open(port)
    const report = server.close()
    const peer = await RawPeer.dial(port)
    peer.write(GET)
    const answer = await asked.next()
    await endCleanly(holding)
    await closed.next()
    answer()
    expect(await peer.rest()).toMatch(/\r\n\r\npage$/)
    expect(await report).toEqual({ connections: 1, clean: 1, cut: 0, lost: 0 })
  })

  test('gives up a port at once on which it only began to listen, whoever is still connected elsewhere', async () => {
    const server = createServer({ open() {}, log() {} })
    const http = createHttpServer()
    onTestFinished(() => void http.close())
    server.attach(http)
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const holding = await RawPeer.open((http.address() as AddressInfo).port)
    const path = join(mkdtempSync(join(tmpdir(), 'heartwire-')), 'socket')
    const listening = server.listen({ path })
    const report = server.close()
    await expect(listening).rejects.toThrow('The server was closed before it listened.')
    await expect(RawPeer.dial(path)).rejects.toMatchObject({ code: 'ENOENT' })
    await endCleanly(holding)
    await report
  })
})

test('does not wait for answers to whoever is gone, nor for those behind them', async () => {
  const asked = new Mailbox<string | undefined>()
  const gone = new Mailbox<void>()
  const { server, port } = await serve({
    http(request, response) {
      asked.put(request.url)
      response.once('close', () => gone.put())
    },
  })
  const peer = await RawPeer.dial(port)
  for (const path of ['/1', '/2', '/3']) peer.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(await asked.take(3)).toEqual(['/1', '/2', '/3'])
  peer.stream.destroy()
  await gone.next()
  expect(await server.close()).toEqual({ connections: 0, clean: 0, cut: 0, lost: 0 })
})

test('await using closes cleanly at the end of the block', async () => {
  const infos = new Mailbox<unknown>()
  let closed: Promise<unknown>
  {
    await using server = createServer({ open() {}, close: (_socket, info) => infos.put([info.sent, info.wasClean]) })
    const { url } = await server.listen({ host: '127.0.0.1' })
    closed = wsClosed((await wsClient(url)).client)
  }
  expect(infos.all).toEqual([[1001, true]])
  expect(await closed).toEqual({ code: 1001, reason: '' })
})
