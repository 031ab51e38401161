import { WebSocket } from 'heartwire/websocket'
import { describe, expect, it, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { serve } from '../support/servers.ts'
import { handshakeServer, logOf, next, open, thrown } from './support.ts'

/** Makes one that never gets anywhere. */
function make(...given: unknown[]): WebSocket {
  const socket = Reflect.construct(WebSocket, given) as WebSocket
  socket.onerror = () => {}
  socket.close()
  return socket
}

const port = 'ws://127.0.0.1:9'

describe('the URL', () => {
  it.each([
    [port, 'ws://127.0.0.1:9/'],
    ['wss://example.com:443/a b?c d', 'wss://example.com/a%20b?c%20d'],
    ['ws://example.com:80', 'ws://example.com/'],
    ['WS://EXAMPLE.com/x', 'ws://example.com/x'],
    ['http://127.0.0.1:9/x', 'ws://127.0.0.1:9/x'],
    ['https://127.0.0.1:9', 'wss://127.0.0.1:9/'],
    ['http://example.com:80', 'ws://example.com/'],
    ['https://example.com:443', 'wss://example.com/'],
    ['http://example.com:443', 'ws://example.com:443/'],
    [' ws://127.0.0.1:9/\t', 'ws://127.0.0.1:9/'],
    ['ws://user:word@127.0.0.1:9', 'ws://user:word@127.0.0.1:9/'],
    [new URL('ws://127.0.0.1:9/x?y'), 'ws://127.0.0.1:9/x?y'],
    [{ toString: (): string => port }, 'ws://127.0.0.1:9/'],
    ['ws://127.0.0.1:9/\ud800', 'ws://127.0.0.1:9/%EF%BF%BD'],
  ])('%s is %s', (given, url) => {
    expect(make(given).url).toBe(url)
  })

  it.each([
    '/relative',
    '',
    'ws://',
    'ws:// /',
    'mailto:a@b',
    'ftp://example.com',
    'about:blank',
    'ws+unix:/tmp/x',
    `${port}/#`,
    `${port}/#x`,
    `http://127.0.0.1:9/?a#x`,
    undefined,
    null,
    7,
  ])('%s is a SyntaxError', (given) => {
    expect(thrown(() => make(given))).toBe('DOMException SyntaxError')
  })

  it('has to be there, and to be no symbol', () => {
    expect(thrown(() => make())).toBe('TypeError')
    expect(thrown(() => make(Symbol('url')))).toBe('TypeError')
  })

  it('is converted before it is parsed, and after it the protocols are', () => {
    const log: string[] = []
    const url = { toString: (): string => `no URL ${log.push('url')}` }
    const protocols = {
      *[Symbol.iterator]() {
        yield { toString: (): string => `? ${log.push('protocol')}` }
      },
    }
    expect(thrown(() => make(url, protocols))).toBe('DOMException SyntaxError')
    expect(log).toEqual(['url', 'protocol'])
  })

  it('is not shown with its password when it is refused', () => {
    expect(() => make('ftp://user:word@example.com/')).toThrow(/"ftp:\/\/\*\*\*@example\.com\/"/)
  })
})

describe('the subprotocols', () => {
  it.each<[string, unknown[]]>([
    ['none', [port]],
    ['undefined', [port, undefined]],
    ['an empty array', [port, []]],
  ])('%s are none', (_what, given) => {
    expect(make(...given).protocol).toBe('')
  })

  it.each([
    [''],
    ['a b'],
    ['a,b'],
    ['a/b'],
    ['"a"'],
    ['ä'],
    ['a\u0000'],
    ['a\u007f'],
    [['a', 'a']],
    [['a', '']],
    [['a', 'b', 'a']],
    [[['a', 'b']]],
    [{ protocols: ['a', 'a'] }],
    [{ protocols: '' }],
  ])('%j is a SyntaxError', (given) => {
    expect(thrown(() => make(port, given))).toBe('DOMException SyntaxError')
  })

  it('are no symbols', () => {
    expect(thrown(() => make(port, Symbol('a')))).toBe('TypeError')
    expect(thrown(() => make(port, [Symbol('a')]))).toBe('TypeError')
  })

  it.each([
    ['a string', 'b', 'b'],
    ['an array', ['a', 'b'], 'a, b'],
    ['cases that differ', ['b', 'B'], 'b, B'],
    ['anything that can be iterated', new Set(['a', 'b']), 'a, b'],
    ['a String object, which can be iterated', Object('b'), 'b'],
    ['what becomes strings', [{ toString: () => 'b' }, 1], 'b, 1'],
    ['an option', { protocols: 'b' }, 'b'],
    ['an option with several', { protocols: ['a', 'b'] }, 'a, b'],
    ['null, which is a string in Web IDL', null, 'null'],
  ])('%s', async (_what, given, asked) => {
    const heads: (string | undefined)[] = []
    const { url } = await serve({
      protocols: ['b', 'null'],
      upgrade: (request) => void heads.push(request.header('sec-websocket-protocol')),
    })
    const socket = await open(url, given as string)
    expect(heads).toEqual([asked])
    expect(socket.protocol).toBe(given === null ? 'null' : 'b')
    socket.close()
    await next(socket, 'close')
    expect(socket.protocol).toBe(given === null ? 'null' : 'b')
  })

  it('that a server does not acknowledge fail the connection, as in browsers', async () => {
    const server = await handshakeServer(() => {})
    const { url } = server
    const socket = new WebSocket(url, ['a', 'b'])
    const log = logOf(socket)
    const { error } = (await next(socket, 'error')) as unknown as { error: Error }
    expect(error).toMatchObject({
      code: 'BAD_RESPONSE',
      message: 'The server chose none of the subprotocols that were asked for: a, b.',
    })
    expect(await log.take(2)).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
    await server.gone(0)
  })

  it('that was not asked for fails the connection', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'other' })
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const log = logOf(new WebSocket(`ws://127.0.0.1:${port}`, 'mine'))
    expect(await log.take(2)).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('options in place of subprotocols', () => {
  it('are those of the client', async () => {
    const headers: (string | undefined)[] = []
    const { url } = await serve({
      protocols: ['chat'],
      upgrade: (request) =>
        void headers.push(request.header('authorization'), request.header('sec-websocket-extensions')),
    })
    const socket = await open(url, {
      protocols: ['chat'],
      headers: { authorization: 'Bearer 123' },
      heartbeat: { interval: 1_000 },
      compression: 'off',
    })
    expect(socket.protocol).toBe('chat')
    expect(socket.extensions).toBe('')
    expect(headers).toEqual(['Bearer 123', undefined])
  })

  it.each([
    [{ header: {} }, 'There is no option "header" of WebSocket. Did you mean headers?'],
    [{ maxPayload: -1 }, 'The option maxPayload is a whole number of 0 or more, or Infinity, not -1.'],
    [{ heartbeat: { every: 1 } }, 'There is no option "heartbeat.every".'],
    [{ signal: 1 }, 'The option signal is an AbortSignal, not 1.'],
    [{ message: () => {} }, 'There is no option "message" of WebSocket.'],
  ])('%j: %s', (options, message) => {
    expect(() => make(port, options)).toThrow(message)
  })

  test('a signal that fires fails a handshake', async () => {
    const { url } = await serve({ upgrade: () => new Promise<undefined>(() => {}) })
    const given = new AbortController()
    const socket = new WebSocket(url, { signal: given.signal })
    const log = logOf(socket)
    const failed = next(socket, 'error')
    const reason = new Error('enough')
    given.abort(reason)
    expect(await failed).toMatchObject({ error: reason, message: 'enough' })
    expect(await log.take(2)).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
  })

  test('a signal that has fired before does so as well, but not before the caller has gone on', async () => {
    const { url } = await serve()
    const log = logOf(new WebSocket(url, { signal: AbortSignal.abort() }))
    expect(log.all).toEqual([])
    expect(await log.take(2)).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
  })

  test('a signal means nothing once it is open', async () => {
    const { url } = await serve({ message: (socket, message) => void socket.send(message) })
    const given = new AbortController()
    const socket = await open(url, { signal: given.signal })
    given.abort()
    socket.send('still here')
    expect((await next<MessageEvent>(socket, 'message')).data).toBe('still here')
  })
})
