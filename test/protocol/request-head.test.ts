import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseUpgradeHead } from '../../src/protocol/request-head.ts'

const LINES = [
  'Host: server.example',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]

function head(lines: readonly string[] = LINES, first = 'GET /chat?x=1 HTTP/1.1'): string {
  return `${[first, ...lines].join('\r\n')}\r\n\r\n`
}

function withLine(line: string): string {
  return head([...LINES.slice(0, 1), line, ...LINES.slice(1)])
}

describe('what is taken', () => {
  test('a handshake: the target, and the fields in their order, each with its own spelling', () => {
    expect(parseUpgradeHead(head())).toEqual({
      url: '/chat?x=1',
      rawHeaders: LINES.flatMap((line) => line.split(': ')),
    })
  })

  test.each([
    ['no whitespace', 'X-A:b', ['X-A', 'b']],
    ['much whitespace', 'X-A: \t b \t ', ['X-A', 'b']],
    ['nothing', 'X-A:', ['X-A', '']],
    ['nothing but whitespace', 'X-A:  ', ['X-A', '']],
    ['colons', 'X-A: b:c: d', ['X-A', 'b:c: d']],
    ['a tab within', 'X-A: b\tc', ['X-A', 'b\tc']],
    ['bytes that are no ASCII', 'X-A: \u00e9\u00ff', ['X-A', '\u00e9\u00ff']],
  ])('a value with %s', (_name, line, pair) => {
    expect(parseUpgradeHead(withLine(line))?.rawHeaders.slice(2, 4)).toEqual(pair)
  })

  test.each(['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'Upgrade,keep-alive'])('Connection: %s', (value) => {
    expect(parseUpgradeHead(head([`Connection: ${value}`, 'Upgrade: WebSocket']))).toBeDefined()
  })

  test('a field that is there twice', () => {
    expect(parseUpgradeHead(head([...LINES, 'Cookie: a', 'Cookie: b']))?.rawHeaders.slice(-4)).toEqual([
      'Cookie',
      'a',
      'Cookie',
      'b',
    ])
  })
})

describe('what is left to a whole parser', () => {
  test.each([
    ['another method', head(LINES, 'POST /chat HTTP/1.1')],
    ['a method in lower case', head(LINES, 'get /chat HTTP/1.1')],
    ['another version', head(LINES, 'GET /chat HTTP/1.0')],
    ['a version of later', head(LINES, 'GET /chat HTTP/1.10')],
    ['no version', head(LINES, 'GET /chat')],
    ['a target in absolute form', head(LINES, 'GET http://server.example/chat HTTP/1.1')],
    ['an asterisk', head(LINES, 'GET * HTTP/1.1')],
    ['no target', head(LINES, 'GET  HTTP/1.1')],
    ['a target with a space', head(LINES, 'GET /a b HTTP/1.1')],
    ['a target with a tab', head(LINES, 'GET /a\tb HTTP/1.1')],
    ['a target with a fragment', head(LINES, 'GET /a#b HTTP/1.1')],
    ['a target that is no ASCII', head(LINES, 'GET /\u00e9 HTTP/1.1')],
    ['two spaces before the version', head(LINES, 'GET /chat  HTTP/1.1')],
    ['an empty line before the request', `\r\n${head()}`],
    ['a line feed alone', head().replace('\r\n', '\n')],
    ['a line feed alone at the end of a field', head().replace('websocket\r\n', 'websocket\n')],
    ['a carriage return alone', withLine('X-A: b\rX-B: c')],
    ['a carriage return before the line end', withLine('X-A: b\r')],
    ['a line that goes on', withLine('X-A: b\r\n c')],
    ['a line that goes on with a tab', withLine('X-A: b\r\n\tc')],
    ['a space before a colon', withLine('X-A : b')],
    ['a field without a name', withLine(': b')],
    ['a line without a colon', withLine('X-A')],
    ['a name that is no token', withLine('X(A): b')],
    ['a name that is no ASCII', withLine('X-\u00e9: b')],
    ['a NUL', withLine('X-A: b\u0000c')],
    ['a control character', withLine('X-A: b\u0001c')],
    ['a DEL', withLine('X-A: b\u007fc')],
    ['a body', withLine('Content-Length: 4')],
    ['an empty body', withLine('content-length: 0')],
    ['a body in chunks', withLine('Transfer-Encoding: chunked')],
    ['no Upgrade field', head(LINES.filter((line) => !line.startsWith('Upgrade')))],
    ['two Upgrade fields', withLine('Upgrade: websocket')],
    ['another protocol', head(['Connection: Upgrade', 'Upgrade: h2c'])],
    ['a choice of protocols', head(['Connection: Upgrade', 'Upgrade: websocket, h2c'])],
    ['no Connection field', head(LINES.filter((line) => !line.startsWith('Connection')))],
    ['a Connection field that names something else', head(['Upgrade: websocket', 'Connection: keep-alive'])],
    ['a Connection field with quotes', head(['Upgrade: websocket', 'Connection: "a", Upgrade'])],
    ['a head that is not whole', head().slice(0, -2)],
    ['more than a head', `${head()}x`],
    ['a head behind a head', head() + head()],
    ['no field at all', 'GET / HTTP/1.1\r\n\r\n'],
    ['nothing', ''],
  ])('%s', (_name, text) => {
    expect(parseUpgradeHead(text)).toBeUndefined()
  })
})

/** Node's parser, asked for one request at a time. */
describe('whatever is taken is read as Node reads it', () => {
  const server = createServer()
  let port = 0
  beforeAll(async () => {
    server.maxHeadersCount = 0
    server.on('clientError', (_error, stream) => stream.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => void server.close())

  /** The request that Node takes for an upgrade, or undefined. */
  async function byNode(
    text: string,
  ): Promise<Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'rawHeaders'> | undefined> {
    const stream = connect({ port, host: '127.0.0.1' })
    stream.on('error', () => {})
    const upgraded = new Promise<IncomingMessage | undefined>((resolve) => {
      server.removeAllListeners('upgrade').removeAllListeners('request')
      server.once('upgrade', (request, socket, early) => {
        socket.destroy()
        resolve(early.length === 0 ? request : undefined)
      })
      server.once('request', (_request, response) => {
        response.destroy()
        resolve(undefined)
      })
      stream.once('close', () => resolve(undefined))
    })
    stream.end(Buffer.from(text, 'latin1'))
    const request = await upgraded
    stream.destroy()
    return request
  }

  async function agree(text: string): Promise<boolean> {
    const mine = parseUpgradeHead(text)
    if (mine === undefined) return false
    const nodes = await byNode(text)
    expect(nodes).toMatchObject({ method: 'GET', httpVersion: '1.1', url: mine.url, rawHeaders: mine.rawHeaders })
    return true
  }

  test('a handshake', async () => {
    expect(await agree(head())).toBe(true)
  })

  test.each(['\tUpgrade', 'Upgrade\t', 'Upgrade \t ', 'keep-alive,\tUpgrade'])(
    'Connection:%j is not taken',
    async (value) => {
      expect(
        await agree(head([`Connection:${value}`, ...LINES.filter((line) => !line.startsWith('Connection'))])),
      ).toBe(false)
    },
  )

  test('a handshake with any character anywhere', async () => {
    const text = head([...LINES, 'Cookie: a=1', 'X-A:  b '])
    let taken = 0
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length),
        fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n\t :,#?/'))),
        fc.nat(2),
        async (at, byte, removed) => {
          const changed = text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + removed)
          if (await agree(changed)) taken++
        },
      ),
      { numRuns: 1000 },
    )
    expect(taken).toBeGreaterThan(100)
  }, 30_000)

  test('lines of any kind', async () => {
    const any = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), maxLength: 20 })
    const token = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,12}$/)
    const value = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,30}$/)
    const line = fc.oneof(
      fc.tuple(token, fc.constantFrom(':', ': ', ' : ', ':\t', ':\r\n '), value).map((parts) => parts.join('')),
      fc
        .tuple(fc.constantFrom('Connection', 'Upgrade', 'Proxy-Connection', 'Expect', 'TE'), value)
        .map((pair) => pair.join(': ')),
      any,
    )
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 4 }), fc.nat(LINES.length), async (lines, at) => {
        if (await agree(head([...LINES.slice(0, at), ...lines, ...LINES.slice(at)]))) taken++
      }),
      { numRuns: 600 },
    )
    expect(taken).toBeGreaterThan(50)
  }, 30_000)

  test('anything', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseUpgradeHead(text) === undefined))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseUpgradeHead(`GET / HTTP/1.1\r\n${text}\r\n\r\n`)
      }),
    )
  })
})
