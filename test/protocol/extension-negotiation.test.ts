import { describe, expect, test } from 'vitest'
import { HandshakeError } from '../../src/protocol/error.ts'
import { formatExtensions, parseExtensions } from '../../src/protocol/extension.ts'
import { acceptExtensions, confirmExtensions, offeredExtensions } from '../../src/protocol/extension-negotiation.ts'
import { thrownBy } from './handshake-platform.ts'
import { plainExtension } from './plain-extension.ts'

const a = plainExtension('a', [[['x', '1']], [['x', '2']]], 0x40)
const b = plainExtension('b', [[]], 0x60)
const c = plainExtension('c', [[]], 0x10)
const d = plainExtension('d')
const e = plainExtension('e')
const all = [a, b, c, d, e]

test('a client offers the offers of its extensions, in their order', () => {
  expect(formatExtensions(offeredExtensions([d, a, c]))).toBe('d, a; x=1, a; x=2, c')
  expect(offeredExtensions([])).toEqual([])
  expect(offeredExtensions([plainExtension('never', [])])).toEqual([])
})

describe('what a server takes', () => {
  test.each([
    ['', ''],
    ['a', 'a; taken'],
    ['A', ''],
    ['unknown, toString, __proto__', ''],
    ['a; x=1, a; x=2', 'a; x=1; taken'],
    ['a; no, a; x=2', 'a; x=2; taken'],
    ['a; no', ''],
    ['c, a', 'c; taken, a; taken'],
    ['a, b, c', 'a; taken, c; taken'],
    ['b, a, c', 'b; taken, c; taken'],
    ['b; no, a', 'a; taken'],
    ['d, e, d', 'd; taken, e; taken'],
  ])('of %j: %j', (offers, answers) => {
    const accepted = acceptExtensions(parseExtensions(offers), all)
    expect(formatExtensions(accepted.answers)).toBe(answers)
    expect(accepted.agreed.map(({ extension }) => extension.name)).toEqual(accepted.answers.map(({ name }) => name))
  })

  test('comes with what was agreed', () => {
    expect(acceptExtensions(parseExtensions('c; no, c; y=1, a'), all).agreed).toEqual([
      { extension: c, agreed: [['y', '1']] },
      { extension: a, agreed: [] },
    ])
  })

  test('without extensions is nothing', () => {
    expect(acceptExtensions(parseExtensions('a, b'), [])).toEqual({ answers: [], agreed: [] })
  })

  test('of thousands of offers is one of each', () => {
    const offers = parseExtensions('a; no, a, unknown, '.repeat(2000))
    expect(formatExtensions(acceptExtensions(offers, all).answers)).toBe('a; taken')
  })
})

describe('what a client makes of the answers', () => {
  test.each([[''], ['a; x=1'], ['c, a; x=2'], ['e, d, c']])('%j', (header) => {
    const answers = parseExtensions(header, 'server')
    expect(confirmExtensions(answers, all)).toEqual(
      answers.map(({ name, parameters }) => ({ extension: all.find((one) => one.name === name), agreed: parameters })),
    )
  })

  test.each([
    ['f', 'it chooses the extension "f", and the client offered "a", "b", "c", "d", "e" (RFC 6455 section 4.1)'],
    [
      'a, toString',
      'it chooses the extension "toString", and the client offered "a", "b", "c", "d", "e" (RFC 6455 section 4.1)',
    ],
    ['d, d; y', 'it chooses the extension "d" twice (RFC 6455 section 9.1)'],
    ['a, a', 'it chooses the extension "a" twice (RFC 6455 section 9.1)'],
    ['b, a', 'it chooses the extensions "b", "a", which use the same reserved bit (RFC 6455 section 5.2)'],
    ['d, a; no', 'its a says no to 2 offers'],
  ])('%j is refused', (header, what) => {
    const answers = parseExtensions(header, 'server')
    const error = thrownBy(() => confirmExtensions(answers, all, { server: 'x' }))
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({
      code: 'BAD_RESPONSE',
      status: 101,
      headers: { server: 'x' },
      message: `The server's answer is 101, but ${what}.`,
    })
  })

  test('an extension without offers was not offered', () => {
    expect(() => confirmExtensions(parseExtensions('a'), [plainExtension('a', []), d])).toThrow(
      'it chooses the extension "a", and the client offered "d" (RFC 6455 section 4.1).',
    )
    expect(() => confirmExtensions(parseExtensions('a'), [])).toThrow('and the client offered none')
  })
})
