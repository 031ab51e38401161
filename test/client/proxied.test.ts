import { connect as connectTcp } from 'node:net'
import { connect, createServer } from 'heartwire'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  answeringServer,
  ca,
  header,
  plainAnswer,
  type RawServer,
  rawServer,
  readHead,
  refusalOf,
  serverTls,
} from './servers.ts'

// The environment of whoever runs the tests is of no concern to them.
beforeEach(() => {
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    vi.stubEnv(name, '')
    vi.stubEnv(name.toUpperCase(), '')
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** A proxy by CONNECT that leads everywhere to one port. */
async function proxyTo(port: number, options: { tls?: object } = {}): Promise<RawServer & { heads: string[] }> {
  const heads: string[] = []
  const proxy = await rawServer(async (socket) => {
    heads.push(await readHead(socket))
    const onward = connectTcp(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => {}).on('close', () => socket.destroySoon())
    socket.on('close', () => onward.destroy())
  }, options)
  return { ...proxy, heads }
}

async function serve(tls?: object): Promise<{ port: number; hosts: (string | undefined)[] }> {
  const hosts: (string | undefined)[] = []
  const server = createServer({
    upgrade: (request) => void hosts.push(request.header('host')),
    open: (socket) => void socket.send('hello'),
  })
  onTestFinished(async () => void (await server.close({ deadline: 100 })))
  const { port } = await server.listen({ host: '127.0.0.1', ...(tls !== undefined && { tls }) })
  return { port, hosts }
}

describe('through a proxy', () => {
  test('ws', async () => {
    const { port, hosts } = await serve()
    const proxy = await proxyTo(port)
    const socket = await connect('ws://chat.example/room', { proxy: `http://${proxy.name}` })
    expect(await socket.receive()).toBe('hello')
    expect(proxy.heads).toEqual(['CONNECT chat.example:80 HTTP/1.1\r\nHost: chat.example:80\r\nConnection: close'])
    expect(hosts).toEqual(['chat.example'])
    socket.terminate()
    await proxy.gone(0)
  })

  test('wss, with user name and password', async () => {
    const { port, hosts } = await serve(serverTls)
    const proxy = await proxyTo(port)
    const url = new URL(`http://ann:s%3Acret@${proxy.name}`)
    const socket = await connect('wss://localhost', { proxy: url, tls: { ca } })
    expect(await socket.receive()).toBe('hello')
    const [head = ''] = proxy.heads
    expect(head.split('\r\n')[0]).toBe('CONNECT localhost:443 HTTP/1.1')
    expect(header(head, 'Proxy-Authorization')).toEqual([`Basic ${btoa('ann:s:cret')}`])
    expect(hosts).toEqual(['localhost'])
    socket.close()
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true })
    await proxy.gone(0)
  })

  test('which speaks TLS itself', async () => {
    for (const tls of [undefined, serverTls]) {
      const { port } = await serve(tls)
      const proxy = await proxyTo(port, { tls: serverTls })
      const scheme = tls === undefined ? 'ws' : 'wss'
      const socket = await connect(`${scheme}://localhost/`, { proxy: `https://${proxy.name}`, tls: { ca } })
      expect(await socket.receive()).toBe('hello')
      socket.terminate()
      await proxy.gone(0)
    }
  })

  test('an IPv6 address', async () => {
    const { port } = await serve()
    const proxy = await proxyTo(port)
    await connect('ws://[2001:db8::1]:8080', { proxy: proxy.name })
    expect(proxy.heads[0]?.split('\r\n').slice(0, 2)).toEqual([
      'CONNECT [2001:db8::1]:8080 HTTP/1.1',
      'Host: [2001:db8::1]:8080',
    ])
  })

  test('of the environment', async () => {
    const { port } = await serve()
    const proxy = await proxyTo(port)
    vi.stubEnv('HTTP_PROXY', `http://${proxy.name}`)
    expect(await (await connect('ws://chat.example')).receive()).toBe('hello')
    expect(proxy.heads).toHaveLength(1)
    // Past it: by NO_PROXY, by the option, and by the other ways there are.
    vi.stubEnv('NO_PROXY', '127.0.0.1')
    await connect(`ws://127.0.0.1:${port}`)
    vi.stubEnv('NO_PROXY', '')
    await connect(`ws://127.0.0.1:${port}`, { proxy: false })
    await connect('ws://chat.example', { createConnection: () => connectTcp(port, '127.0.0.1') })
    expect(proxy.heads).toHaveLength(1)
  })

  test('which sends bytes of the server with its answer', async () => {
    const { port } = await serve()
    const proxy = await rawServer(async (socket) => {
      await readHead(socket)
      const onward = connectTcp(port, '127.0.0.1')
      // Whoever answers before they are asked is wrong, but what they say is kept.
      socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    expect(await (await connect('ws://chat.example', { proxy: proxy.name })).receive()).toBe('hello')
  })

  test('and a server that refuses', async () => {
    const server = await answeringServer(plainAnswer('401 No', 'Who are you?'))
    const proxy = await proxyTo(server.port)
    expect(await refusalOf(connect('ws://chat.example', { proxy: proxy.name }))).toMatchObject({
      code: 'UNEXPECTED_STATUS',
      status: 401,
      body: 'Who are you?',
    })
    await proxy.gone(0)
  })
})

describe('a proxy that does not lead anywhere', () => {
  const refusedBy = (name: string) => refusalOf(connect('wss://chat.example', { proxy: `http://ann:x@${name}` }))

  test.each<[string, string, object]>([
    [
      'wants a password',
      plainAnswer('407 Who', 'Say who you are.\n', 'Proxy-Authenticate: Basic realm="x"'),
      {
        message:
          '407 Proxy Authentication Required to CONNECT chat.example:443: "Say who you are." The user name and the password for it belong into the proxy\'s URL.',
        status: 407,
        headers: { 'content-length': '17', 'proxy-authenticate': 'Basic realm="x"' },
        body: 'Say who you are.\n',
      },
    ],
    [
      'explains itself in chunks',
      'HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nNo such h\r\n4\r\nost.\r\n0\r\n\r\n',
      {
        message: '502 Bad Gateway to CONNECT chat.example:443: "No such host."',
        status: 502,
        headers: { 'transfer-encoding': 'chunked' },
        body: 'No such host.',
      },
    ],
    [
      'explains nothing',
      plainAnswer('403 Forbidden', ''),
      {
        message: '403 Forbidden to CONNECT chat.example:443.',
        status: 403,
        headers: { 'content-length': '0' },
        body: '',
      },
    ],
    [
      'believes that this is a WebSocket',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n',
      {
        message: '101 Switching Protocols to CONNECT chat.example:443.',
        status: 101,
        headers: { upgrade: 'websocket', connection: 'Upgrade', 'content-length': '0' },
        body: '',
      },
    ],
  ])('and %s', async (_what, answer, { message, ...expected }: { message?: string }) => {
    const proxy = await answeringServer(answer)
    expect(await refusedBy(proxy.name)).toEqual({
      code: 'PROXY_REFUSED',
      message: `${proxy.name} (the proxy) answered ${message}`,
      ...expected,
    })
    await proxy.gone(0)
  })

  test('and ends its answer with the connection', async () => {
    const proxy = await answeringServer('HTTP/1.1 503 Busy\r\n\r\nbusy', { end: true })
    expect(await refusedBy(proxy.name)).toMatchObject({ code: 'PROXY_REFUSED', status: 503, body: 'busy' })
  })

  test('and says no at great length', async () => {
    const proxy = await answeringServer(plainAnswer('500 No', 'x'.repeat(100_000)))
    expect(await refusedBy(proxy.name)).toMatchObject({ code: 'PROXY_REFUSED', status: 500, body: 'x'.repeat(4096) })
    await proxy.gone(0)
  })

  test('and is not there', async () => {
    expect(await refusedBy('127.0.0.1:1')).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at 127.0.0.1:1 (the proxy).',
      cause: 'ECONNREFUSED',
    })
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1')
    expect(await refusalOf(connect('wss://chat.example'))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at 127.0.0.1:1 (the proxy in HTTPS_PROXY).',
      cause: 'ECONNREFUSED',
    })
  })

  test('and goes away', async () => {
    const proxy = await rawServer((socket) => socket.resume().end())
    expect(await refusedBy(proxy.name)).toEqual({
      code: 'HANDSHAKE_ABORTED',
      message: `${proxy.name} (the proxy) closed the connection before it had answered.`,
      cause: 'ECONNRESET',
    })
  })

  test('and says nothing', async () => {
    const proxy = await rawServer((socket) => socket.resume())
    expect(await refusalOf(connect('ws://chat.example', { proxy: proxy.name, handshakeTimeout: 100 }))).toEqual({
      code: 'HANDSHAKE_TIMEOUT',
      message: `The handshake was not done within 100 ms (handshakeTimeout): it was still waiting for the answer of ${proxy.name} (the proxy).`,
    })
    await proxy.gone(0)
  })

  test('and is trusted by nobody', async () => {
    const proxy = await rawServer(() => {}, { tls: serverTls })
    expect(await refusalOf(connect('ws://chat.example', { proxy: `https://${proxy.name}` }))).toEqual({
      code: 'CONNECT_FAILED',
      message: `The certificate of ${proxy.name} (the proxy) was not issued by an authority that is trusted here (UNABLE_TO_VERIFY_LEAF_SIGNATURE). If it is yours, give the issuer in tls.ca.`,
      cause: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    })
    await proxy.gone(0)
  })

  test('and leads to a server whose certificate nobody trusts', async () => {
    const { port } = await serve(serverTls)
    const proxy = await proxyTo(port)
    expect(await refusedBy(proxy.name)).toMatchObject({
      code: 'CONNECT_FAILED',
      message:
        'The certificate of chat.example:443 was not issued by an authority that is trusted here (UNABLE_TO_VERIFY_LEAF_SIGNATURE). If it is yours, give the issuer in tls.ca.',
    })
    await proxy.gone(0)
  })
})
