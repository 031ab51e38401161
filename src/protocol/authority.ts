/** Who is asked for: the value of a Host header, or what follows `://` in an origin. */
export interface Authority {
  /** In lower case; an IPv6 address is in its brackets. */
  host: string
  /** Undefined when none was given. */
  port: number | undefined
}

/**
 * Takes `host`, `host:port` or `[IPv6 address]:port` apart (RFC 3986 section 3.2 without user information). Undefined
 * when it is none of these: an empty host, a character that no host has, a port that is no number up to 65535.
 */
export function parseAuthority(text: string): Authority | undefined {
  const hostEnd = text.startsWith('[') ? text.indexOf(']') + 1 : indexOrEnd(text, ':')
  if (hostEnd === 0) return undefined
  const host = text.slice(0, hostEnd).toLowerCase()
  if (!(text.startsWith('[') ? isBracketedAddress(host) : isName(host))) return undefined
  if (hostEnd === text.length) return { host, port: undefined }
  if (text[hostEnd] !== ':') return undefined
  const digits = text.slice(hostEnd + 1)
  if (digits === '') return { host, port: undefined }
  if (digits.length > 5 || /\D/.test(digits)) return undefined
  const port = Number(digits)
  return port > 65_535 ? undefined : { host, port }
}

function indexOrEnd(text: string, character: string): number {
  const index = text.indexOf(character)
  return index === -1 ? text.length : index
}

/** Letters, digits, dots, hyphens, and the underscores of container names. */
function isName(host: string): boolean {
  return host !== '' && !/[^a-z0-9._-]/.test(host)
}

function isBracketedAddress(host: string): boolean {
  return host.length > 2 && !/[^0-9a-f:.]/.test(host.slice(1, -1))
}
