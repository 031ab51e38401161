import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ClientOffer, checkUpgradeResponse, requestHeaders } from '../../src/protocol/client-handshake.ts'
import { ArgumentError, HandshakeError } from '../../src/protocol/error.ts'
import { HeaderFields } from '../../src/protocol/headers.ts'
import { responseHead } from '../../src/protocol/response.ts'
import { checkUpgradeRequest } from '../../src/protocol/server-handshake.ts'
import { anyText, countingPlatform, thrownBy } from './handshake-platform.ts'
import { plainExtension } from './plain-extension.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

type Lines = Record<string, string | string[] | undefined>

/** A good response with some headers changed (undefined leaves one out, an array repeats it). */
function response(changes: Lines = {}, status = 101) {
  const headers: Lines = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': accept, ...changes }
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value): [string, string] => [name, value]),
  )
  return { status, headers: HeaderFields.fromLines(lines) }
}

function answer(changes: Lines, offer: Partial<ClientOffer> = {}) {
  return checkUpgradeResponse(response(changes), { key, ...offer }, countingPlatform)
}

describe('requestHeaders', () => {
  test('a key alone', () => {
    expect(requestHeaders({ key })).toEqual([
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Key', key],
      ['Sec-WebSocket-Version', '13'],
    ])
  })

  test('subprotocols and extensions', () => {
    const extensions = [plainExtension('x', [[['y', '1']], []]), plainExtension('z')]
    expect(requestHeaders({ key, protocols: ['chat', 'v2.chat'], extensions }).slice(4)).toEqual([
      ['Sec-WebSocket-Protocol', 'chat, v2.chat'],
      ['Sec-WebSocket-Extensions', 'x; y=1, x, z'],
    ])
    expect(requestHeaders({ key, protocols: [], extensions: [] })).toHaveLength(4)
  })

  test.each([
    [['a b'], 'The subprotocol "a b" is not a token (RFC 6455 section 4.1).'],
    [['a', 'a'], 'The subprotocol "a" is in `protocols` twice.'],
  ])('subprotocols %j', (protocols, message) => {
    expect(() => requestHeaders({ key, protocols })).toThrow(new ArgumentError(message))
  })

  test('are what a server accepts, and its answer is what the client accepts', () => {
    const token = fc.string({ unit: fc.constantFrom(...'aB1-_.'), minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.uniqueArray(token), (protocols) => {
        const headers = HeaderFields.fromLines([['Host', 'x'], ...requestHeaders({ key, protocols })])
        const offer = checkUpgradeRequest({ method: 'GET', httpVersion: '1.1', headers })
        expect(offer.protocols).toEqual(protocols)
        const protocol = offer.protocols.at(-1) ?? ''
        const head = Buffer.from(responseHead({ key: offer.key, protocol }, countingPlatform)).toString('latin1')
        const lines = head.trimEnd().split('\r\n').slice(1)
        const pairs = lines.map((line): [string, string] => [line.split(':')[0] ?? '', line.replace(/^.*?:/, '')])
        expect(
          checkUpgradeResponse(
            { status: 101, headers: HeaderFields.fromLines(pairs) },
            { key, protocols },
            countingPlatform,
          ),
        ).toEqual({ protocol, extensions: [] })
      }),
    )
  })
})

describe('what is accepted', () => {
  test.each<[string, Lines]>([
    ['the example of RFC 6455 section 1.3', {}],
    ['letters in any case', { Upgrade: 'WebSocket', Connection: 'upgrade' }],
    ['a list', { Connection: ['keep-alive', 'x, Upgrade'] }],
    ['an empty list of extensions', { 'Sec-WebSocket-Extensions': '' }],
  ])('%s', (_, changes) => {
    expect(answer(changes)).toEqual({ protocol: '', extensions: [] })
  })

  test('no subprotocol, although some were offered', () => {
    expect(answer({}, { protocols: ['a'] })).toEqual({ protocol: '', extensions: [] })
  })

  test('a subprotocol and an extension of the offer', () => {
    const changes = { 'Sec-WebSocket-Protocol': 'b', 'Sec-WebSocket-Extensions': 'x; y=2' }
    const extensions = [plainExtension('x')]
    expect(answer(changes, { protocols: ['a', 'b'], extensions })).toEqual({
      protocol: 'b',
      extensions: [{ extension: extensions[0], agreed: [['y', '2']] }],
    })
  })
})

describe('what is refused', () => {
  test.each([
    [200, 'OK'],
    [301, 'Moved Permanently'],
    [404, 'Not Found'],
    [426, 'Upgrade Required'],
    [100, 'Informational'],
  ])('status %i', (status, phrase) => {
    const changes = { Server: 'x', 'Set-Cookie': ['a=1', 'b=2'] }
    expect(thrownBy(() => checkUpgradeResponse(response(changes, status), { key }, countingPlatform))).toMatchObject({
      name: 'HandshakeError',
      code: 'UNEXPECTED_STATUS',
      status,
      headers: { server: 'x', upgrade: 'websocket', 'set-cookie': ['a=1', 'b=2'] },
      message: `The server answered ${status} ${phrase} where a WebSocket handshake is answered with 101 (RFC 6455 section 4.1).`,
    })
  })

  const other = 'Something that is no WebSocket server, or a cache, may have answered.'

  test.each<[Lines, string, string?]>([
    [{ Upgrade: undefined }, 'it has no Upgrade header'],
    [{ Upgrade: 'h2c' }, 'the Upgrade header is "h2c", not "websocket"'],
    [{ Upgrade: 'websocket, h2c' }, 'the Upgrade header is "websocket, h2c", not "websocket"'],
    [{ Upgrade: ['websocket', 'websocket'] }, 'it has 2 Upgrade headers where there must be one'],
    [{ Connection: undefined }, 'it has no Connection header'],
    [{ Connection: 'close' }, 'the Connection header "close" does not name "Upgrade"'],
    [{ 'Sec-WebSocket-Accept': undefined }, 'it has no Sec-WebSocket-Accept header'],
    [
      { 'Sec-WebSocket-Accept': 'S3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
      `Sec-WebSocket-Accept is "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", and "${accept}" answers the key that was sent`,
      other,
    ],
    [
      { 'Sec-WebSocket-Accept': `${'x'.repeat(64)}\x1b` },
      `Sec-WebSocket-Accept is "${'x'.repeat(64)}…" (65 characters), and "${accept}" answers the key that was sent`,
      other,
    ],
    [{ 'Sec-WebSocket-Accept': [accept, accept] }, 'it has 2 Sec-WebSocket-Accept headers where there must be one'],
    [{ 'Sec-WebSocket-Protocol': 'c' }, 'it chooses the subprotocol "c", and the client offered "a", "__proto__"'],
    [{ 'Sec-WebSocket-Protocol': 'A' }, 'it chooses the subprotocol "A", and the client offered "a", "__proto__"'],
    [{ 'Sec-WebSocket-Protocol': '' }, 'it chooses the subprotocol "", and the client offered "a", "__proto__"'],
    [
      { 'Sec-WebSocket-Protocol': 'a, __proto__' },
      'it chooses the subprotocol "a, __proto__", and the client offered "a", "__proto__"',
    ],
    [{ 'Sec-WebSocket-Protocol': ['a', 'a'] }, 'it has 2 Sec-WebSocket-Protocol headers where there must be one'],
    [
      { 'Sec-WebSocket-Extensions': 'x, constructor' },
      'it chooses the extension "constructor", and the client offered "x"',
    ],
  ])('%j', (changes, what, hint) => {
    const offer = { protocols: ['a', '__proto__'], extensions: [plainExtension('x')] }
    const message = `The server's answer is 101, but ${what} (RFC 6455 section 4.1).`
    expect(thrownBy(() => answer({ ...changes, Server: 'x' }, offer))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_RESPONSE',
      status: 101,
      headers: { server: 'x' },
      message: hint === undefined ? message : `${message} ${hint}`,
    })
  })

  test('a choice when nothing was offered', () => {
    expect(() => answer({ 'Sec-WebSocket-Protocol': 'a' })).toThrow(
      'it chooses the subprotocol "a", and the client offered none (RFC 6455 section 4.1).',
    )
    expect(() => answer({ 'Sec-WebSocket-Extensions': 'permessage-deflate' })).toThrow(
      'it chooses the extension "permessage-deflate", and the client offered none (RFC 6455 section 4.1).',
    )
  })

  test('extensions in several lines', () => {
    const extensions = [plainExtension('x'), plainExtension('y')]
    const agreed = answer({ 'Sec-WebSocket-Extensions': ['y', 'x; a'] }, { extensions }).extensions
    expect(agreed).toEqual([
      { extension: extensions[1], agreed: [] },
      { extension: extensions[0], agreed: [['a', true]] },
    ])
    expect(() => answer({ 'Sec-WebSocket-Extensions': ['x', 'x'] }, { extensions })).toThrow(
      'it chooses the extension "x" twice (RFC 6455 section 9.1).',
    )
  })

  test('an extension that cannot accept the answer', () => {
    const offer = { extensions: [plainExtension('x')] }
    expect(thrownBy(() => answer({ 'Sec-WebSocket-Extensions': 'x; no', Server: 'x' }, offer))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_RESPONSE',
      status: 101,
      headers: { server: 'x' },
      message: "The server's answer is 101, but its x says no to 1 offers.",
    })
  })

  test('extensions that are broken', () => {
    expect(thrownBy(() => answer({ 'Sec-WebSocket-Extensions': '=', Server: 'x' }))).toMatchObject({
      code: 'BAD_RESPONSE',
      status: 101,
      headers: { server: 'x' },
      message:
        'The server\'s Sec-WebSocket-Extensions header "=" is broken at index 0: it has "=" where the name of an extension is expected (RFC 6455 section 9.1).',
    })
  })
})

test('no answer throws anything else', () => {
  const value = fc.oneof(fc.constantFrom('websocket', 'Upgrade', accept, 'a', 'x'), anyText(20))
  const names = [
    'Upgrade',
    'Connection',
    'Sec-WebSocket-Accept',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    '__proto__',
  ]
  const offer = { protocols: ['a'], extensions: [plainExtension('x')] }
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.array(value, { maxLength: 2 })), (changes) => {
      try {
        expect(['', 'a']).toContain(answer(changes, offer).protocol)
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error
        expect(error.code).toBe('BAD_RESPONSE')
        expect(error.message).toMatch(/^[ -~…]+$/)
      }
    }),
    { numRuns: 1000 },
  )
})
