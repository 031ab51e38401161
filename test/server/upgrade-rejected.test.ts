import { ArgumentError, HeartwireError, type Socket, UpgradeRejected } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve, wsClosed } from '../support/servers.ts'

test('is answered with its status, its reason and its headers', async () => {
  const errors = new Mailbox<unknown>()
  const lines: string[] = []
  const { port } = await serve({
    upgrade() {
      throw new UpgradeRejected(401, 'sign in first', {
        headers: { 'www-authenticate': 'Bearer', 'Set-Cookie': ['a=1', 'b=2'] },
      })
    },
    error: errors.put,
    log: (line) => void lines.push(line),
  })
  const peer = await RawPeer.dial(port)
  peer.write(handshake())
  expect(await peer.rest()).toBe(
    'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n' +
      'WWW-Authenticate: Bearer\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nsign in first\n',
  )
  // What the application refuses is neither an error nor news to it.
  expect(errors.all).toEqual([])
  expect(lines).toEqual([])
})

test('can redirect, and can carry a body of its own type', async () => {
  const { port } = await serve({
    async upgrade(request) {
      if (request.path === '/old') throw new UpgradeRejected(308, 'moved', { headers: { location: '/new' } })
      throw new UpgradeRejected(403, '{"error":"no"}', { headers: { 'content-type': 'application/json' } })
    },
  })
  const moved = await RawPeer.dial(port)
  moved.write(handshake({}, 'GET /old HTTP/1.1'))
  expect(await moved.rest()).toMatch(/^HTTP\/1.1 308 Permanent Redirect\r\n[\s\S]*\r\nLocation: \/new\r\n/)
  const refused = await RawPeer.dial(port)
  refused.write(handshake())
  expect(await refused.rest()).toMatch(/\r\nContent-Type: application\/json\r\n\r\n{"error":"no"}\n$/)
})

describe('with a close code', () => {
  test('completes the handshake, and closes: a page in a browser can read that', async () => {
    const called: string[] = []
    const { url, server } = await serve({
      upgrade() {
        throw new UpgradeRejected(401, 'sign in first', { closeCode: 4401, headers: { 'x-why': 'no token' } })
      },
      open: () => void called.push('open'),
      message: () => void called.push('message'),
      close: () => void called.push('close'),
    })
    const client = new WebSocket(url)
    let why: unknown
    client.on('upgrade', (response) => {
      why = response.headers['x-why']
    })
    client.on('open', () => client.send('are you there?'))
    expect(await wsClosed(client)).toEqual({ code: 4401, reason: 'sign in first' })
    expect(why).toBe('no token')
    expect(called).toEqual([])
    expect(server.sockets.size).toBe(0)
  })

  test('is not heard of by the observer of frames', async () => {
    const frames = new Mailbox<Socket>()
    const { url } = await serve({
      upgrade() {
        throw new UpgradeRejected(401, '', { closeCode: 4401 })
      },
      observeFrames: (socket) => frames.put(socket),
    })
    const client = new WebSocket(url)
    expect(await wsClosed(client)).toEqual({ code: 4401, reason: '' })
    expect(frames.all).toEqual([])
  })

  test('does not keep the server from closing', async () => {
    const { port, server } = await serve({
      upgrade() {
        throw new UpgradeRejected(401, '', { closeCode: 4401 })
      },
    })
    const peer = await RawPeer.open(port)
    expect(await peer.closeFrame()).toEqual([4401, ''])
    const before = performance.now()
    await server.close({ deadline: 50 })
    expect(performance.now() - before).toBeLessThan(1000)
    await peer.end()
  })
})

describe('cannot be made', () => {
  test.each([101, 200, 299, 600, 1000, Number.NaN, 401.5])('with the status %d', (status) => {
    expect(() => new UpgradeRejected(status, '')).toThrow(
      new ArgumentError(`A handshake cannot be refused with status ${status}: it must be from 300 to 599.`),
    )
  })

  test('with a close code that cannot be sent, or a reason that does not fit it', () => {
    expect(() => new UpgradeRejected(401, '', { closeCode: 1006 })).toThrow(ArgumentError)
    expect(() => new UpgradeRejected(401, 'x'.repeat(124), { closeCode: 4401 })).toThrow(ArgumentError)
    expect(new UpgradeRejected(401, 'x'.repeat(124)).message).toHaveLength(124)
  })

  test.each([{ headers: { 'x-a': 'b\r\nc: d' } }, { headers: { 'content-length': '7' } }, { headers: { 'a b': 'c' } }])(
    'with headers that cannot be sent: $headers',
    ({ headers }) => {
      expect(() => new UpgradeRejected(401, '', { headers })).toThrow(ArgumentError)
      expect(() => new UpgradeRejected(401, '', { headers, closeCode: 4401 })).toThrow(ArgumentError)
    },
  )

  test('with a header of the handshake, where that is completed', () => {
    const headers = { 'sec-websocket-accept': 'mine' }
    expect(() => new UpgradeRejected(401, '', { headers, closeCode: 4401 })).toThrow(ArgumentError)
  })
})

test('says what it is', () => {
  const error = new UpgradeRejected(401, 'sign in first', { closeCode: 4401 })
  expect(error).toBeInstanceOf(HeartwireError)
  expect(error).toMatchObject({
    name: 'UpgradeRejected',
    code: 'UPGRADE_REJECTED',
    message: 'sign in first',
    status: 401,
    closeCode: 4401,
  })
})

test('one whose headers were changed afterwards is answered with 500, and reported', async () => {
  const errors = new Mailbox<unknown>()
  const { port } = await serve({
    upgrade() {
      const headers = { 'x-a': 'fine' }
      const error = new UpgradeRejected(401, 'no', { headers })
      headers['x-a'] = 'not\r\nfine'
      throw error
    },
    error: errors.put,
  })
  const peer = await RawPeer.dial(port)
  peer.write(handshake())
  expect(await peer.rest()).toMatch(/^HTTP\/1.1 500 /)
  expect(errors.all[0]).toMatchObject({ code: 'INVALID_ARGUMENT' })
})
