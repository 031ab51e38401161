import { createServer } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../../src/protocol/error.ts'
import { HeaderFields } from '../../src/protocol/headers.ts'
import { compileTrustedProxies, requestedHost } from '../../src/server/proxy-trust.ts'

test.each([
  ['10.0.0.7', '10.0.0.7'],
  ['10.0.0.7', '::ffff:10.0.0.7'],
  ['10.0.0.7', '::FFFF:10.0.0.7'],
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['::ffff:10.0.0.7', '::ffff:10.0.0.7'],
  ['::ffff:a00:7', '10.0.0.7'],
  ['10.0.0.7', '::ffff:a00:7'],
  ['10.0.0.0/8', '10.255.1.2'],
  ['10.0.0.7/8', '10.255.1.2'],
  ['10.0.0.0/8', '::ffff:10.1.2.3'],
  ['0.0.0.0/0', '192.0.2.1'],
  ['192.0.2.1/32', '192.0.2.1'],
  ['fd00::7', 'fd00::7'],
  ['fd00::7', 'fd00:0:0::7'],
  ['FD00::/8', 'fdff::1'],
  ['fe80::/10', 'fe80::1%eth0'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.8.9.10'],
  ['loopback', '::ffff:127.0.0.1'],
  ['loopback', '::1'],
])('%s trusts %s', (entry, address) => {
  expect(compileTrustedProxies([entry])(address)).toBe(true)
  expect(compileTrustedProxies(['203.0.113.1', entry, '2001:db8::/32'])(address)).toBe(true)
})

test.each([
  ['10.0.0.7', '10.0.0.8'],
  ['10.0.0.7', 'fd00::7'],
  ['10.0.0.0/8', '11.0.0.1'],
  ['10.0.0.0/8', '::ffff:11.0.0.1'],
  ['fd00::/8', 'fe00::1'],
  ['fd00::/8', '10.0.0.1'],
  ['loopback', '::2'],
  ['loopback', '10.0.0.1'],
  ['loopback', undefined],
  ['loopback', ''],
  ['loopback', 'localhost'],
  ['0.0.0.0/0', 'unix'],
])('%s does not trust %s', (entry, address) => {
  expect(compileTrustedProxies([entry])(address)).toBe(false)
})

test('an empty list trusts nobody', () => {
  expect(compileTrustedProxies([])('127.0.0.1')).toBe(false)
})

test.each([
  ['loopback', '"loopback"'],
  [true, 'true'],
  [{ loopback: true }, 'an object'],
])('a list is needed: %j', (proxies, not) => {
  expect(() => createServer({ trustedProxies: proxies as unknown as string[] })).toThrow(
    new ArgumentError(
      `The option trustedProxies is an array of addresses and networks, as in ['loopback'], not ${not}.`,
    ),
  )
})

const unknown = "it is no address, no network such as '10.0.0.0/8', and not 'loopback'"
test.each([
  ['', unknown],
  ['localhost', unknown],
  ['10.0.0', unknown],
  ['10.0.0.256', unknown],
  ['10.0.0.0/8/8', 'the number after the slash must be from 0 to 32'],
  ['/8', unknown],
  ['*', unknown],
  ['fe80::1%eth0', unknown],
  [JSON.parse('7'), unknown],
  ['10.0.0.0/', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/33', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/x', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/ 8', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/-1', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/0008', 'the number after the slash must be from 0 to 32'],
  ['10.0.0.0/255.0.0.0', 'the number after the slash must be from 0 to 32'],
  ['fd00::/129', 'the number after the slash must be from 0 to 128'],
  ['::ffff:10.0.0.0/104', 'write the network with a plain IPv4 address'],
])('%j is refused', (entry, why) => {
  expect(() => compileTrustedProxies(['loopback', entry])).toThrow(
    new ArgumentError(`The entry "${entry}" of \`trustedProxies\` cannot be used: ${why}.`),
  )
})

describe('requestedHost', () => {
  const isTrusted = compileTrustedProxies(['10.0.0.0/8'])

  test.each<[string[], string | undefined, string]>([
    [[], '10.0.0.1', 'inner:8080'],
    [['example.com'], '10.0.0.1', 'example.com'],
    [['example.com, second.test'], '10.0.0.1', 'example.com'],
    [['example.com', 'second.test'], '::ffff:10.0.0.1', 'example.com'],
    [[''], '10.0.0.1', 'inner:8080'],
    [['example.com'], '192.0.2.1', 'inner:8080'],
    [['example.com'], undefined, 'inner:8080'],
  ])('X-Forwarded-Host %j from %s: %s', (forwarded, remoteAddress, expected) => {
    const headers = HeaderFields.fromLines(forwarded.map((value): [string, string] => ['X-Forwarded-Host', value]))
    expect(requestedHost('inner:8080', headers, remoteAddress, isTrusted)).toBe(expected)
  })
})
