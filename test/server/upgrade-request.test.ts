import type { ServerOptions, UpgradeRequest } from 'heartwire'
import { expect, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

async function seen(
  headers: Record<string, string | string[]>,
  line?: string,
  options: ServerOptions<undefined> = {},
): Promise<UpgradeRequest> {
  const requests = new Mailbox<UpgradeRequest>()
  const { port } = await serve({
    ...options,
    upgrade(request) {
      requests.put(request)
      return undefined
    },
  })
  await RawPeer.open(port, headers, line)
  return requests.next()
}

test('says what was asked for', async () => {
  const request = await seen(
    {
      Origin: 'http://server.example',
      Cookie: ['a=1', 'b=2'],
      'X-Twice': ['1', '2'],
      'Sec-WebSocket-Protocol': 'chat, v2',
    },
    'GET /rooms/a%20b?x=1&y=%C3%A9&x=2 HTTP/1.1',
  )
  expect(request.method).toBe('GET')
  expect(request.url).toBe('/rooms/a%20b?x=1&y=%C3%A9&x=2')
  expect(request.path).toBe('/rooms/a%20b')
  expect(request.query.getAll('x')).toEqual(['1', '2'])
  expect(request.query.get('y')).toBe('é')
  expect(request.origin).toBe('http://server.example')
  expect(request.protocols).toEqual(['chat', 'v2'])
  expect(request.remoteAddress).toBe('127.0.0.1')
  expect(request.match).toBeUndefined()
  expect(request.signal.aborted).toBe(false)
  expect(request.header('HOST')).toBe('server.example')
  expect(request.header('x-twice')).toBe('1, 2')
  expect(request.header('x-none')).toBeUndefined()
  expect(request.headers).toMatchObject({ host: 'server.example', upgrade: 'websocket', 'x-twice': '1, 2' })
  // Cookie is the one header that is not joined by commas (RFC 6265 section 5.4, RFC 9113 section 8.2.3).
  expect(request.header('cookie')).toBe('a=1; b=2')
})

test('has neither query nor origin nor subprotocols where there are none', async () => {
  const request = await seen({})
  expect(request.url).toBe('/')
  expect(request.path).toBe('/')
  expect([...request.query]).toEqual([])
  expect(request.origin).toBeUndefined()
  expect(request.protocols).toEqual([])
})

test.each([
  { target: 'http://server.example/chat?x', path: '/chat' },
  { target: 'HTTPS://server.example:8443?x=/y', path: '/' },
  { target: 'http://server.example', path: '/' },
])('a target in absolute form has a path as well: $target', async ({ target, path }) => {
  const request = await seen({}, `GET ${target} HTTP/1.1`)
  expect(request.url).toBe(target)
  expect(request.path).toBe(path)
})

test("has Node's request on Node's sockets", async () => {
  const request = await seen({}, 'GET /a?b HTTP/1.1', { transport: 'node' })
  expect(request.raw?.url).toBe('/a?b')
})

test.skipIf(findAddon().addon === undefined)(
  'has none where the native addon has accepted the connection',
  async () => {
    const request = await seen({}, 'GET /a?b HTTP/1.1', { transport: 'native' })
    expect(request.raw).toBeUndefined()
    expect(request.url).toBe('/a?b')
  },
)
