import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer, type ServerOptions } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { wsClient, wsClosed } from '../support/servers.ts'

const tls = {
  key: readFileSync(new URL('../fixtures/tls/server.key', import.meta.url)),
  cert: readFileSync(new URL('../fixtures/tls/server.crt', import.meta.url)),
}

async function listening(http: HttpServer): Promise<number> {
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return (http.address() as AddressInfo).port
}

/** A server that says its name to whoever connects. */
function greeter(name: string, options: ServerOptions<undefined> = {}) {
  const server = createServer({ open: (socket) => void socket.send(name), log: () => {}, ...options })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  return server
}

async function greeting(url: string): Promise<string | Buffer> {
  const { client, messages } = await wsClient(url)
  const message = await messages.next()
  client.terminate()
  return message
}

async function status(url: string): Promise<number | undefined> {
  const client = new WebSocket(url)
  return new Promise((resolve) => {
    client.on('unexpected-response', (request, response) => {
      resolve(response.statusCode)
      request.destroy()
    })
    client.on('error', () => resolve(undefined))
  })
}

test('takes the upgrades of an HTTP server, and leaves the rest to it', async () => {
  const http = createHttpServer((_request, response) => response.end('a page'))
  greeter('hello').attach(http)
  const port = await listening(http)
  expect(await greeting(`ws://127.0.0.1:${port}/any/path`)).toBe('hello')
  const page = await fetch(`http://127.0.0.1:${port}/`)
  expect(await page.text()).toBe('a page')
})

test('takes those of an HTTPS server', async () => {
  const https = createHttpsServer(tls, (_request, response) => response.end('a page'))
  greeter('safe').attach(https)
  const port = await listening(https)
  const client = new WebSocket(`wss://127.0.0.1:${port}`, { rejectUnauthorized: false })
  onTestFinished(() => client.terminate())
  expect(await new Promise((resolve) => client.once('message', (data) => resolve(String(data))))).toBe('safe')
})

test('can be attached to a server that listens already, and to several', async () => {
  const server = greeter('hello')
  const ports = []
  for (const http of [createHttpServer(), createHttpServer()]) {
    ports.push(await listening(http))
    expect(server.attach(http)).toBe(server)
  }
  for (const port of ports) expect(await greeting(`ws://127.0.0.1:${port}`)).toBe('hello')
})

test('an upgrade that nobody claims is logged and counted, once: by the server that was attached first', async () => {
  const lines: string[] = []
  const http = createHttpServer()
  const first = greeter('first', { log: (line) => void lines.push(line) }).attach(http, { path: '/first' })
  const second = greeter('second').attach(http, { path: '/second' })
  const port = await listening(http)
  expect(await status(`ws://127.0.0.1:${port}/third`)).toBe(404)
  expect(first.stats().refused).toEqual({ total: 1, byReason: { NOT_FOUND: 1 } })
  expect(second.stats().refused.total).toBe(0)
  expect(lines).toEqual(['heartwire refused a handshake from 127.0.0.1 with 404: There is no WebSocket at /third.'])
  await first.close()
  expect(await status(`ws://127.0.0.1:${port}/third`)).toBe(404)
  expect(second.stats().refused).toEqual({ total: 1, byReason: { NOT_FOUND: 1 } })
})

describe('what is claimed', () => {
  test('by path: that path only, whatever its query', async () => {
    const http = createHttpServer()
    greeter('chat').attach(http, { path: '/chat' })
    const port = await listening(http)
    expect(await greeting(`ws://127.0.0.1:${port}/chat?room=1`)).toBe('chat')
    expect(await status(`ws://127.0.0.1:${port}/chat/`)).toBe(404)
    expect(await status(`ws://127.0.0.1:${port}/`)).toBe(404)
  })

  test('by a function', async () => {
    const http = createHttpServer()
    greeter('v2').attach(http, { match: (request) => request.headers['x-version'] === '2' })
    const port = await listening(http)
    const { messages } = await wsClient(`ws://127.0.0.1:${port}`, { headers: { 'x-version': '2' } })
    expect(await messages.next()).toBe('v2')
    expect(await status(`ws://127.0.0.1:${port}`)).toBe(404)
  })

  test('by a function that throws: 500, and it is reported', async () => {
    const errors = new Mailbox<unknown>()
    const boom = new Error('boom')
    const http = createHttpServer()
    greeter('never', { error: errors.put }).attach(http, {
      match() {
        throw boom
      },
    })
    const port = await listening(http)
    expect(await status(`ws://127.0.0.1:${port}`)).toBe(500)
    expect(errors.all).toEqual([boom])
  })

  test('by the routes', async () => {
    const http = createHttpServer()
    const server = createServer({ log: () => {} })
    onTestFinished(async () => void (await server.close({ deadline: 1 })))
    server.route('/prices', { open: (socket) => void socket.send('prices') }).attach(http)
    const port = await listening(http)
    expect(await greeting(`ws://127.0.0.1:${port}/prices`)).toBe('prices')
    expect(await status(`ws://127.0.0.1:${port}/other`)).toBe(404)
  })

  test('by none: 404 with a sentence', async () => {
    const http = createHttpServer()
    greeter('chat').attach(http, { path: '/chat' })
    const peer = await RawPeer.dial(await listening(http))
    peer.write(handshake({}, 'GET /nowhere HTTP/1.1'))
    expect(await peer.rest()).toMatch(
      /^HTTP\/1.1 404 Not Found\r\n[\s\S]*\r\n\r\nThere is no WebSocket at \/nowhere\.\n$/,
    )
  })
})

describe('several on one HTTP server', () => {
  test('heartwire servers know of each other', async () => {
    const http = createHttpServer()
    greeter('a').attach(http, { path: '/a' })
    const b = greeter('b').attach(http, { path: '/b' })
    greeter('rest').attach(http)
    const port = await listening(http)
    expect(await greeting(`ws://127.0.0.1:${port}/a`)).toBe('a')
    expect(await greeting(`ws://127.0.0.1:${port}/b`)).toBe('b')
    expect(await greeting(`ws://127.0.0.1:${port}/c`)).toBe('rest')
    expect(http.listenerCount('upgrade')).toBe(1)
    // One that closes leaves its part to the others.
    await b.close()
    expect(await greeting(`ws://127.0.0.1:${port}/a`)).toBe('a')
    expect(await greeting(`ws://127.0.0.1:${port}/b`)).toBe('rest')
  })

  test('the upgrade listeners of others are left what is not claimed', async () => {
    const http = createHttpServer()
    greeter('mine').attach(http, { path: '/mine' })
    const other = new WebSocketServer({ noServer: true })
    http.on('upgrade', (request, stream, head) => {
      if (request.url !== '/other') return
      other.handleUpgrade(request, stream, head, (client) => client.send('other'))
    })
    const port = await listening(http)
    expect(await greeting(`ws://127.0.0.1:${port}/mine`)).toBe('mine')
    expect(await greeting(`ws://127.0.0.1:${port}/other`)).toBe('other')
  })
})

describe('close', () => {
  test('leaves the HTTP server running', async () => {
    const http = createHttpServer((_request, response) => response.end('a page'))
    const server = greeter('hello').attach(http)
    const port = await listening(http)
    const { client } = await wsClient(`ws://127.0.0.1:${port}`)
    const closed = wsClosed(client)
    await server.close()
    expect(await closed).toEqual({ code: 1001, reason: '' })
    expect(http.listening).toBe(true)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('a page')
  })

  test('refuses newcomers with 503 afterwards, whom Node would answer as if they had asked for a page', async () => {
    const http = createHttpServer((_request, response) => response.end('a page'))
    const lines: string[] = []
    const server = greeter('hello', { log: (line) => void lines.push(line) }).attach(http, { path: '/live' })
    const port = await listening(http)
    await server.close()
    for (const path of ['/live', '/other']) {
      const newcomer = await RawPeer.dial(port)
      newcomer.write(handshake({}, `GET ${path} HTTP/1.1`))
      expect(await newcomer.rest()).toMatch(
        /^HTTP\/1.1 503 Service Unavailable\r\n[\s\S]*\r\nretry-after: \d+\r\n[\s\S]*The server is closing\.\n$/i,
      )
    }
    expect(server.stats().refused).toEqual({ total: 2, byReason: { SERVER_CLOSING: 2 } })
    expect(lines).toEqual(
      new Array(2).fill('heartwire refused a handshake from 127.0.0.1 with 503: The server is closing.'),
    )
  })

  test('leaves newcomers to whoever else listens, or is attached later', async () => {
    const http = createHttpServer()
    const port = await listening(http)
    await greeter('first').attach(http).close()
    const other = new WebSocketServer({ noServer: true })
    const onUpgrade = (...[request, stream, head]: Parameters<WebSocketServer['handleUpgrade']>) => {
      other.handleUpgrade(request, stream, head, (client) => client.send('other'))
    }
    http.on('upgrade', onUpgrade)
    expect(await greeting(`ws://127.0.0.1:${port}`)).toBe('other')
    http.off('upgrade', onUpgrade)
    expect(await status(`ws://127.0.0.1:${port}`)).toBe(503)
    const second = greeter('second').attach(http, { path: '/second' })
    expect(await greeting(`ws://127.0.0.1:${port}/second`)).toBe('second')
    expect(await status(`ws://127.0.0.1:${port}`)).toBe(404)
    expect(second.stats().refused).toEqual({ total: 1, byReason: { NOT_FOUND: 1 } })
    expect(http.listenerCount('upgrade')).toBe(1)
    http.removeAllListeners('upgrade')
    greeter('third').attach(http, { path: '/third' })
    expect(await greeting(`ws://127.0.0.1:${port}/third`)).toBe('third')
  })

  test('refuses newcomers with 503 while it lasts', async () => {
    const http = createHttpServer()
    const server = greeter('hello').attach(http, { path: '/' })
    const port = await listening(http)
    const peer = await RawPeer.open(port)
    await peer.text()
    const closing = server.close()
    expect(await peer.closeFrame()).toEqual([1001, ''])
    const newcomer = await RawPeer.dial(port)
    newcomer.write(handshake({}, 'GET /elsewhere HTTP/1.1'))
    expect(await newcomer.rest()).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n[\s\S]*The server is closing\.\n$/)
    peer.sendClose(1001)
    await peer.end()
    peer.stream.end()
    await closing
  })
})
