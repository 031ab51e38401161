import { BlockList, isIP } from 'node:net'
import { ArgumentError } from '../protocol/error.ts'
import { type HeaderFields, listElements } from '../protocol/headers.ts'
import { quote, shown } from '../protocol/quote.ts'

/** Whether what this address says about the client of a request is believed. */
export type ProxyTrust = (remoteAddress: string | undefined) => boolean

/**
 * Makes the check for the `trustedProxies` option: addresses (`'10.0.0.7'`, `'fd00::7'`), networks (`'10.0.0.0/8'`,
 * `'fd00::/8'`) and `'loopback'` (127.0.0.0/8 and ::1). IPv4 addresses that a dual-stack socket shows as
 * `::ffff:10.0.0.7` are the IPv4 addresses that they are. Throws ArgumentError for anything else.
 */
export function compileTrustedProxies(entries: readonly string[]): ProxyTrust {
  if (!Array.isArray(entries)) {
    throw new ArgumentError(
      `The option trustedProxies is an array of addresses and networks, as in ['loopback'], not ${shown(entries)}.`,
    )
  }
  if (entries.length === 0) return () => false
  const trusted = new BlockList()
  for (const entry of entries) add(trusted, entry)
  return (remoteAddress) => {
    const address = plainAddress(remoteAddress ?? '')
    const version = isIP(address)
    return version !== 0 && trusted.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * The host that the client asked for: what the first X-Forwarded-Host says when a trusted proxy sent it, else `host`,
 * the request's Host header.
 */
export function requestedHost(
  host: string,
  headers: HeaderFields,
  remoteAddress: string | undefined,
  isTrusted: ProxyTrust,
): string {
  const forwarded = headers.get('x-forwarded-host')
  if (forwarded === undefined || !isTrusted(remoteAddress)) return host
  return listElements(forwarded)[0] ?? host
}

function add(trusted: BlockList, entry: string): void {
  if (entry === 'loopback') {
    trusted.addSubnet('127.0.0.0', 8, 'ipv4')
    trusted.addAddress('::1', 'ipv6')
    return
  }
  const text = String(entry)
  const slash = text.indexOf('/')
  const given = slash === -1 ? text : text.slice(0, slash)
  const address = plainAddress(given)
  const version = isIP(address)
  if (version === 0 || given.includes('%')) {
    throw bad(text, "it is no address, no network such as '10.0.0.0/8', and not 'loopback'")
  }
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (slash === -1) {
    trusted.addAddress(address, family)
    return
  }
  if (address !== given) throw bad(text, 'write the network with a plain IPv4 address')
  const prefix = text.slice(slash + 1)
  const bits = version === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) {
    throw bad(text, `the number after the slash must be from 0 to ${bits}`)
  }
  trusted.addSubnet(address, Number(prefix), family)
}

/** Without the zone of a link-local address, and IPv4 as IPv4. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone === -1 ? address : address.slice(0, zone)
  const mapped = /^::ffff:(?=\d+\.)/i.exec(plain)
  return mapped === null ? plain : plain.slice(mapped[0].length)
}

function bad(entry: string, why: string): ArgumentError {
  return new ArgumentError(`The entry ${quote(entry)} of \`trustedProxies\` cannot be used: ${why}.`)
}
