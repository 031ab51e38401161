import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ArgumentError, createServer, type ServerOptions } from 'heartwire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { HeaderFields } from '../../src/protocol/headers.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

/** What a request is answered with: the status, and the body of a refusal. */
async function ask(port: number, request: string): Promise<[status: string, body: string]> {
  const peer = await RawPeer.dial(port)
  peer.write(request)
  const head = await peer.head()
  const status = head.slice(9, head.indexOf('\r\n'))
  if (status.startsWith('101')) return [status, '']
  const body = await peer.rest()
  peer.stream.end()
  return [status, body]
}

/** A handshake with this many header fields. */
function withFields(count: number, target = '/'): string {
  const filler = Array.from({ length: count - 5 }, (_, index) => [`X-${index}`, 'a'] as const)
  return handshake(Object.fromEntries(filler), `GET ${target} HTTP/1.1`)
}

/** What Node counts of a request: its target, and the names and values of its fields. */
function sizeOf(request: string): number {
  const [line = '', ...fields] = request.trim().split('\r\n')
  return [line.split(' ')[1], ...fields.flatMap((field) => field.split(': '))].join('').length
}

/** A handshake whose target and header fields have this many bytes. */
function ofSize(size: number, target = '/'): string {
  const request = (filler: string) => handshake({ 'X-Filler': filler }, `GET ${target} HTTP/1.1`)
  return request('a'.repeat(size - sizeOf(request('a')) + 1))
}

/** On a server of its own, and attached to one of Node's whose limits are wider. */
const places = [
  { place: 'a server that listens', start: async (options: ServerOptions<undefined>) => await serve(options) },
  {
    place: 'a server that is attached',
    async start(options: ServerOptions<undefined>) {
      const server = createServer({ log: () => {}, ...options })
      const http = createHttpServer({ maxHeaderSize: 64 * 1024 })
      http.maxHeadersCount = 0
      server.attach(http)
      onTestFinished(async () => {
        await server.close({ deadline: 1 })
        http.close()
      })
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
      return { server, port: (http.address() as AddressInfo).port }
    },
  },
]

test('the requests of these tests are what they say', () => {
  expect(withFields(7).trim().split('\r\n')).toHaveLength(8)
  expect(sizeOf(ofSize(1000))).toBe(1000)
  expect(sizeOf(ofSize(1000, '/a?b'))).toBe(1000)
})

describe.each(places)('$place', ({ start }) => {
  test('takes 100 header fields, and refuses more with 431', async () => {
    const { server, port } = await start({ open() {} })
    expect(await ask(port, withFields(100))).toEqual(['101 Switching Protocols', ''])
    expect(await ask(port, withFields(101))).toEqual([
      '431 Request Header Fields Too Large',
      'The request has 101 header fields, and 100 are allowed (maxHeaders).\n',
    ])
    expect(await ask(port, withFields(500))).toMatchObject(['431 Request Header Fields Too Large', /500/])
    expect(server.stats().refused.byReason).toEqual({ HEADERS_TOO_LARGE: 2 })
  })

  test.each([5, 20])('takes as many as maxHeaders says: %d', async (maxHeaders) => {
    const { port } = await start({ maxHeaders, open() {} })
    expect((await ask(port, withFields(maxHeaders)))[0]).toBe('101 Switching Protocols')
    expect(await ask(port, withFields(maxHeaders + 1))).toEqual([
      '431 Request Header Fields Too Large',
      `The request has ${maxHeaders + 1} header fields, and ${maxHeaders} are allowed (maxHeaders).\n`,
    ])
  })

  test.each([1200, Number.POSITIVE_INFINITY])('takes 1,200 where maxHeaders is %d', async (maxHeaders) => {
    const { port } = await start({ maxHeaders, maxHeaderSize: 32 * 1024, open() {} })
    expect((await ask(port, withFields(1200)))[0]).toBe('101 Switching Protocols')
    if (maxHeaders === 1200) {
      expect((await ask(port, withFields(1201)))[0]).toBe('431 Request Header Fields Too Large')
    }
  })

  test.each([
    { options: {}, most: 16 * 1024 },
    { options: { maxHeaderSize: 500 }, most: 500 },
    { options: { maxHeaderSize: 40_000 }, most: 40_000 },
  ])('takes $most bytes of headers with $options, and refuses one more with 431', async ({ options, most }) => {
    const { server, port } = await start({ ...options, open() {} })
    for (const target of ['/', `/${'p'.repeat(100)}`]) {
      expect((await ask(port, ofSize(most, target)))[0]).toBe('101 Switching Protocols')
      const [status, body] = await ask(port, ofSize(most + 1, target))
      expect(status).toBe('431 Request Header Fields Too Large')
      expect(body).toMatch(/\(maxHeaderSize\)\.\n$/)
    }
    expect(server.stats().refused).toEqual({ total: 2, byReason: { HEADERS_TOO_LARGE: 2 } })
  })

  test('whoever is refused so is not asked about, and has no place', async () => {
    let asked = 0
    const { server, port } = await start({ maxHeaders: 5, maxConnections: 1, upgrade: () => void asked++ })
    for (let i = 0; i < 3; i++) expect((await ask(port, withFields(6)))[0]).toMatch(/^431/)
    expect(asked).toBe(0)
    expect((await ask(port, withFields(5)))[0]).toMatch(/^101/)
    expect([asked, server.sockets.size]).toEqual([1, 1])
  })

  test('a route has less, not more', async () => {
    const { server, port } = await start({ maxHeaders: 20, maxHeaderSize: 2000, open() {} })
    server.route('/few', { maxHeaders: 6, open() {} }).route('/small', { maxHeaderSize: 300, open() {} })
    server.route('/same', { open() {} })
    const statusOf = async (request: string) => (await ask(port, request))[0].slice(0, 3)
    expect([await statusOf(withFields(6, '/few')), await statusOf(withFields(7, '/few'))]).toEqual(['101', '431'])
    expect([await statusOf(ofSize(300, '/small')), await statusOf(ofSize(301, '/small'))]).toEqual(['101', '431'])
    expect([await statusOf(withFields(20, '/same')), await statusOf(withFields(21, '/same'))]).toEqual(['101', '431'])
    expect(await ask(port, ofSize(301, '/small'))).toEqual([
      '431 Request Header Fields Too Large',
      'The request has 301 bytes of headers, and 300 are allowed (maxHeaderSize).\n',
    ])
  })
})

test.each([
  [
    { maxHeaders: 101 },
    'The option maxHeaders of a route is at most that of its server, 100, not 101: headers are read before the route is known.',
  ],
  [
    { maxHeaderSize: 16_385 },
    'The option maxHeaderSize of a route is at most that of its server, 16384, not 16385: headers are read before the route is known.',
  ],
])('a route with %j is refused', (options, message) => {
  expect(() => createServer().route('/', options)).toThrow(new ArgumentError(message))
})

test('what Node itself cuts off is answered, logged and counted as well', async () => {
  const lines: string[] = []
  const { server, port } = await serve({ maxHeaderSize: 300, open() {}, log: (line) => void lines.push(line) })
  const message = 'The request has more bytes of headers than are allowed (maxHeaderSize).'
  expect(await ask(port, ofSize(5000))).toEqual(['431 Request Header Fields Too Large', `${message}\n`])
  expect(lines).toEqual([`heartwire refused a handshake from 127.0.0.1 with 431: ${message}`])
  expect(server.stats().refused.byReason).toEqual({ HEADERS_TOO_LARGE: 1 })
})

describe('the fields of a request are read', () => {
  function reading() {
    const spy = vi.spyOn(HeaderFields, 'fromRaw')
    onTestFinished(() => spy.mockRestore())
    return spy
  }

  test('once for a handshake, and once for an ordinary request that says why it is none', async () => {
    const { port } = await serve({ trustedProxies: ['loopback'], open() {} })
    const spy = reading()
    expect((await ask(port, withFields(10)))[0]).toMatch(/^101/)
    expect(spy).toHaveBeenCalledTimes(1)
    const dropped = handshake({ Upgrade: undefined, 'X-Forwarded-For': '192.0.2.1' })
    expect((await ask(port, dropped))[0]).toMatch(/^426/)
    expect(spy).toHaveBeenCalledTimes(2)
  })

  test('not at all when there are too many, or too many connections, and the client is known all the same', async () => {
    const lines: string[] = []
    const { port } = await serve({
      trustedProxies: ['loopback'],
      maxHeaders: 8,
      maxConnections: 0,
      open() {},
      log: (line) => void lines.push(line),
    })
    const spy = reading()
    const forwarded = { 'X-FORWARDED-FOR': ['198.51.100.7, 192.0.2.1', ' 127.0.0.2 '] }
    expect((await ask(port, handshake({ ...forwarded, A: '', B: '' })))[0]).toMatch(/^431/)
    expect((await ask(port, handshake(forwarded)))[0]).toMatch(/^503/)
    expect((await ask(port, handshake(forwarded, 'GET /nowhere HTTP/1.1')))[0]).toMatch(/^503/)
    expect(spy).not.toHaveBeenCalled()
    expect(lines.map((line) => line.slice(0, 60))).toEqual([
      'heartwire refused a handshake from 192.0.2.1 with 431: The r',
      'heartwire refused a handshake from 192.0.2.1 with 503: There',
      'heartwire refused a handshake from 192.0.2.1 with 503: There',
    ])
  })
})
