import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HandshakeError } from '../../src/protocol/error.ts'
import { HeaderFields } from '../../src/protocol/headers.ts'
import { checkUpgradeRequest } from '../../src/protocol/server-handshake.ts'
import { anyText, thrownBy } from './handshake-platform.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='

type Lines = Record<string, string | string[] | undefined>

/** A good request with some headers changed (undefined leaves one out, an array repeats it). */
function request(changes: Lines = {}, method = 'GET', httpVersion = '1.1') {
  const headers: Lines = {
    Host: 'server.example.com',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    ...changes,
  }
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value): [string, string] => [name, value]),
  )
  return { method, httpVersion, headers: HeaderFields.fromLines(lines) }
}

describe('what is accepted', () => {
  test('the example of RFC 6455 section 1.2', () => {
    const example = request({ Origin: 'http://example.com', 'Sec-WebSocket-Protocol': 'chat, superchat' })
    expect(checkUpgradeRequest(example)).toEqual({
      key,
      host: 'server.example.com',
      protocols: ['chat', 'superchat'],
      extensions: [],
    })
  })

  test.each<[string, Lines]>([
    ['letters in any case', { Upgrade: 'WEBSOCKET', Connection: 'UPGRADE' }],
    ['what Firefox sends', { Connection: 'keep-alive, Upgrade' }],
    ['lists on several lines', { Upgrade: ['h2c', 'WebSocket'], Connection: ['keep-alive', ',upgrade,'] }],
    ['whitespace around values', { 'Sec-WebSocket-Key': ` ${key}\t`, 'Sec-WebSocket-Version': ' 13' }],
    ['a port', { Host: '[::1]:8080' }],
    ['an empty body', { 'Content-Length': '0' }],
    ['empty lists', { 'Sec-WebSocket-Protocol': '', 'Sec-WebSocket-Extensions': ' , ' }],
  ])('%s', (_, changes) => {
    expect(checkUpgradeRequest(request(changes))).toMatchObject({ key, protocols: [], extensions: [] })
  })

  test.each(['1.1', '1.2', '2.0'])('HTTP/%s', (version) => {
    expect(checkUpgradeRequest(request({}, 'GET', version)).key).toBe(key)
  })

  test('offers on several lines', () => {
    const offer = checkUpgradeRequest(
      request({
        'Sec-WebSocket-Protocol': ['a, b', '__proto__'],
        'Sec-WebSocket-Extensions': ['x; y=1', 'constructor'],
      }),
    )
    expect(offer.protocols).toEqual(['a', 'b', '__proto__'])
    expect(offer.extensions).toEqual([
      { name: 'x', parameters: [['y', '1']] },
      { name: 'constructor', parameters: [] },
    ])
  })
})

const upgradeHeaders = { upgrade: 'websocket', 'sec-websocket-version': '13' }

describe('what is refused', () => {
  test.each(['POST', 'HEAD', 'OPTIONS', 'get', ''])('method %j', (method) => {
    expect(thrownBy(() => checkUpgradeRequest(request({}, method)))).toMatchObject({
      name: 'HandshakeError',
      code: 'METHOD_NOT_ALLOWED',
      status: 405,
      headers: { allow: 'GET' },
      message: `The method is "${method}", and a WebSocket handshake is a GET request (RFC 6455 section 4.2.1).`,
    })
  })

  test.each(['1.0', '0.9', '', '1', '1.', '.1', '1.1.1', 'x.1', '11.1', '-1.1'])('HTTP version %j', (version) => {
    expect(thrownBy(() => checkUpgradeRequest(request({}, 'GET', version)))).toMatchObject({
      code: 'BAD_REQUEST',
      status: 400,
      headers: {},
      message: `The HTTP version is "${version}", and a WebSocket handshake needs 1.1 or higher (RFC 6455 section 4.2.1).`,
    })
  })

  test.each<[Lines, string]>([
    [{ Host: undefined }, 'The request has no Host header (RFC 6455 section 4.2.1).'],
    [
      { Host: ['a.example', 'b.example'] },
      'The request has 2 Host headers where there must be one (RFC 6455 section 4.2.1).',
    ],
    [{ Host: '' }, 'The Host header "" is not a host with an optional port (RFC 6455 section 4.2.1).'],
    [
      { Host: 'a\x00b/"c"' },
      'The Host header "a\\x00b/\\"c\\"" is not a host with an optional port (RFC 6455 section 4.2.1).',
    ],
    [
      { Connection: undefined },
      'The request has no Connection header, which must name "Upgrade" (RFC 6455 section 4.2.1). A proxy in between may have dropped it.',
    ],
    [
      { Connection: 'keep-alive' },
      'The Connection header "keep-alive" does not name "Upgrade" (RFC 6455 section 4.2.1). A proxy in between may have replaced it.',
    ],
    [{ 'Sec-WebSocket-Key': undefined }, 'The request has no Sec-WebSocket-Key header (RFC 6455 section 4.2.1).'],
    [
      { 'Sec-WebSocket-Key': [key, key, key] },
      'The request has 3 Sec-WebSocket-Key headers where there must be one (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Key': '' },
      'The Sec-WebSocket-Key "" is not the base64 of 16 bytes: it has 0 characters, not 24 (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Key': 'x'.repeat(100) },
      `The Sec-WebSocket-Key "${'x'.repeat(64)}…" (100 characters) is not the base64 of 16 bytes: it has 100 characters, not 24 (RFC 6455 section 4.2.1).`,
    ],
    [
      { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' },
      'The Sec-WebSocket-Key "dGhlIHNhbXBsZSBub25jZQ" is not the base64 of 16 bytes: it has 22 characters, not 24 (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Version': ['13', '13'] },
      'The request has 2 Sec-WebSocket-Version headers where there must be one (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Transfer-Encoding': 'chunked' },
      'The request has a body (Transfer-Encoding "chunked"), which a handshake has not (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Content-Length': '5' },
      'The request has a body (Content-Length "5"), which a handshake has not (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Protocol': 'chat v2' },
      'The subprotocol "chat v2" that the client offers is not a token (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Protocol': '"chat, v2"' },
      'The subprotocol "\\"chat, v2\\"" that the client offers is not a token (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Protocol': ['a, b', 'a'] },
      'The client offers the subprotocol "a" twice (RFC 6455 section 4.2.1).',
    ],
    [
      { 'Sec-WebSocket-Extensions': 'x;' },
      'The client\'s Sec-WebSocket-Extensions header "x;" is broken at index 2: it ends where the name of a parameter is expected (RFC 6455 section 9.1).',
    ],
  ])('%j with 400', (changes, message) => {
    expect(thrownBy(() => checkUpgradeRequest(request(changes)))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_REQUEST',
      status: 400,
      headers: {},
      message,
    })
  })

  test.each<[Lines, string, string]>([
    [
      { Upgrade: undefined, 'Sec-WebSocket-Key': undefined },
      'BAD_REQUEST',
      'The request has no Upgrade header, which must name "websocket" (RFC 6455 section 4.2.1). Nothing but WebSocket is spoken here.',
    ],
    [
      { Upgrade: undefined },
      'BAD_REQUEST',
      'The request has no Upgrade header, which must name "websocket" (RFC 6455 section 4.2.1). A proxy in between may have dropped it.',
    ],
    [{ Upgrade: 'h2c' }, 'BAD_REQUEST', 'The Upgrade header "h2c" does not name "websocket" (RFC 6455 section 4.2.1).'],
    [
      { 'Sec-WebSocket-Version': undefined },
      'UNSUPPORTED_VERSION',
      'The request has no Sec-WebSocket-Version header, which must be "13" (RFC 6455 section 4.2.1).',
    ],
    ...['8', '013', '+13', '13, 8', '', '12\r\n'].map((version): [Lines, string, string] => [
      { 'Sec-WebSocket-Version': version },
      'UNSUPPORTED_VERSION',
      `The Sec-WebSocket-Version ${JSON.stringify(version)} is not supported, "13" is (RFC 6455 section 4.2.1).`,
    ]),
  ])('%j with 426', (changes, code, message) => {
    expect(thrownBy(() => checkUpgradeRequest(request(changes)))).toMatchObject({
      name: 'HandshakeError',
      code,
      status: 426,
      headers: upgradeHeaders,
      message,
    })
  })
})

describe('16 KiB of subprotocols', () => {
  test('that differ', () => {
    const offered = Array.from({ length: 2700 }, (_, index) => `p${index}`)
    expect(checkUpgradeRequest(request({ 'Sec-WebSocket-Protocol': offered.join() })).protocols).toEqual(offered)
  })

  test.each([
    ['the same one', 'a,'.repeat(8192), 'The client offers the subprotocol "a" twice'],
    ['no comma', ' a'.repeat(8192), `The subprotocol "${'a '.repeat(32)}…" (16383 characters) that the client`],
    ['an open string', `"${','.repeat(16_383)}`, `The subprotocol "\\"${','.repeat(63)}…" (16384 characters) that the`],
  ])('%s', (_, value, start) => {
    const error = thrownBy(() => checkUpgradeRequest(request({ 'Sec-WebSocket-Protocol': value })))
    expect(error).toBeInstanceOf(HandshakeError)
    expect(String(error)).toContain(`HandshakeError: ${start}`)
  })

  test('commas alone', () => {
    expect(checkUpgradeRequest(request({ 'Sec-WebSocket-Protocol': ','.repeat(16_384) })).protocols).toEqual([])
  })
})

test('no input throws anything else', () => {
  const value = fc.option(
    fc.oneof(
      fc.constantFrom('websocket', 'Upgrade', '13', key, 'example.com', 'GET', '1.1', 'chunked', '0'),
      anyText(20),
      fc.string({ unit: fc.constantFrom(...'a,;="\\ ') }),
    ),
    { nil: undefined },
  )
  const names = [
    'Host',
    'Upgrade',
    'Connection',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Content-Length',
  ]
  const changes = fc.dictionary(fc.constantFrom(...names), value)
  fc.assert(
    fc.property(changes, fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 }), (lines, method, version) => {
      for (const head of [request(lines), request(lines, method), request(lines, 'GET', version)]) {
        try {
          expect(checkUpgradeRequest(head).key).toBe(key)
        } catch (error) {
          if (!(error instanceof HandshakeError)) throw error
          expect([400, 405, 426]).toContain(error.status)
          expect(error.message).toMatch(/^[ -~…]+$/)
          expect(error.message.length).toBeLessThan(1000)
        }
      }
    }),
    { numRuns: 1000 },
  )
})
