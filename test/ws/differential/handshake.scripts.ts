import type { ClientInfo } from 'heartwire/ws'
import { acceptOf, answersWith, asks, asksWith, says, sends } from './raw.ts'
import type { Script } from './script.ts'

function request(headers: Record<string, string | undefined>, line = 'GET / HTTP/1.1'): string {
  const all: Record<string, string | undefined> = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return `${[line, ...lines].join('\r\n')}\r\n\r\n`
}

const REFUSED: [name: string, request: string, serverOptions?: object][] = [
  ['not GET', request({}, 'POST / HTTP/1.1')],
  ['another upgrade', request({ Upgrade: 'h2c' })],
  ['no key', request({ 'Sec-WebSocket-Key': undefined })],
  ['a short key', request({ 'Sec-WebSocket-Key': 'c2hvcnQ=' })],
  ['no version', request({ 'Sec-WebSocket-Version': undefined })],
  ['the version 12', request({ 'Sec-WebSocket-Version': '12' })],
  ['a broken subprotocol', request({ 'Sec-WebSocket-Protocol': 'a b' })],
  ['a subprotocol twice', request({ 'Sec-WebSocket-Protocol': 'a, a' })],
  ['an empty subprotocol', request({ 'Sec-WebSocket-Protocol': '' })],
  ['broken extensions', request({ 'Sec-WebSocket-Extensions': 'a;b=;' }), { perMessageDeflate: true }],
  [
    'an unknown parameter',
    request({ 'Sec-WebSocket-Extensions': 'permessage-deflate; nothing' }),
    { perMessageDeflate: true },
  ],
  [
    'an offer that cannot be accepted',
    request({ 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover' }),
    { perMessageDeflate: { serverNoContextTakeover: false } },
  ],
  ['another path', request({}, 'GET /other HTTP/1.1'), { path: '/here' }],
  ['verifyClient that says no', request({}), { verifyClient: () => false }],
  [
    'verifyClient that calls back no',
    request({}),
    { verifyClient: (_: object, done: (ok: boolean) => void) => done(false) },
  ],
  [
    'verifyClient with a status, a text and headers',
    request({}),
    {
      verifyClient: (_: object, done: (ok: boolean, code: number, text: string, headers: object) => void) =>
        done(false, 429, 'slow down', { 'Retry-After': 120 }),
    },
  ],
  ['no upgrade at all', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
]

const BROKEN_ANSWERS: [
  name: string,
  answer: string | ((asked: string) => string),
  options?: object,
  protocols?: string[],
][] = [
  ['a 404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone'],
  ['a 401', 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n'],
  ['a 200', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a redirect that is not followed', 'HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n'],
  ['nothing', ''],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
  ['a wrong key', 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: eA==\r\n\r\n'],
  ['another upgrade', (asked) => answerTo(asked).replace('websocket', 'h2c')],
  ['a subprotocol that was not asked for', (asked) => answerTo(asked, 'Sec-WebSocket-Protocol: x')],
  ['another subprotocol', (asked) => answerTo(asked, 'Sec-WebSocket-Protocol: x'), {}, ['y']],
  ['no subprotocol', (asked) => answerTo(asked), {}, ['y']],
  [
    'an extension that was not asked for',
    (asked) => answerTo(asked, 'Sec-WebSocket-Extensions: permessage-deflate'),
    { perMessageDeflate: false },
  ],
  ['another extension', (asked) => answerTo(asked, 'Sec-WebSocket-Extensions: permessage-foo')],
  ['broken extensions', (asked) => answerTo(asked, 'Sec-WebSocket-Extensions: ;')],
  [
    'a window that was not asked for',
    (asked) => answerTo(asked, 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7'),
  ],
]

function answerTo(asked: string, header = 'X-Nothing: here'): string {
  const key = acceptOf(/Sec-WebSocket-Key: (.+)\r/.exec(asked)?.[1] ?? '')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n${header}\r\n\r\n`
}

const CLOSE = Uint8Array.of(0x88, 0x80, 1, 2, 3, 4)

/** Opening handshakes, good and bad, with what is answered to the letter. */
export const HANDSHAKES: Script[] = [
  ...REFUSED.map(([name, asked, serverOptions = {}]): Script => {
    return { name: `the server is asked: ${name}`, serverOptions, rawClient: asks(asked), refused: true }
  }),
  ...REFUSED.slice(0, 6).map(([name, asked]): Script => {
    return {
      name: `wsClientError: ${name}`,
      rawClient: asks(asked),
      refused: true,
      setUp: (stage, server) => {
        server.on('wsClientError', (error, socket, request) => {
          stage.note('server', 'wsClientError', error, request.url)
          socket.end('HTTP/1.1 418 Mine\r\n\r\n')
        })
      },
    }
  }),
  ...BROKEN_ANSWERS.map(([name, answer, clientOptions = {}, protocols = []]): Script => {
    return { name: `the client is answered: ${name}`, clientOptions, protocols, rawServer: says(answer), refused: true }
  }),
  {
    name: 'unexpected-response, with a listener',
    rawServer: says('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!'),
    client: (ws, stage) => {
      ws.on('unexpected-response', (request, response) => {
        stage.note('client', 'unexpected-response', response.statusCode, request.path, `state=${ws.readyState}`)
        response.on('data', (data: Buffer) => stage.note('client', data))
        response.on('end', () => ws.terminate())
      })
    },
  },
  {
    name: 'what a client asks for',
    clientOptions: {
      origin: 'http://origin.example',
      headers: { 'X-Mine': 'yes' },
      perMessageDeflate: { clientMaxWindowBits: 10, serverNoContextTakeover: true },
    },
    protocols: ['a', 'b'],
    path: '/path?query',
    rawServer: says((asked, stage) => {
      stage.note('server', asked.replace(/Key: .+/, 'Key: KEY'))
      return 'HTTP/1.1 400 No\r\n\r\n'
    }),
  },
  {
    name: 'what a client of version 8 asks for',
    clientOptions: { protocolVersion: 8, origin: 'http://origin.example', auth: 'user:password' },
    rawServer: says((asked, stage) => {
      stage.note('server', asked.replace(/Key: .+/, 'Key: KEY'))
      return 'HTTP/1.1 400 No\r\n\r\n'
    }),
  },
  {
    name: 'credentials in the address',
    url: (stage) => `ws://user:pass@127.0.0.1:${stage.port}/`,
    rawServer: says((asked, stage) => {
      stage.note('server', asked.replace(/Key: .+/, 'Key: KEY'))
      return 'HTTP/1.1 400 No\r\n\r\n'
    }),
  },
  {
    name: 'finishRequest',
    clientOptions: {
      finishRequest: (request) => {
        request.setHeader('X-Late', 'yes')
        request.end()
      },
    },
    server: (ws, stage, request) => {
      stage.note('server', request.headers['x-late'])
      ws.close()
    },
  },
  {
    name: 'an http: address',
    url: (stage) => `http://127.0.0.1:${stage.port}/`,
    client: (ws, stage) => void ws.on('open', () => stage.note('client', ws.url)).on('open', () => ws.close()),
  },
  { name: 'nobody listens', url: () => 'ws://127.0.0.1:1/', refused: true },
  {
    name: 'createConnection that fails',
    clientOptions: {
      createConnection: () => {
        throw new Error('no connection for you')
      },
    },
    url: () => 'ws://127.0.0.1:1/',
    refused: true,
    only: /never/,
    setUp: (stage) => {
      const { WebSocket } = stage.libraries.client
      const createConnection = () => {
        throw new Error('no connection for you')
      }
      stage.tries('client', 'new', () => new WebSocket('ws://127.0.0.1:1', { createConnection }).on('error', () => {}))
    },
  },
  {
    name: 'handshakeTimeout',
    clientOptions: { handshakeTimeout: 30 },
    rawServer: (socket) => void socket.on('data', () => {}).on('end', () => socket.end()),
  },
  {
    name: 'the server goes away during the handshake',
    rawServer: (socket) => void socket.on('data', () => socket.destroy()),
  },
  {
    name: 'verifyClient sees the request',
    serverOptions: (stage) => ({
      verifyClient: (info: ClientInfo) => {
        stage.note('server', info.origin, info.secure, info.req.url)
        return true
      },
    }),
    clientOptions: { origin: 'http://here.example' },
    path: '/somewhere',
    server: (ws) => ws.close(),
  },
  {
    name: 'verifyClient that takes its time',
    serverOptions: { verifyClient: (_info, done) => void setTimeout(() => done(true), 20) },
    server: (ws) => ws.close(),
  },
  {
    name: 'the client goes while verifyClient takes its time',
    serverOptions: { verifyClient: (_info, done) => void setTimeout(() => done(true), 50) },
    client: (ws) => void setTimeout(() => ws.terminate(), 10),
    refused: true,
  },
  {
    name: 'path, with a query',
    serverOptions: { path: '/here' },
    path: '/here?with=query',
    server: (ws) => ws.close(),
  },
  {
    name: 'the event headers',
    setUp: (stage, server) => {
      server.on('headers', (headers: string[], request) => {
        stage.note(
          'server',
          'headers',
          headers.map((line) => line.replace(/Accept: .+/, 'Accept: KEY')),
          request.url,
        )
        headers.push('X-Added: yes')
      })
    },
    client: (ws, stage) => {
      ws.on('upgrade', (response) => stage.note('client', response.headers['x-added']))
      ws.on('open', () => ws.close())
    },
  },
  { name: 'a client of version 8', serverOptions: {}, rawClient: asksWith({ 'Sec-WebSocket-Version': '8' }, CLOSE) },
  { name: 'a client of version 13', rawClient: sends(CLOSE) },
  {
    name: 'frames right behind the answer',
    rawServer: (socket) => {
      socket.on('data', (asked: Buffer) => {
        socket.write(
          Buffer.concat([Buffer.from(answerTo(asked.toString())), Buffer.from([0x81, 2, 0x68, 0x69, 0x88, 0])]),
        )
        socket.removeAllListeners('data')
        socket.on('data', () => {})
      })
      socket.on('end', () => socket.end())
    },
  },
  {
    name: 'frames right behind the request',
    rawClient: (socket, stage) => {
      const frames = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69, 0x88, 0x80, 0, 0, 0, 0])
      socket.write(Buffer.concat([Buffer.from(request({})), frames]))
      socket.on('data', (data) => stage.note('client', data.toString('latin1').length))
      socket.on('end', () => socket.end())
    },
    ignore: 'client',
  },
  {
    name: 'an answer with extensions',
    clientOptions: { perMessageDeflate: true },
    rawServer: answersWith(['Sec-WebSocket-Extensions: permessage-deflate'], Uint8Array.of(0x88, 0)),
    client: (ws, stage) => void ws.on('open', () => stage.note('client', ws.extensions)),
  },
]
