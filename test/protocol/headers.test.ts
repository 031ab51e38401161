import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import {
  checkHeaderName,
  checkHeaderValue,
  HeaderFields,
  isToken,
  listElements,
  listHasToken,
  outgoingLines,
} from '../../src/protocol/headers.ts'
import { anyText } from './handshake-platform.ts'

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))

describe('HeaderFields', () => {
  const headers = HeaderFields.fromRaw([
    'Host',
    'example.com',
    'X-A',
    ' 1\t',
    'x-a',
    '2',
    'Cookie',
    'a=1',
    'cookie',
    'b=2',
    '__proto__',
    'p',
    'constructor',
    'c',
  ])

  test('names are case-insensitive and lines are kept apart', () => {
    expect(headers.lines('x-A')).toEqual(['1', '2'])
    expect(headers.lines('absent')).toEqual([])
  })

  test('lines are joined with a comma, cookies with a semicolon', () => {
    expect(headers.get('X-a')).toBe('1, 2')
    expect(headers.get('cookie')).toBe('a=1; b=2')
    expect(headers.get('absent')).toBeUndefined()
    expect(headers.get('toString')).toBeUndefined()
  })

  test('a record has no prototype, and any name is a name in it', () => {
    const record = headers.record()
    expect(Object.getPrototypeOf(record)).toBeNull()
    expect(Object.entries(record)).toEqual([
      ['host', 'example.com'],
      ['x-a', '1, 2'],
      ['cookie', 'a=1; b=2'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ])
  })

  test('from lines, and from a raw list that lacks its last value', () => {
    expect(HeaderFields.fromLines([['A', '1']]).get('a')).toBe('1')
    expect({ ...HeaderFields.fromRaw(['A', '1', 'B']).record() }).toEqual({ a: '1' })
  })
})

describe('isToken', () => {
  test('has exactly the characters of RFC 9110 section 5.6.2', () => {
    expect(ASCII.filter(isToken).join('')).toBe(
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    )
  })

  test.each([
    ['chat', true],
    ['', false],
    ['chat v2', false],
    ['chat,', false],
    ['café', false],
    ['€', false],
    [`${'a'.repeat(16_384)},`, false],
  ])('%j', (text, expected) => {
    expect(isToken(text)).toBe(expected)
  })
})

describe('listElements', () => {
  test.each([
    ['', []],
    [' , ,\t,', []],
    ['a', ['a']],
    [' a\t,  b c ,,d ', ['a', 'b c', 'd']],
    ['a="1,2", b', ['a="1,2"', 'b']],
    ['a="\\",", b', ['a="\\","', 'b']],
    ['a="1, b', ['a="1, b']],
    ['a="1\\', ['a="1\\']],
    ['a\\, b', ['a\\', 'b']],
    ['\u00a0a', ['\u00a0a']],
  ])('%j', (value, expected) => {
    expect(listElements(value)).toEqual(expected)
  })

  test('16 KiB of anything', () => {
    expect(listElements(','.repeat(16_384))).toEqual([])
    expect(listElements('a,'.repeat(8192))).toEqual(Array(8192).fill('a'))
    expect(listElements(' '.repeat(16_384))).toEqual([])
    expect(listElements('"'.repeat(16_384))).toEqual(['"'.repeat(16_384)])
    expect(listElements(`"${'\\'.repeat(16_383)}`)).toEqual([`"${'\\'.repeat(16_383)}`])
  })

  test('a list of tokens comes back as it was', () => {
    const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.'), minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.array(token), fc.constantFrom(',', ', ', ' ,\t', ',,', ' , , '), (tokens, comma) => {
        expect(listElements(tokens.join(comma))).toEqual(tokens)
      }),
    )
  })

  test('no element is empty or has whitespace around it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a"\\, \t'), maxLength: 30 }), (value) => {
        for (const element of listElements(value)) expect(element).toMatch(/^[^ \t](.*[^ \t])?$/)
      }),
    )
  })
})

test.each([
  [['websocket'], true],
  [['WebSocket'], true],
  [['h2c, WEBSOCKET'], true],
  [['h2c', 'websocket'], true],
  [['websocket/13'], false],
  [['"websocket"'], false],
  [['a="x, websocket"'], false],
  [['websockets'], false],
  [[''], false],
  [[], false],
])('%j names websocket: %s', (lines, expected) => {
  expect(listHasToken(lines, 'websocket')).toBe(expected)
})

describe('outgoing headers', () => {
  const none = () => undefined

  test('arrays give repeated lines, undefined and an empty array give none', () => {
    expect(
      outgoingLines({ 'Set-Cookie': ['a=1', 'b=2'], 'X-A': 'é\t~', 'X-B': undefined, 'X-C': [], 'X-D': '' }, none),
    ).toEqual([
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-A', 'é\t~'],
      ['X-D', ''],
    ])
    expect(outgoingLines(undefined, none)).toEqual([])
  })

  test('names of what objects have are names', () => {
    const headers = Object.fromEntries([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
    expect(outgoingLines(headers, none)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  test('a reserved name is refused with its reason, in any case', () => {
    const reserved = (name: string) => (name === 'upgrade' ? 'it is ours' : undefined)
    expect(() => outgoingLines({ UpGrade: 'x' }, reserved)).toThrow(
      new ArgumentError('The header "UpGrade" cannot be set: it is ours.'),
    )
  })

  test.each([
    ['', 'A header name is empty.'],
    ['X A', 'The header name "X A" is not a token: it has U+0020 at index 1.'],
    ['X:', 'The header name "X:" is not a token: it has U+003A at index 1.'],
    ['X\r\nY', 'The header name "X\\r\\nY" is not a token: it has U+000D at index 1.'],
    ['é', 'The header name "\\xe9" is not a token: it has U+00E9 at index 0.'],
  ])('name %j', (name, message) => {
    expect(() => checkHeaderName(name)).toThrow(new ArgumentError(message))
    expect(() => outgoingLines({ [name]: 'x' }, none)).toThrow(new ArgumentError(message))
  })

  test.each([
    ['a\r\nb', 'a carriage return (U+000D) at index 1'],
    ['\nb', 'a line feed (U+000A) at index 0'],
    ['ab\0', 'a NUL (U+0000) at index 2'],
    ['\x1b', 'U+001B at index 0'],
    ['\x7f', 'U+007F at index 0'],
    ['€', 'U+20AC at index 0'],
  ])('value %j', (value, what) => {
    const error = new ArgumentError(`The value of the header "X-A" has ${what}, which a header cannot carry.`)
    expect(() => checkHeaderValue('X-A', value)).toThrow(error)
    expect(() => outgoingLines({ 'X-A': ['ok', value] }, none)).toThrow(error)
  })

  test.each([
    [1, 'number'],
    [null, 'object'],
    [['a', true], 'boolean'],
  ])('the value %j that no type allows', (value, type) => {
    const headers = JSON.parse(JSON.stringify({ 'X-A': value }))
    expect(() => outgoingLines(headers, none)).toThrow(
      new ArgumentError(`The value of the header "X-A" is not a string but of type ${type}.`),
    )
  })

  test('what is let through can split nothing', () => {
    fc.assert(
      fc.property(anyText(10), anyText(10), (name, value) => {
        let lines: [string, string][]
        try {
          lines = outgoingLines({ [name]: value }, none)
        } catch (error) {
          expect(error).toBeInstanceOf(ArgumentError)
          return
        }
        expect(lines).toEqual([[name, value]])
        expect(name).toMatch(/^[!-9;-~]+$/)
        expect(value).toMatch(/^[\t -~\x80-\xff]*$/)
      }),
    )
  })
})
