import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ArgumentError,
  type CloseInfo,
  connect,
  createServer,
  Opcode,
  type ServerOptions,
  type Socket,
} from 'heartwire'
import { encodeFrame } from 'heartwire/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { answeringServer, failureOf, header, rawServer, readHead, switching } from './servers.ts'
import { duplexPair } from './streams.ts'

async function serve<Data = undefined>(options: ServerOptions<Data>, path?: string): Promise<string> {
  const server = createServer({ log: () => {}, ...options })
  onTestFinished(async () => void (await server.close({ deadline: 100 })))
  return (await server.listen(path === undefined ? { host: '127.0.0.1' } : { path })).url
}

/** A server of the `ws` package. */
async function serveWs(
  onConnection: (ws: WebSocket, request: IncomingMessage) => void,
  options: object = {},
): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  server.on('connection', onConnection)
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The frame of a server's text message. */
function text(message: string): Uint8Array {
  return encodeFrame({ opcode: Opcode.Text, payload: Buffer.from(message) })
}

describe('the socket', () => {
  test('talks to a server of heartwire', async () => {
    const url = await serve({ message: (socket, message) => void socket.send(message) })
    const socket = await connect(url)
    expect(socket).toMatchObject({ state: 'open', protocol: '', remoteAddress: '127.0.0.1', data: undefined })
    expect(socket.maxPayload).toBe(16 * 1024 * 1024)
    expect(socket.send('héllo')).toBe('ok')
    socket.send(new Uint8Array([1, 2, 3]))
    expect(await socket.receive()).toBe('héllo')
    expect(await socket.receive()).toEqual(Buffer.from([1, 2, 3]))
    expect(await socket.ping()).toBeGreaterThan(0)
    socket.close(4000, 'enough')
    expect(await socket.closed).toMatchObject({ code: 4000, wasClean: true, initiator: 'local', cause: 'local-close' })
  })

  test('talks to a server of ws, which compresses nothing for it', async () => {
    const url = await serveWs((ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })), {
      perMessageDeflate: true,
    })
    const socket = await connect(new URL(url))
    const message = 'x'.repeat(100_000)
    socket.send(message)
    expect(await socket.receive()).toBe(message)
    socket.close()
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true })
  })

  test('agrees on a subprotocol', async () => {
    const url = await serve({ protocols: ['v2', 'v1'], open() {} })
    expect((await connect(url, { protocols: ['v1', 'v2'] })).protocol).toBe('v2')
    expect((await connect(url, { protocols: 'v1' })).protocol).toBe('v1')
    expect((await connect(url, { protocols: ['v3'] })).protocol).toBe('')
    expect((await connect(url, { protocols: [] })).protocol).toBe('')
  })

  test('carries data from the start', async () => {
    const url = await serve({ open() {} })
    const seen: number[] = []
    const socket = await connect(url, {
      data: { count: 1 },
      open: ({ data }) => void seen.push(data.count),
    })
    expect(seen).toEqual([1])
    expect(socket.data.count).toBe(1)
  })

  test('takes socket options', async () => {
    const url = await serve({ open: (socket) => void socket.send('x'.repeat(11)) })
    const socket = await connect(url, { maxPayload: 10, heartbeat: { interval: 1_000 } })
    expect(socket.heartbeat).toEqual({ interval: 1_000, timeout: 20_000 })
    expect(await socket.closed).toMatchObject({ cause: 'message-too-large', sent: 1009 })
  })
})

describe('handlers', () => {
  test('are called in order, the first ones before connect resolves', async () => {
    const url = await serveWs((ws) => {
      ws.send('one')
      ws.ping('two')
      ws.on('message', () => ws.close(4001, 'bye'))
    })
    const calls: unknown[] = []
    let closed: (info: CloseInfo) => void
    const whenClosed = new Promise<CloseInfo>((resolve) => {
      closed = resolve
    })
    let first: Socket | undefined
    const socket = await connect(url, {
      open(socket) {
        first = socket
        calls.push('open')
      },
      message(socket, message, type) {
        calls.push([message, type, socket === first])
      },
      ping(socket, payload) {
        calls.push(['ping', Buffer.from(payload).toString()])
        socket.send('close')
      },
      close(_socket, info) {
        calls.push('close')
        closed(info)
      },
    })
    calls.push('connected')
    expect(socket).toBe(first)
    expect(await whenClosed).toMatchObject({ code: 4001, reason: 'bye', initiator: 'peer' })
    expect(calls).toEqual(['open', 'connected', ['one', 'text', true], ['ping', 'two'], 'close'])
  })

  test('an open handler that fails closes the socket, and is told to the error handler', async () => {
    const url = await serve({ open() {} })
    const failure = new Error('not today')
    const errors: unknown[] = []
    const socket = await connect(url, {
      open() {
        throw failure
      },
      error: (error) => void errors.push(error),
    })
    expect(await socket.closed).toMatchObject({ sent: 1011, cause: 'handler-error', error: failure })
    expect(errors).toEqual([failure])
  })
})

describe('what comes with the answer', () => {
  const frames = Buffer.concat(['one', 'two', 'three'].map(text))

  test('waits to be received', async () => {
    const { port } = await answeringServer((head) => Buffer.concat([Buffer.from(switching(head)), frames]))
    const socket = await connect(`ws://127.0.0.1:${port}`)
    await new Promise(setImmediate)
    expect([await socket.receive(), await socket.receive(), await socket.receive()]).toEqual(['one', 'two', 'three'])
  })

  test('goes to the handler after open has settled, in order with what comes later', async () => {
    const { port } = await rawServer(async (socket) => {
      const head = await readHead(socket)
      socket.write(Buffer.concat([Buffer.from(switching(head)), frames.subarray(0, 7)]))
      socket.write(frames.subarray(7))
      socket.write(text('four'))
    })
    const calls: unknown[] = []
    await new Promise<void>((resolve) => {
      void connect(`ws://127.0.0.1:${port}`, {
        async open() {
          await new Promise((later) => setTimeout(later, 20))
          calls.push('opened')
        },
        message(_socket, message) {
          calls.push(message)
          if (message === 'four') resolve()
        },
      })
    })
    expect(calls).toEqual(['opened', 'one', 'two', 'three', 'four'])
  })

  test('byte by byte', async () => {
    const { port } = await rawServer(async (socket) => {
      socket.setNoDelay(true)
      const answer = Buffer.concat([Buffer.from(switching(await readHead(socket))), frames])
      for (const byte of answer) {
        socket.write(Buffer.from([byte]))
        await new Promise(setImmediate)
      }
    })
    const socket = await connect(`ws://127.0.0.1:${port}`)
    expect([await socket.receive(), await socket.receive(), await socket.receive()]).toEqual(['one', 'two', 'three'])
  })

  test('and with the end of the stream', async () => {
    const close = encodeFrame({ opcode: Opcode.Close, payload: Buffer.from([0x03, 0xe8]) })
    const { port } = await answeringServer((head) => Buffer.concat([Buffer.from(switching(head)), frames, close]), {
      end: true,
    })
    const socket = await connect(`ws://127.0.0.1:${port}`)
    const messages: unknown[] = []
    for await (const message of socket) messages.push(message)
    expect(messages).toEqual(['one', 'two', 'three'])
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true, initiator: 'peer' })
  })
})

describe('the request', () => {
  async function requestOf(options: Parameters<typeof connect>[1], url = (name: string) => `ws://${name}/chat?a=b`) {
    const { name, heads } = await answeringServer((head) => switching(head))
    const socket = await connect(url(name), options)
    socket.terminate()
    return { name, head: heads[0] ?? '' }
  }

  test('is a handshake and no more', async () => {
    const { name, head } = await requestOf({})
    const [key = ''] = header(head, 'Sec-WebSocket-Key')
    expect(Buffer.from(key, 'base64')).toHaveLength(16)
    expect(head.split('\r\n')).toEqual([
      'GET /chat?a=b HTTP/1.1',
      `Host: ${name}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
    ])
  })

  test('has a new key each time', async () => {
    const keys = await Promise.all([1, 2].map(async () => header((await requestOf({})).head, 'Sec-WebSocket-Key')[0]))
    expect(keys[0]).not.toBe(keys[1])
  })

  test('has the headers, the origin and the subprotocols that are given', async () => {
    const { head } = await requestOf({
      headers: { 'X-One': '1', cookie: ['a=b', 'c=d'], Left: undefined },
      origin: 'https://page.example',
      protocols: ['v1', 'v2'],
    })
    expect(head.split('\r\n').slice(2, 6)).toEqual([
      'X-One: 1',
      'cookie: a=b',
      'cookie: c=d',
      'Origin: https://page.example',
    ])
    expect(header(head, 'Sec-WebSocket-Protocol')).toEqual(['v1, v2'])
  })

  test('has what the caller says is the host', async () => {
    const { head } = await requestOf({ headers: { host: 'other.example' } })
    expect(header(head, 'Host')).toEqual(['other.example'])
  })

  test('has the user name and the password of the URL, unless there is an Authorization header', async () => {
    const url = (name: string) => `ws://ann:s%3Acret@${name}/`
    expect(header((await requestOf({}, url)).head, 'Authorization')).toEqual([`Basic ${btoa('ann:s:cret')}`])
    const { head } = await requestOf({ headers: { authorization: 'Bearer x' } }, url)
    expect(header(head, 'Authorization')).toEqual(['Bearer x'])
    expect(head).not.toContain('ann')
  })

  test('goes to an IPv6 address', async (context) => {
    const listening = answeringServer((head) => switching(head), { host: '::1' })
    if (
      !(await listening.then(
        () => true,
        () => false,
      ))
    )
      context.skip()
    const { port, heads } = await listening
    const socket = await connect(`ws://[::1]:${port}`)
    expect(socket.remoteAddress).toBe('::1')
    expect(header(heads[0] ?? '', 'Host')).toEqual([`[::1]:${port}`])
  })
})

describe('an address to connect from', () => {
  // Linux has all of 127.0.0.0/8 for itself, others only the first address of it.
  test.skipIf(process.platform !== 'linux')(
    'is the one that the server sees, by a name of both families too',
    async () => {
      const url = await serve({ open: (socket) => void socket.send(String(socket.remoteAddress)) })
      for (const host of ['127.0.0.1', 'localhost']) {
        const socket = await connect(url.replace('127.0.0.1', host), { localAddress: '127.0.0.9', proxy: false })
        expect(await socket.receive()).toBe('127.0.0.9')
        socket.terminate()
      }
    },
  )

  test('that this machine does not have', async () => {
    const url = await serve({})
    const error = await failureOf(connect(url, { localAddress: '192.0.2.1' }))
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', cause: { code: 'EADDRNOTAVAIL' } })
  })
})

describe('a Unix socket', () => {
  function socketPath(name: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'heartwire-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return join(folder, name)
  }

  test.skipIf(process.platform === 'win32')('by its URL', async () => {
    const paths: (string | undefined)[] = []
    const path = socketPath('a b.sock')
    await serve(
      {
        upgrade: (request) => void paths.push(`${request.header('host')}${request.path}?${request.query}`),
        open: (socket) => void socket.send('hello'),
      },
      path,
    )
    const socket = await connect(`ws+unix:${path}:/chat?room=1`)
    expect(await socket.receive()).toBe('hello')
    expect(socket.remoteAddress).toBe(undefined)
    expect(paths).toEqual(['localhost/chat?room=1'])
  })

  test.skipIf(process.platform === 'win32')('by what the server says is its URL', async () => {
    const url = await serve({ open: (socket) => void socket.send('hello') }, socketPath('a.sock'))
    expect(await (await connect(url)).receive()).toBe('hello')
  })

  test.skipIf(process.platform === 'win32')('by an option', async () => {
    const path = socketPath('a.sock')
    const { heads } = await answeringServer((head) => switching(head), { path })
    const socket = await connect('ws://chat.example/room', { socketPath: path })
    expect(heads[0]?.split('\r\n').slice(0, 2)).toEqual(['GET /room HTTP/1.1', 'Host: chat.example'])
    socket.terminate()
  })
})

describe('an argument that cannot be used', () => {
  test.each<[string, Parameters<typeof connect>, string]>([
    ['a URL', ['example.com'], '"example.com" is not a URL.'],
    ['a subprotocol', ['ws://x', { protocols: 'a b' }], 'The subprotocol "a b" is not a token (RFC 6455 section 4.1).'],
    ['subprotocols', ['ws://x', { protocols: ['a', 'a'] }], 'The subprotocol "a" is in `protocols` twice.'],
    [
      'a header',
      ['ws://x', { headers: { upgrade: 'h2c' } }],
      'The header "upgrade" cannot be set: it belongs to the WebSocket handshake.',
    ],
    [
      'an origin',
      ['ws://x', { origin: 'a\nb' }],
      'The value of the header "Origin" has a line feed (U+000A) at index 1, which a header cannot carry.',
    ],
    [
      'two origins',
      ['ws://x', { origin: 'a', headers: { Origin: 'b' } }],
      'The origin is given twice: by the option origin and in headers.',
    ],
    [
      'a time',
      ['ws://x', { handshakeTimeout: 0 }],
      'The option handshakeTimeout is a number of milliseconds above 0 and up to 2147483647, not 0.',
    ],
    [
      'a number of redirects',
      ['ws://x', { followRedirects: -1 }],
      'The option followRedirects is a whole number of 0 or more, or Infinity, not -1.',
    ],
    [
      'a limit',
      ['ws://x', { maxPayload: 0.5 }],
      'The option maxPayload is a whole number of 0 or more, or Infinity, not 0.5.',
    ],
    [
      'an option that there is not',
      ['ws://x', { maxPaylod: 5 } as object],
      'There is no option "maxPaylod" of connect. Did you mean maxPayload?',
    ],
    [
      'two ways',
      ['ws://x', { socketPath: '/a', proxy: 'http://p' }],
      'The options proxy and socketPath are two ways to the server: give one.',
    ],
    [
      'a name to connect from',
      ['ws://x', { localAddress: 'eth0' }],
      'The option localAddress is an IP address, not "eth0".',
    ],
    [
      'an address to connect from, to a Unix socket',
      ['ws://x', { localAddress: '127.0.0.1', socketPath: '/a' }],
      'The option localAddress has no meaning beside socketPath.',
    ],
    [
      'a proxy',
      ['ws://x', { proxy: 'socks5://p' }],
      '"socks5://p", the proxy, cannot be used: its scheme is "socks5:", not "http:" or "https:". Other ways can be opened by createConnection.',
    ],
    [
      'TLS',
      [
        'wss://x',
        { tls: { minVersion: 'TLSv1.3', maxVersion: 'x' as 'TLSv1.3' }, createConnection: () => duplexPair()[0] },
      ],
      'The option tls cannot be used: "x" is not a valid maximum TLS protocol version.',
    ],
  ])('%s', async (_what, [url, options], message) => {
    const error = await failureOf(connect(url, options))
    expect(error).toBeInstanceOf(ArgumentError)
    expect(error).toHaveProperty('message', message)
  })
})
