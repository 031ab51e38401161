import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ArgumentError, createServer } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Listener } from '../../src/server/listener.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

function httpServer(handshakeTimeout: number) {
  const headerLimits = { maxHeaders: 100, maxHeaderSize: 16_384 }
  return new Listener({}, { handshakeTimeout, headerLimits, http() {}, refuse() {} }).http
}

// Node refuses all that are overdue in one turn of the loop: the longer it waits, the more there are.
describe('slow requests are looked for', () => {
  test('ten times a second', () => {
    expect(httpServer(10_000)).toMatchObject({ headersTimeout: 10_000, connectionsCheckingInterval: 100 })
  })

  test('more often where there is less time', () => {
    expect(httpServer(50)).toMatchObject({ headersTimeout: 50, connectionsCheckingInterval: 13 })
  })
})

describe('what Node does not take for a request is answered, logged and counted', () => {
  test('what is no HTTP: once, however much of it comes', async () => {
    const lines: string[] = []
    const { server, port } = await serve({ open() {}, log: (line) => void lines.push(line) })
    const peer = await RawPeer.dial(port)
    peer.write(Buffer.from('16030100', 'hex'))
    expect(await peer.head()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
    expect(await peer.rest()).toMatch(/^The request cannot be read: Parse Error: .*\.\n$/)
    peer.write('more of it\r\n'.repeat(1000))
    // Whoever connects after this is answered after it was read.
    await RawPeer.open(port)
    expect(lines).toEqual([
      expect.stringMatching(
        /^heartwire refused a handshake from 127\.0\.0\.1 with 400: The request cannot be read: Parse/,
      ),
    ])
    expect(server.stats().refused).toEqual({ total: 1, byReason: { BAD_REQUEST: 1 } })
  })

  test('what does not come in time', async () => {
    const { server, port } = await serve({ handshakeTimeout: 50, open() {} })
    const peer = await RawPeer.dial(port)
    peer.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n')
    const [head, body] = (await peer.rest()).split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/)
    expect(body).toBe('The request did not come in time (handshakeTimeout).\n')
    expect(server.stats().refused).toEqual({ total: 1, byReason: { HANDSHAKE_TIMEOUT: 1 } })
  })

  test('but not in the middle of another answer: the connection is cut', async () => {
    const answering = new Mailbox<void>()
    const http = createServer({ http: (_request, response) => answering.put(void response.write('half')) })
    onTestFinished(async () => void (await http.close({ deadline: 1 })))
    const { port } = await http.listen({ host: '127.0.0.1' })
    const peer = await RawPeer.dial(port)
    peer.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await answering.next()
    await peer.until(() => (peer.bytes.includes('half') ? true : undefined))
    peer.write('no request')
    await peer.end()
    expect(peer.bytes.toString()).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*half\r\n$/)
    expect(http.stats().refused.total).toBe(0)
  })
})

test('a TLS handshake that does not end is cut after handshakeTimeout', async () => {
  const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))
  const server = createServer({ handshakeTimeout: 50, open() {} })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({
    host: '127.0.0.1',
    tls: { key: file('server.key'), cert: file('server.crt') },
  })
  const silent = await RawPeer.dial(port)
  await silent.end()
  expect(silent.received).toBe(0)
})

test('what is cut gives up its port, so that nobody comes who would have to be cut as well', async () => {
  const headerLimits = { maxHeaders: 100, maxHeaderSize: 16_384 }
  const listener = new Listener(
    { host: '127.0.0.1' },
    { handshakeTimeout: 10_000, headerLimits, http() {}, refuse() {} },
  )
  const { port } = await listener.listen()
  await RawPeer.dial(port)
  listener.cut()
  await expect(RawPeer.dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await listener.close()
})

describe('backlog', () => {
  /** How many connections Linux lets wait at most, whatever is asked for. */
  function most(): number {
    return process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0
  }

  test.skipIf(most() < 1000)('is 4,096, or what is given: so many are kept while the server is busy', async () => {
    const start = async (backlog: object) => {
      const server = createServer({ open() {} })
      onTestFinished(async () => void (await server.close({ deadline: 1 })))
      return (await server.listen({ host: '127.0.0.1', ...backlog })).port
    }
    const few = { port: await start({ backlog: 3 }), count: 20 }
    const many = { port: await start({}), count: 1000 }
    const program = fileURLToPath(new URL('programs/connect-many.mjs', import.meta.url))
    // The servers of this process accept nobody until it has ended.
    const { stdout } = spawnSync(process.execPath, [program, JSON.stringify([few, many])], { timeout: 15_000 })
    // Linux keeps one more than it is told to.
    expect(stdout.toString()).toBe('4')
  })

  test.each([0, -1, 1.5, 2 ** 31, Number.POSITIVE_INFINITY, '5'])('%s is refused', async (backlog) => {
    const listening = createServer({ open() {} }).listen({ backlog: backlog as number })
    await expect(listening).rejects.toThrow(
      new ArgumentError(`The option backlog is a whole number from 1 to 2147483647, not ${backlog}.`),
    )
  })
})
