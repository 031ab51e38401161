/** What is secret is nowhere in what heartwire prints; each place is given a secret, and programs still get it. */
import { inspect } from 'node:util'
import { ConnectionClosedError, connect, HandshakeError, UpgradeRejected, type UpgradeRequest } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { describe, expect, test } from 'vitest'
import { answeringServer } from './client/servers.ts'
import { Mailbox } from './support/mailbox.ts'
import { handshake, masked, RawPeer } from './support/raw-peer.ts'
import { rawPair, serve } from './support/servers.ts'

const SECRET = 's3cr3t'
const PLAIN = { proxy: false } as const

/** Everything that can be seen of something that is printed, one way or another. */
function printed(value: unknown): string {
  const message = value instanceof Error ? `${value.message}\n${value.stack}` : ''
  return [message, String(value), inspect(value), inspect(value, { depth: null, colors: true })].join('\n')
}

/** The error of a `connect` that fails. */
async function failure(...args: Parameters<typeof connect>): Promise<unknown> {
  const socket = await connect(...args).catch((error: unknown) => error)
  expect(socket).toBeInstanceOf(Error)
  return socket
}

/** The URL of a server that answers every handshake with this. */
async function answering(answer: string): Promise<string> {
  return `ws://127.0.0.1:${(await answeringServer(answer, { end: true })).port}`
}

describe('a refusal on a server', () => {
  const lines: [what: string, headers: Record<string, string>, line?: string][] = [
    ['the query', { Upgrade: 'no' }, `GET /chat?token=${SECRET} HTTP/1.1`],
    ['cookies', { Cookie: `sid=${SECRET}`, 'Sec-WebSocket-Version': '7' }],
    ['credentials', { Authorization: `Bearer ${SECRET}`, 'Sec-WebSocket-Version': '7' }],
    ['an origin', { Origin: `http://ann:${SECRET}@evil.example?${SECRET}` }],
    ['a subprotocol', { 'Sec-WebSocket-Protocol': `chat, bearer.${SECRET} x` }],
    ['a header of the handshake', { Upgrade: `websocket2 token=${SECRET}` }],
    ['an unknown path', {}, `GET /nowhere?${SECRET} HTTP/1.1`],
    ['an extension', { 'Sec-WebSocket-Extensions': `x; token=${SECRET} y` }],
  ]
  test.each(lines)('that has to do with %s', async (_what, headers, line) => {
    const log = new Mailbox<string>()
    const { server, port } = await serve({ log: log.put })
    server.route('/', { message() {} }).route('/chat', { message() {} })
    const peer = await RawPeer.dial(port)
    peer.write(handshake(headers, line))
    const answer = (await peer.head()) + (await peer.rest())
    expect(answer).toMatch(/^HTTP\/1.1 4/)
    expect(log.all).toHaveLength(1)
    expect(log.all[0]).toContain('heartwire refused a handshake from 127.0.0.1 with 4')
    expect(log.all[0] + answer).not.toContain(SECRET)
  })

  test('in the words of a hook', async () => {
    const log = new Mailbox<string>()
    const { port } = await serve({
      log: log.put,
      upgrade() {
        throw new HandshakeError('BAD_REQUEST', `The token=${SECRET} has expired.`, { status: 401 })
      },
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    await peer.head()
    expect(log.all).toEqual(['heartwire refused a handshake from 127.0.0.1 with 401: The token=*** has expired.'])
  })
})

test('a request, printed in the hook', async () => {
  const requests = new Mailbox<UpgradeRequest>()
  const { port } = await serve({ upgrade: requests.put })
  const peer = await RawPeer.dial(port)
  peer.write(
    handshake(
      {
        Cookie: `sid=${SECRET}`,
        Authorization: `Basic ${SECRET}`,
        'Proxy-Authorization': `Digest ${SECRET}`,
        'X-Api-Key': SECRET,
        Referer: `http://server.example/?${SECRET}`,
        'Sec-WebSocket-Protocol': `bearer.${SECRET}`,
      },
      `GET /chat?token=${SECRET} HTTP/1.1`,
    ),
  )
  const request = await requests.next()
  expect(printed(request)).not.toContain(SECRET)
  expect(inspect(request)).toContain("url: '/chat?***'")
  expect(inspect(request)).toContain("host: 'server.example'")
  // Programs see it all.
  expect(request.url).toBe(`/chat?token=${SECRET}`)
  expect(request.headers.cookie).toBe(`sid=${SECRET}`)
})

describe('a socket', () => {
  test('of a server, with what the application keeps with it', async () => {
    const { server, socket, peer } = await rawPair({
      upgrade: () => ({ data: { name: 'ann', session: { id: SECRET } } }),
      message() {},
    })
    expect(printed(socket)).not.toContain(SECRET)
    expect(inspect(socket)).toContain(`ServerSocket {\n  id: '${socket.id}',\n  state: 'open',`)
    expect(inspect(socket)).toContain("name: 'ann'")
    expect(printed(server)).not.toContain(SECRET)
    expect(inspect(server)).toBe('Server { connections: { handshakes: 0, open: 1, closing: 0 }, opened: 1 }')
    peer.sendClose(4000, `token=${SECRET}`)
    peer.stream.end()
    const info = await socket.closed
    expect(printed(new ConnectionClosedError(info))).not.toContain(SECRET)
    expect(info.reason).toBe(`token=${SECRET}`)
  })

  test('that is kept within its own data', async () => {
    const { socket } = await rawPair<object>()
    socket.data = { socket }
    expect(inspect(socket, { depth: null })).toContain('data: { socket: [Circular] }')
  })

  test('of a client', async () => {
    const { url } = await serve({ message() {} })
    const socket = await connect(`${url.replace('//', `//ann:${SECRET}@`)}/chat?token=${SECRET}`, {
      headers: { cookie: SECRET },
    })
    expect(printed(socket)).not.toContain(SECRET)
    socket.close()
    await socket.closed
  })
})

describe('the error of a client', () => {
  test.each([
    ['a URL that is none', `ws://ann:${SECRET}@`],
    ['a URL that is none, in its query', `ws://[?${SECRET}`],
    ['a fragment', `ws://example.com/#${SECRET}`],
    ['a scheme', `ftp://ann:${SECRET}@example.com/?${SECRET}`],
    ['a percent sign', `ws://ann:%${SECRET}@example.com`],
  ])('for %s', async (_what, url) => {
    expect(printed(await failure(url))).not.toContain(SECRET)
  })

  test.each([
    ['http://ann:s3cr3t@'],
    ['ann:s3cr3t@proxy'],
    ['socks5://ann:s3cr3t@proxy:1080'],
    ['http://ann:s3cr3t@127.0.0.1:1'],
  ])('for the proxy %s', async (proxy) => {
    expect(printed(await failure('ws://example.com', { proxy }))).not.toContain(SECRET)
  })

  test('for a stream that cannot be made', async () => {
    const createConnection = () => {
      throw new Error(`cannot reach socks5://ann:${SECRET}@proxy`)
    }
    const error = await failure('ws://example.com', { createConnection })
    expect(error).toHaveProperty(
      'message',
      'createConnection gave no stream to example.com:80: cannot reach socks5://***@proxy',
    )
    expect(printed(error)).not.toContain(SECRET)
  })

  test('for nobody that listens', async () => {
    const error = await failure(`ws://ann:${SECRET}@127.0.0.1:1/?${SECRET}`, { ...PLAIN, headers: { cookie: SECRET } })
    expect(printed(error)).not.toContain(SECRET)
    expect(inspect(error)).toContain('ECONNREFUSED')
  })

  const refusals: [what: string, answer: string][] = [
    ['cookies', `HTTP/1.1 403 Forbidden\r\nSet-Cookie: sid=${SECRET}\r\nSet-Cookie: b=${SECRET}\r\n\r\n`],
    ['a body', `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{"token":"${SECRET}"}`],
    ['a redirect', `HTTP/1.1 302 Found\r\nLocation: ws://ann:${SECRET}@example.com/?code=${SECRET}#${SECRET}\r\n\r\n`],
    ['a redirect to nowhere', `HTTP/1.1 302 Found\r\nLocation: ws://[?${SECRET}\r\n\r\n`],
    [
      'a 101 that is none',
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: token=${SECRET}\r\nConnection: upgrade\r\n\r\n`,
    ],
    ['what is not HTTP', `token=${SECRET}\r\n\r\n`],
  ]
  test.each(refusals)('for an answer with %s', async (_what, answer) => {
    const error = await failure(await answering(answer), PLAIN)
    expect(error).toBeInstanceOf(HandshakeError)
    expect(printed(error)).not.toContain(SECRET)
    expect(inspect(error)).not.toContain(
      Buffer.from(SECRET)
        .toString('hex')
        .replace(/(?<=..)(?=..)/g, ' ')
        .slice(0, 8),
    )
  })

  test('has the whole answer for programs', async () => {
    const answer = `HTTP/1.1 403 Forbidden\r\nSet-Cookie: sid=${SECRET}\r\n\r\ntoken=${SECRET}`
    const error = await failure(await answering(answer), PLAIN)
    const { headers, body, message } = error as HandshakeError
    expect([headers['set-cookie'], Buffer.from(body).toString(), message]).toEqual([
      [`sid=${SECRET}`],
      `token=${SECRET}`,
      'The server answered 403 Forbidden where a WebSocket handshake is answered with 101: "token=***".',
    ])
  })
})

test('what a hook refuses with', () => {
  const error = new UpgradeRejected(401, 'no', { headers: { 'set-cookie': `sid=${SECRET}`, 'x-why': 'expired' } })
  expect(printed(error)).not.toContain(SECRET)
  expect(inspect(error)).toContain("'x-why': 'expired'")
  expect(error.headers['set-cookie']).toBe(`sid=${SECRET}`)
})

test('text where a frame should be', async () => {
  const { socket, peer } = await rawPair({ message() {} })
  peer.write(`\npwd=${SECRET}\n`)
  const { error } = await socket.closed
  expect(error).toHaveProperty('message', expect.stringContaining('The bytes are plain text ("\\npwd=***'))
  expect(printed(error)).not.toContain(SECRET)
})

test('the payloads of a trace', async () => {
  const lines = new Mailbox<string>()
  const { server, socket, peer } = await rawPair({ message() {} })
  const result = server.trace(socket.id, { write: lines.put, payload: true })
  for (const opcode of [Opcode.Text, Opcode.Binary]) {
    peer.write(masked(opcode, `{"apiKey":"${SECRET}","url":"ws://ann:${SECRET}@x/?${SECRET}"}`))
    peer.write(masked(opcode, `Authorization: Bearer ${SECRET}`))
    peer.write(masked(opcode, `${'x '.repeat(30)} password=${SECRET}`))
  }
  peer.write(masked(Opcode.Ping, `token=${SECRET}`))
  peer.sendClose(4000, `token=${SECRET}`)
  peer.stream.end()
  await result
  expect(lines.all).toHaveLength(12)
  expect(lines.all.join('\n')).not.toContain(SECRET)
})

test('an ordinary request', async () => {
  const log = new Mailbox<string>()
  const { port } = await serve({ message() {}, log: log.put })
  const answer = await fetch(`http://127.0.0.1:${port}/?${SECRET}`, {
    headers: { 'sec-websocket-key': 'x', cookie: SECRET, authorization: `Bearer ${SECRET}` },
  })
  expect(await answer.text()).not.toContain(SECRET)
  expect(log.all).toHaveLength(1)
  expect(log.all[0]).not.toContain(SECRET)
})
