import { isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'
import { type HeaderFields, listElements } from '../protocol/headers.ts'
import type { HandshakeHead } from './handshake-stream.ts'
import { type ProxyTrust, plainAddress } from './proxy-trust.ts'

/**
 * The address of the client of a request. Its header fields are looked through as they came, for the two that say
 * something of it, and only where the peer is a proxy: a request may be refused before they are worth reading all.
 */
export function clientOf({ remoteAddress, rawHeaders }: HandshakeHead, isTrusted: ProxyTrust): string | undefined {
  return clientAddressOf(remoteAddress, { lines: (name) => linesOf(rawHeaders, name) }, isTrusted)
}

/** @param name in lower case */
function linesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}

/**
 * The address of the client that a request comes from: the one that the connection came from, or, where that is a
 * trusted proxy's, what its `Forwarded` (RFC 7239) or `X-Forwarded-For` header says. Every proxy adds to the end, so
 * these are read from there, up to the first address that is no trusted proxy's: anybody can write what stands before it.
 *
 * What is no address (`unknown`, a name that stands for one, or something broken) ends the reading: the client is known by
 * the address of the proxy that said so. So it is when there are both headers and they differ, since one of them may
 * be the client's own, passed on by a proxy that writes the other.
 */
export function clientAddressOf(
  remoteAddress: string | undefined,
  fields: Pick<HeaderFields, 'lines'>,
  isTrusted: ProxyTrust,
): string | undefined {
  const peer = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
  if (peer === undefined || !isTrusted(peer)) return peer
  const forwarded = fields.lines('forwarded')
  const xForwardedFor = fields.lines('x-forwarded-for')
  const one = firstUntrusted(peer, forwarded, addressOfElement, isTrusted)
  const other = firstUntrusted(peer, xForwardedFor, addressOfHop, isTrusted)
  if (xForwardedFor.length === 0) return one
  return forwarded.length === 0 || one === other ? other : peer
}

/**
 * What connections are counted by: an IPv4 address as it is, of an IPv6 address the network, its first 64 bits, since all
 * the others are its owner's to choose.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [front = '', back = ''] = address.split('::')
  const head = groupsOf(front)
  const tail = groupsOf(back)
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0')
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}

/** The 16-bit groups of a part of an IPv6 address; one that is written as IPv4 at its end stands for two. */
function groupsOf(part: string): string[] {
  if (part === '') return []
  const groups = part.split(':')
  return part.includes('.') ? [...groups, ''] : groups
}

function firstUntrusted(
  peer: string,
  lines: readonly string[],
  addressOf: (element: string) => string | undefined,
  isTrusted: ProxyTrust,
): string {
  let client = peer
  // Line by line, so that a quote which a client left open in a line of its own does not reach into the next one.
  for (const element of lines.flatMap(listElements).reverse()) {
    const address = addressOf(element)
    if (address === undefined) return client
    client = address
    if (!isTrusted(address)) return client
  }
  return client
}

const PAIR = /[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|$)/y

/** What `for` says in an element of Forwarded (RFC 7239 section 4); undefined when the element is none, or says no address. */
function addressOfElement(element: string): string | undefined {
  let address: string | undefined
  let seen = false
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < element.length) {
    const pair = PAIR.exec(element)
    if (pair === null) return undefined
    const [, name = '', token, quoted = ''] = pair
    if (name.toLowerCase() !== 'for') continue
    if (seen) return undefined
    seen = true
    address = addressOfNode(token ?? quoted.replace(/\\(.)/g, '$1'))
  }
  return address
}

/** An element of X-Forwarded-For, which no standard defines: an address, with or without brackets and a port. */
function addressOfHop(hop: string): string | undefined {
  return isIP(hop) === 0 ? addressOfNode(hop) : canonical(hop)
}

const NODE = /^(?:(\d[\d.]*)|\[([\da-f:.]+)\])(?::(?:\d{1,5}|_[\w.-]+))?$/i

/** The address in a node of RFC 7239 section 6, where there is one; an IPv6 address is in brackets. */
function addressOfNode(node: string): string | undefined {
  const [, four = '', six = ''] = NODE.exec(node) ?? []
  if (isIPv4(four)) return four
  return isIPv6(six) ? canonical(six) : undefined
}

/** As the system would write it, so that one address is always the same string. */
function canonical(address: string): string | undefined {
  if (address.includes('%')) return undefined
  return plainAddress(isIPv4(address) ? address : new SocketAddress({ address, family: 'ipv6' }).address)
}
