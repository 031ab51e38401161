import { createServer, type UpgradeRequest } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { HeaderFields } from '../../src/protocol/headers.ts'
import { clientAddressOf, networkOf } from '../../src/server/client-address.ts'
import { compileTrustedProxies } from '../../src/server/proxy-trust.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

type Lines = readonly (readonly [name: string, value: string])[]

/** Who the client is, when this came from the trusted proxy 10.0.0.1, unless it came from elsewhere. */
function client(lines: Lines, remoteAddress: string | undefined = '10.0.0.1', trusted = ['10.0.0.0/8', 'fd00::/8']) {
  return clientAddressOf(remoteAddress, HeaderFields.fromLines(lines), compileTrustedProxies(trusted))
}

describe('Forwarded', () => {
  test.each([
    ['for=192.0.2.1', '192.0.2.1'],
    ['For=192.0.2.1', '192.0.2.1'],
    ['for="192.0.2.1"', '192.0.2.1'],
    ['for="192.0.2.1:8080"', '192.0.2.1'],
    ['for="192.0.2.1:_port"', '192.0.2.1'],
    ['for="\\1\\9\\2.0.2.1"', '192.0.2.1'],
    ['for="[2001:db8::1]"', '2001:db8::1'],
    ['for="[2001:DB8:0:0::1]:8080"', '2001:db8::1'],
    ['for="[::ffff:192.0.2.1]"', '192.0.2.1'],
    ['for="[::ffff:c000:201]"', '192.0.2.1'],
    ['for=192.0.2.1;proto=https;by=10.0.0.1', '192.0.2.1'],
    ['by=10.0.0.1;for=192.0.2.1;host=example.com', '192.0.2.1'],
    ['proto=https ; for=192.0.2.1', '192.0.2.1'],
    ['host="a;for=198.51.100.1";for=192.0.2.1', '192.0.2.1'],
    ['host="a,b";for=192.0.2.1', '192.0.2.1'],
    ['host="a\\",for=198.51.100.1";for=192.0.2.1', '192.0.2.1'],
  ])('%s: %s', (value, address) => {
    expect(client([['Forwarded', value]])).toBe(address)
  })

  test.each([
    'for=unknown',
    'for="unknown:8080"',
    'for=_hidden',
    'for="_SEVKISEK"',
    'proto=https',
    'for=',
    'for=""',
    'for',
    'for =192.0.2.1',
    'for= 192.0.2.1',
    'for="192.0.2.1',
    'for=[2001:db8::1]',
    'for="2001:db8::1"',
    'for="[192.0.2.1]"',
    'for="[2001:db8::1"',
    'for="[fe80::1%eth0]"',
    'for="192.0.2.1:808080"',
    'for="192.0.2.1:"',
    'for="192.0.2.1:http"',
    'for=192.0.2.1:8080',
    'for=192.0.2.256',
    'for=192.0.2.01',
    'for=192.0.2',
    'for=example.com',
    'for=192.0.2.1;for=192.0.2.1',
    'for=192.0.2.1 proto=https',
    'for=192.0.2.1;=',
    'for=192.0.2.1;;proto=https',
    '192.0.2.1',
  ])('%j says no address: the client is known by its proxy', (value) => {
    expect(client([['Forwarded', value]])).toBe('10.0.0.1')
    // And what stands before it is not looked at.
    expect(client([['Forwarded', `for=198.51.100.1, ${value}`]])).toBe('10.0.0.1')
  })

  test.each(['', ',', ' , '])('%j says nothing', (value) => {
    expect(client([['Forwarded', value]])).toBe('10.0.0.1')
  })

  test.each<[string[], string]>([
    [['for=198.51.100.1, for=192.0.2.1'], '192.0.2.1'],
    [['for=198.51.100.1', 'for=192.0.2.1'], '192.0.2.1'],
    [['for=192.0.2.1, for=10.0.0.2'], '192.0.2.1'],
    [['for=198.51.100.1, for=192.0.2.1, for=10.0.0.3', 'for=10.0.0.2'], '192.0.2.1'],
    [['for=192.0.2.1, for="[fd00::2]"'], '192.0.2.1'],
    [['for=192.0.2.1, for="[::ffff:10.0.0.2]"'], '192.0.2.1'],
    [['for=10.0.0.3, for=10.0.0.2'], '10.0.0.3'],
    [['for=192.0.2.1, for=unknown, for=10.0.0.2'], '10.0.0.2'],
    [['for=unknown, for=192.0.2.1'], '192.0.2.1'],
    // A client cannot swallow what its proxy adds by leaving a quote open.
    [['for="198.51.100.1', 'for=192.0.2.1'], '192.0.2.1'],
  ])('%j is read from the right: %s', (values, address) => {
    expect(client(values.map((value) => ['Forwarded', value] as const))).toBe(address)
  })
})

describe('X-Forwarded-For', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:8080', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['198.51.100.1,192.0.2.1 , 10.0.0.2', '192.0.2.1'],
    ['192.0.2.1, 10.0.0.3, fd00::2', '192.0.2.1'],
    ['192.0.2.1,, 10.0.0.2,', '192.0.2.1'],
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['192.0.2.1, nonsense, 10.0.0.2', '10.0.0.2'],
    ['nonsense, 192.0.2.1', '192.0.2.1'],
  ])('%s: %s', (value, address) => {
    expect(client([['X-Forwarded-For', value]])).toBe(address)
  })

  test.each([
    'unknown',
    '_hidden',
    '',
    '-',
    '"192.0.2.1"',
    '192.0.2.1:x',
    '192.0.2.300',
    'fe80::1%eth0',
    'for=192.0.2.1',
  ])('%j says no address', (value) => {
    expect(client([['X-Forwarded-For', value]])).toBe('10.0.0.1')
  })

  test('in several lines is one list', () => {
    const lines: Lines = ['198.51.100.1', '192.0.2.1', '10.0.0.2'].map((value) => ['X-Forwarded-For', value])
    expect(client(lines)).toBe('192.0.2.1')
  })
})

describe('both headers', () => {
  test.each([
    ['for=192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['for="[2001:db8::1]"', '2001:DB8::1', '2001:db8::1'],
    ['for=192.0.2.1, for=10.0.0.2', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['for=198.51.100.1', '192.0.2.1', '10.0.0.1'],
    ['for=unknown', '192.0.2.1', '10.0.0.1'],
    ['for=192.0.2.1', 'unknown', '10.0.0.1'],
  ])('%j and %j: %s', (forwarded, xForwardedFor, address) => {
    const both: Lines = [
      ['Forwarded', forwarded],
      ['X-Forwarded-For', xForwardedFor],
    ]
    expect(client(both)).toBe(address)
  })
})

describe('where the connection came from', () => {
  const spoofed: Lines = [
    ['X-Forwarded-For', '192.0.2.1'],
    ['Forwarded', 'for=192.0.2.1'],
  ]
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8::9', '2001:db8::9'],
    ['fe80::9%eth0', 'fe80::9'],
    ['::ffff:10.0.0.1', '192.0.2.1'],
    ['fd00::1', '192.0.2.1'],
  ])('from %s it is %s', (remoteAddress, address) => {
    expect(client(spoofed, remoteAddress)).toBe(address)
  })

  test('nobody is believed where no proxy is trusted, or there is no address', () => {
    expect(client(spoofed, '10.0.0.1', [])).toBe('10.0.0.1')
    const isTrusted = compileTrustedProxies(['0.0.0.0/0'])
    expect(clientAddressOf(undefined, HeaderFields.fromLines(spoofed), isTrusted)).toBe(undefined)
  })
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:1::6', '2001:db8:1:0::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['::', '0:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

describe('clientAddress of a request and its socket', () => {
  test.each([
    { trustedProxies: ['loopback'], address: '192.0.2.1' },
    { trustedProxies: ['10.0.0.0/8'], address: '127.0.0.1' },
    { trustedProxies: [], address: '127.0.0.1' },
    { trustedProxies: undefined, address: '127.0.0.1' },
  ])('with trustedProxies $trustedProxies: $address', async ({ trustedProxies, address }) => {
    const asked = new Mailbox<UpgradeRequest>()
    const opened = new Mailbox<unknown>()
    const { port } = await serve({
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      upgrade: asked.put,
      open: (socket) => opened.put([socket.clientAddress, socket.remoteAddress]),
    })
    await RawPeer.open(port, { 'X-Forwarded-For': '198.51.100.1, 192.0.2.1' })
    expect(await asked.next()).toMatchObject({ clientAddress: address, remoteAddress: '127.0.0.1' })
    expect(await opened.next()).toEqual([address, '127.0.0.1'])
  })

  test('is IPv4 for an IPv4 client of a server that listens for both', async () => {
    const asked = new Mailbox<string | undefined>()
    await using server = createServer({ upgrade: (request) => asked.put(request.clientAddress) })
    const { port } = await server.listen()
    const peer = await RawPeer.open(port)
    expect(await asked.next()).toBe('127.0.0.1')
    peer.stream.destroy()
  })
})
