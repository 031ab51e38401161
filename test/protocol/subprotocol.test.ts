import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import {
  checkChosenSubprotocol,
  checkSubprotocols,
  chooseSubprotocol,
  listOfNames,
} from '../../src/protocol/subprotocol.ts'

test.each([
  [[], []],
  [['chat'], []],
  [[], ['chat']],
  [['Chat'], ['chat']],
  [['__proto__', 'constructor'], ['toString']],
])('offered %j, supported %j: none', (offered, supported) => {
  expect(chooseSubprotocol(offered, supported)).toBe('')
})

test.each([
  [['a', 'b'], ['b', 'a'], 'b'],
  [['b', 'a'], ['c', 'a', 'b'], 'a'],
  [['__proto__', 'constructor'], ['constructor'], 'constructor'],
])("offered %j, supported %j: %s, in the server's order", (offered, supported, chosen) => {
  expect(chooseSubprotocol(offered, supported)).toBe(chosen)
})

test('thousands of names', () => {
  const offered = Array.from({ length: 8192 }, (_, index) => `p${index}`)
  expect(chooseSubprotocol(offered, ['x', 'p8191', 'p0'])).toBe('p8191')
})

describe('checkSubprotocols', () => {
  test('takes tokens that differ', () => {
    checkSubprotocols([])
    checkSubprotocols(['chat', 'Chat', '__proto__', 'v2.chat'])
  })

  test.each([
    [[''], 'The subprotocol "" is not a token (RFC 6455 section 4.1).'],
    [['chat', 'a b'], 'The subprotocol "a b" is not a token (RFC 6455 section 4.1).'],
    [['a,b'], 'The subprotocol "a,b" is not a token (RFC 6455 section 4.1).'],
    [['a\r\n'], 'The subprotocol "a\\r\\n" is not a token (RFC 6455 section 4.1).'],
    [['a', 'b', 'a'], 'The subprotocol "a" is in `protocols` twice.'],
    [JSON.parse('[1]'), 'The subprotocol "1" is not a token (RFC 6455 section 4.1).'],
  ])('%j', (protocols, message) => {
    expect(() => checkSubprotocols(protocols)).toThrow(new ArgumentError(message))
  })
})

describe('checkChosenSubprotocol', () => {
  test('takes what was offered, and none', () => {
    checkChosenSubprotocol('', [])
    checkChosenSubprotocol('', ['a'])
    checkChosenSubprotocol('a', ['b', 'a'])
  })

  test.each([
    ['x', [], 'The subprotocol "x" was chosen, but the client offered none.'],
    ['A', ['a', 'b'], 'The subprotocol "A" was chosen, but the client offered "a", "b".'],
    ['a\r\n', ['a'], 'The subprotocol "a\\r\\n" was chosen, but the client offered "a".'],
  ])('%j of %j', (chosen, offered, message) => {
    expect(() => checkChosenSubprotocol(chosen, offered)).toThrow(new ArgumentError(message))
  })
})

test('a long list is cut', () => {
  const names = Array.from({ length: 10 }, (_, index) => `n${index}`)
  expect(listOfNames(names.slice(0, 8))).toBe('"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"')
  expect(listOfNames(names)).toBe('"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7" and 2 more')
})
