import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError, HandshakeError } from '../../src/protocol/error.ts'
import { type ExtensionOffer, formatExtensions, parseExtensions } from '../../src/protocol/extension.ts'
import { thrownBy } from './handshake-platform.ts'

describe('parseExtensions', () => {
  test.each<[string, ExtensionOffer[]]>([
    ['', []],
    [' \t', []],
    [' , ,', []],
    ['foo', [{ name: 'foo', parameters: [] }]],
    [
      ',foo,,bar ,',
      [
        { name: 'foo', parameters: [] },
        { name: 'bar', parameters: [] },
      ],
    ],
    ['bar; baz=2', [{ name: 'bar', parameters: [['baz', '2']] }]],
    [
      'foo, bar; baz=2; qux',
      [
        { name: 'foo', parameters: [] },
        {
          name: 'bar',
          parameters: [
            ['baz', '2'],
            ['qux', true],
          ],
        },
      ],
    ],
    [
      'permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate',
      [
        {
          name: 'permessage-deflate',
          parameters: [
            ['client_max_window_bits', true],
            ['server_max_window_bits', '10'],
          ],
        },
        { name: 'permessage-deflate', parameters: [] },
      ],
    ],
    [
      'a ;\tb = "1\\0" ; c="x"',
      [
        {
          name: 'a',
          parameters: [
            ['b', '10'],
            ['c', 'x'],
          ],
        },
      ],
    ],
    [
      'a;b;b=1;b',
      [
        {
          name: 'a',
          parameters: [
            ['b', true],
            ['b', '1'],
            ['b', true],
          ],
        },
      ],
    ],
    [
      '__proto__; constructor; __proto__=1, toString; hasOwnProperty=valueOf',
      [
        {
          name: '__proto__',
          parameters: [
            ['constructor', true],
            ['__proto__', '1'],
          ],
        },
        { name: 'toString', parameters: [['hasOwnProperty', 'valueOf']] },
      ],
    ],
  ])('%j', (header, expected) => {
    expect(parseExtensions(header)).toEqual(expected)
  })

  test.each([
    [';', 0, 'it has ";" where the name of an extension is expected'],
    ['foo bar', 4, 'it has "b" where ";" or "," is expected'],
    ['foo=1', 3, 'it has "=" where ";" or "," is expected'],
    ['foo;', 4, 'it ends where the name of a parameter is expected'],
    ['foo; ,bar', 5, 'it has "," where the name of a parameter is expected'],
    ['foo;;a', 4, 'it has ";" where the name of a parameter is expected'],
    ['foo; a=', 7, 'it ends where the value of the parameter "a" is expected'],
    ['foo; a=;b', 7, 'it has ";" where the value of the parameter "a" is expected'],
    ['foo; a=\x00', 7, 'it has "\\x00" where the value of the parameter "a" is expected'],
    ['foo; a=1 2', 9, 'it has "2" where ";" or "," is expected'],
    ['foo; a="1', 7, 'the quoted string is never closed'],
    ['foo; a="', 7, 'the quoted string is never closed'],
    ['foo; a="1\\', 7, 'the quoted string is never closed'],
    ['foo; a="1\\"', 7, 'the quoted string is never closed'],
    ['foo; a=""', 7, 'the value "" of the parameter "a" is not a token'],
    ['foo; a="1, 2"', 7, 'the value "1, 2" of the parameter "a" is not a token'],
    ['foo; a="\\""', 7, 'the value "\\"" of the parameter "a" is not a token'],
    ['foo; a="1"2', 10, 'it has "2" where ";" or "," is expected'],
    ['é', 0, 'it has "\\xe9" where the name of an extension is expected'],
  ])('%j is broken at %i', (header, index, what) => {
    const quoted = JSON.stringify(header).replace('\\u0000', '\\x00').replace('é', '\\xe9')
    const tail = `is broken at index ${index}: ${what} (RFC 6455 section 9.1).`
    expect(thrownBy(() => parseExtensions(header))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_REQUEST',
      status: 400,
      headers: {},
      message: `The client's Sec-WebSocket-Extensions header ${quoted} ${tail}`,
    })
    expect(thrownBy(() => parseExtensions(header, 'server', { server: 'x' }))).toMatchObject({
      name: 'HandshakeError',
      code: 'BAD_RESPONSE',
      status: 101,
      headers: { server: 'x' },
      message: `The server's Sec-WebSocket-Extensions header ${quoted} ${tail}`,
    })
  })

  test('16 KiB of anything', () => {
    expect(parseExtensions('a,'.repeat(8192))).toHaveLength(8192)
    expect(parseExtensions(`a${';b'.repeat(8191)}`)[0]?.parameters).toHaveLength(8191)
    expect(parseExtensions(`a;b="${'\\c'.repeat(8192)}"`)).toEqual([
      { name: 'a', parameters: [['b', 'c'.repeat(8192)]] },
    ])
    expect(parseExtensions(' '.repeat(16_384))).toEqual([])
    expect(() => parseExtensions(`a${' '.repeat(16_384)}b`)).toThrow(HandshakeError)
    expect(() => parseExtensions(`a;b="${'x'.repeat(16_384)}`)).toThrow(HandshakeError)
  })

  test('throws nothing but HandshakeError, and what it takes it can say again', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab;,="\\ \t\x00é') }), (header) => {
        let parsed: ExtensionOffer[]
        try {
          parsed = parseExtensions(header)
        } catch (error) {
          expect(error).toBeInstanceOf(HandshakeError)
          return
        }
        expect(parseExtensions(formatExtensions(parsed))).toEqual(parsed)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('formatExtensions', () => {
  test.each<[ExtensionOffer[], string]>([
    [[], ''],
    [[{ name: 'foo', parameters: [] }], 'foo'],
    [
      [
        {
          name: 'foo',
          parameters: [
            ['a', true],
            ['b', '1'],
          ],
        },
        { name: 'bar', parameters: [] },
      ],
      'foo; a; b=1, bar',
    ],
  ])('%j', (extensions, expected) => {
    expect(formatExtensions(extensions)).toBe(expected)
  })

  test.each<[ExtensionOffer]>([
    [{ name: 'a b', parameters: [] }],
    [{ name: 'a', parameters: [['a b', true]] }],
    [{ name: 'a', parameters: [['a b', '1']] }],
    [{ name: 'a', parameters: [['b', 'a b']] }],
  ])('%j is refused', (extension) => {
    expect(() => formatExtensions([extension])).toThrow(
      new ArgumentError('"a b" cannot stand in a Sec-WebSocket-Extensions header: it is not a token.'),
    )
  })
})
