import { type Authority, parseAuthority } from '../protocol/authority.ts'
import { ArgumentError } from '../protocol/error.ts'
import { quote } from '../protocol/quote.ts'

/**
 * Which pages may connect. A browser sends the origin of the page with every handshake and lets any page connect to any
 * server, with the user's cookies, so that the server has to refuse (RFC 6455 section 10.2).
 *
 * - `'same'`: only pages of the host that is asked for. Ports count, with the scheme's default filled in; the scheme
 *   itself does not, because a server behind one that ends TLS cannot know it.
 * - `'any'`: every page.
 * - a list: only what one of its entries matches. It takes the place of `'same'`, which may be an entry.
 *   - `'https://app.example.com'`: this origin. The default port may be left out or written.
 *   - `'https://*.example.com'`: every host below example.com, at any depth, but not example.com.
 *   - `'null'`, `'file://'`, `'capacitor://localhost'` and the like: this origin, literally.
 *   - a RegExp: must match the whole origin, as it was sent. Its flags g, m and y have no meaning here.
 *
 * A request without an Origin header does not come from a page and is allowed whatever the rule is.
 */
export type OriginRule = 'same' | 'any' | readonly (string | RegExp)[]

/**
 * Judges the Origin header of a request for `host` (its Host header, or what a trusted proxy says that it was). Answers
 * undefined when it is allowed, else a sentence that says why it is not.
 */
export type OriginCheck = (origin: string | undefined, host: string) => string | undefined

/** Longer than any host name makes it; keeps what a RegExp has to be tried on short. */
const MAX_ORIGIN_LENGTH = 512

/** Makes the check for the `origins` option. Throws ArgumentError for an entry that could never match as it is meant. */
export function compileOriginRule(rule: OriginRule): OriginCheck {
  if (rule === 'any') return () => undefined
  if (rule === 'same') return check([isSameHost], (host) => `it is not the host asked for, ${quote(host)}`)
  if (!Array.isArray(rule)) {
    throw new ArgumentError(`\`origins\` is ${quote(String(rule))}: it must be 'same', 'any' or a list of origins.`)
  }
  return check(rule.map(compileEntry), () => 'it matches none of those that are')
}

interface Origin extends Authority {
  /** In lower case. */
  scheme: string
  /** In lower case, without the default port of its scheme. */
  normal: string
}

type Matcher = (sent: string, parsed: Origin | undefined, host: string) => boolean

function check(matchers: readonly Matcher[], why: (host: string) => string): OriginCheck {
  return (origin, host) => {
    if (origin === undefined) return undefined
    const parsed = parseOrigin(origin)
    const short = origin.length <= MAX_ORIGIN_LENGTH
    if (short && matchers.some((matches) => matches(origin, parsed, host))) return undefined
    return `Origin ${quote(origin)} is not allowed: ${why(host)}. Add it to the \`origins\` option to allow it.`
  }
}

/** The scheme of the origin fills in the port on both sides: the Host header has it from the same address bar. */
function isSameHost(_sent: string, origin: Origin | undefined, host: string): boolean {
  const asked = parseAuthority(host)
  if (asked === undefined || origin === undefined || !DEFAULT_PORTS.has(origin.scheme)) return false
  const standard = DEFAULT_PORTS.get(origin.scheme)
  return origin.host === asked.host && (origin.port ?? standard) === (asked.port ?? standard)
}

const DEFAULT_PORTS = new Map([
  ['http', 80],
  ['https', 443],
])

/** `scheme://host:port` (RFC 6454 section 6.2); undefined for anything else, `null` included. */
function parseOrigin(text: string): Origin | undefined {
  const scheme = schemeOf(text)
  if (scheme === undefined) return undefined
  const authority = parseAuthority(text.slice(scheme.length + 3))
  if (authority === undefined) return undefined
  const { host, port } = authority
  const shown = port === undefined || port === DEFAULT_PORTS.get(scheme) ? '' : `:${port}`
  return { scheme, host, port, normal: `${scheme}://${host}${shown}` }
}

function schemeOf(text: string): string | undefined {
  const end = text.indexOf('://')
  const scheme = text.slice(0, Math.max(end, 0)).toLowerCase()
  return /^[a-z]/.test(scheme) && !/[^a-z0-9+.-]/.test(scheme) ? scheme : undefined
}

function compileEntry(entry: unknown): Matcher {
  if (entry instanceof RegExp) {
    const whole = new RegExp(`^(?:${entry.source})$`, entry.flags.replace(/[gmy]/g, ''))
    return (sent) => whole.test(sent)
  }
  if (typeof entry !== 'string') {
    throw new ArgumentError(`An entry of \`origins\` is of type ${typeof entry}: it must be a string or a RegExp.`)
  }
  if (entry === 'same') return isSameHost
  if (entry === 'null') return (sent) => sent === 'null'
  if (entry.includes('*')) return compilePattern(entry)
  const parsed = parseOrigin(entry)
  if (parsed === undefined) return compileLiteral(entry)
  checkScheme(entry, parsed.scheme)
  return (_sent, origin) => origin?.normal === parsed.normal
}

/** `scheme://*.rest`, compared from the end of the host, and with the dot, so that `evil-rest` is another host. */
function compilePattern(entry: string): Matcher {
  if (entry === '*') throw malformed(entry, "write origins: 'any' to allow every page")
  const pattern = parseOrigin(entry.replace('://*.', '://'))
  if (pattern === undefined || !entry.includes('://*.') || pattern.host.startsWith('[')) {
    throw malformed(entry, "a star stands for the labels at the front of a host, as in 'https://*.example.com'")
  }
  checkScheme(entry, pattern.scheme)
  const prefix = `${pattern.scheme}://`
  const suffix = `.${pattern.normal.slice(prefix.length)}`
  return (_sent, origin) =>
    origin?.scheme === pattern.scheme &&
    origin.normal.endsWith(suffix) &&
    origin.normal.length > prefix.length + suffix.length
}

/** An origin of a scheme whose origins are not like those of http, `file://` for one. */
function compileLiteral(entry: string): Matcher {
  const scheme = schemeOf(entry)
  if (scheme === undefined) throw malformed(entry, "an origin has a scheme and a host: 'https://app.example.com'")
  checkScheme(entry, scheme)
  if (/[^\x21-\x7e]/.test(entry)) throw malformed(entry, 'browsers write a host in ASCII, other letters as xn--')
  if (!DEFAULT_PORTS.has(scheme)) return (sent) => sent === entry
  const slash = entry.indexOf('/', scheme.length + 3)
  const origin = entry.slice(0, slash)
  if (slash === -1 || parseOrigin(origin) === undefined) throw malformed(entry, 'its host or its port cannot be one')
  throw malformed(entry, `an origin ends before the path; write ${quote(origin)}`)
}

function checkScheme(entry: string, scheme: string): void {
  if (scheme !== 'ws' && scheme !== 'wss') return
  const right = entry.replace(/^ws/i, 'http')
  throw malformed(entry, `it is compared with the page's origin, not with the server's address; write ${quote(right)}`)
}

function malformed(entry: string, why: string): ArgumentError {
  return new ArgumentError(`The entry ${quote(entry)} of \`origins\` cannot be used: ${why}.`)
}
