import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import { reasonPhrase, refusalResponse, requestHeaderLines, responseHead } from '../../src/protocol/response.ts'
import { anyText, countingPlatform } from './handshake-platform.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

describe('responseHead', () => {
  test('the example of RFC 6455 section 1.3', () => {
    expect(latin1(responseHead({ key, protocol: 'chat' }, countingPlatform))).toBe(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        'Sec-WebSocket-Protocol: chat',
        '\r\n',
      ].join('\r\n'),
    )
  })

  test('extensions, headers and cookies', () => {
    const head = responseHead(
      {
        key,
        protocol: '',
        extensions: [{ name: 'foo', parameters: [['a', '1']] }],
        headers: { 'Set-Cookie': ['a=1; HttpOnly', 'b=é'], 'x-lower': 'kept', 'X-None': undefined },
      },
      countingPlatform,
    )
    expect(latin1(head)).toBe(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        'Sec-WebSocket-Extensions: foo; a=1',
        'Set-Cookie: a=1; HttpOnly',
        'Set-Cookie: b=é',
        'x-lower: kept',
        '\r\n',
      ].join('\r\n'),
    )
  })

  test('no extensions is no header', () => {
    expect(latin1(responseHead({ key, extensions: [] }, countingPlatform))).not.toContain('Extensions')
  })

  test.each([
    ['UPGRADE', 'it belongs to the WebSocket handshake'],
    ['Connection', 'it belongs to the WebSocket handshake'],
    ['Sec-WebSocket-Accept', 'it belongs to the WebSocket handshake'],
    ['Sec-WebSocket-Extensions', 'it belongs to the WebSocket handshake'],
    ['sec-websocket-anything', 'it belongs to the WebSocket handshake'],
    ['Sec-WebSocket-Protocol', 'subprotocols have an option of their own'],
    ['Content-Length', 'a handshake has no body'],
    ['Transfer-Encoding', 'a handshake has no body'],
  ])('%s is reserved', (name, reason) => {
    const error = new ArgumentError(`The header "${name}" cannot be set: ${reason}.`)
    expect(() => responseHead({ key, headers: { [name]: 'x' } }, countingPlatform)).toThrow(error)
    expect(() => requestHeaderLines({ [name]: 'x' })).toThrow(error)
  })

  test('a line break goes nowhere', () => {
    expect(() => responseHead({ key, headers: { A: 'x\r\nB: y' } }, countingPlatform)).toThrow(
      new ArgumentError(
        'The value of the header "A" has a carriage return (U+000D) at index 1, which a header cannot carry.',
      ),
    )
    expect(() => responseHead({ key, protocol: 'x\nB: y' }, countingPlatform)).toThrow(
      new ArgumentError(
        'The value of the header "Sec-WebSocket-Protocol" has a line feed (U+000A) at index 1, which a header cannot carry.',
      ),
    )
  })
})

test("a client's own headers", () => {
  expect(requestHeaderLines(undefined)).toEqual([])
  expect(requestHeaderLines({ Host: 'x', Cookie: 'a=1', 'X-A': ['1', '2'] })).toEqual([
    ['Host', 'x'],
    ['Cookie', 'a=1'],
    ['X-A', '1'],
    ['X-A', '2'],
  ])
})

describe('refusalResponse', () => {
  test('a reason', () => {
    expect(utf8(refusalResponse({ status: 401, reason: 'Bitte anmelden: größer €' }, countingPlatform))).toBe(
      [
        'HTTP/1.1 401 Unauthorized',
        'Connection: close',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 29',
        '',
        'Bitte anmelden: größer €\n',
      ].join('\r\n'),
    )
  })

  test('an empty reason and the headers of a missing upgrade', () => {
    const headers = { upgrade: 'websocket', 'sec-websocket-version': '13', absent: undefined }
    expect(utf8(refusalResponse({ status: 426, reason: '', headers }, countingPlatform))).toBe(
      [
        'HTTP/1.1 426 Upgrade Required',
        'Connection: close, Upgrade',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 1',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        '',
        '\n',
      ].join('\r\n'),
    )
  })

  test('another content type, cookies, and names as they were written', () => {
    const headers = {
      'content-type': 'application/json',
      'Set-Cookie': ['a=1', 'b=2'],
      'www-authenticate': 'Basic',
      'X-ODD-name': 'é',
    }
    expect(latin1(refusalResponse({ status: 499, reason: '{}', headers }, countingPlatform))).toBe(
      [
        'HTTP/1.1 499 Client Error',
        'Connection: close',
        'Content-Length: 3',
        'Content-Type: application/json',
        'Set-Cookie: a=1',
        'Set-Cookie: b=2',
        'WWW-Authenticate: Basic',
        'X-ODD-name: é',
        '',
        '{}\n',
      ].join('\r\n'),
    )
  })

  test.each([101, 200, 299, 600, 400.5, Number.NaN])('status %d is refused', (status) => {
    expect(() => refusalResponse({ status, reason: '' }, countingPlatform)).toThrow(
      new ArgumentError(`A handshake cannot be refused with status ${status}: it must be from 300 to 599.`),
    )
  })

  test.each(['Connection', 'content-length', 'Transfer-Encoding'])('%s is reserved', (name) => {
    expect(() => refusalResponse({ status: 400, reason: '', headers: { [name]: '1' } }, countingPlatform)).toThrow(
      new ArgumentError(`The header "${name}" cannot be set: it frames the response, which is done for you.`),
    )
  })

  test('the length is that of the body, whatever the reason is', () => {
    fc.assert(
      fc.property(anyText(20), fc.integer({ min: 300, max: 599 }), (reason, status) => {
        const response = Buffer.from(refusalResponse({ status, reason }, countingPlatform))
        const end = response.indexOf('\r\n\r\n') + 4
        const length = /Content-Length: (\d+)/.exec(response.toString('latin1', 0, end))?.[1]
        expect(response.length - end).toBe(Number(length))
        expect(response.subarray(end)).toEqual(Buffer.from(`${reason}\n`))
      }),
    )
  })
})

test.each([
  [404, 'Not Found'],
  [101, 'Switching Protocols'],
  [199, 'Informational'],
  [299, 'Success'],
  [399, 'Redirection'],
  [599, 'Server Error'],
  [700, 'Unknown'],
  [0, 'Unknown'],
])('%i is %s', (status, phrase) => {
  expect(reasonPhrase(status)).toBe(phrase)
})
