import { BlockList, isIP } from 'node:net'
import { ArgumentError } from '../protocol/error.ts'
import { quote } from '../protocol/quote.ts'
import { basicAuthorization, quoteUrl, type Target } from './target.ts'

/** A proxy that is asked by CONNECT for a way to the server (RFC 9110 section 9.3.6). */
export interface HttpProxy {
  /** Whether TLS is spoken with the proxy itself: `https:`. */
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** The proxy in a sentence, and where it was found. */
  readonly name: string
  /** The value of the Proxy-Authorization header that the URL's user name and password make. */
  readonly authorization: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a target. Without the option it comes from the environment: `https_proxy` for `wss:` and `http_proxy`
 * for `ws:`, in lower or upper case, unless `no_proxy` exempts the target.
 * @throws ArgumentError for a URL that is not one of an HTTP proxy
 */
export function proxyFor(
  target: Target,
  option: string | URL | false | undefined,
  env: Environment,
): HttpProxy | undefined {
  if (option === false) return undefined
  if (option !== undefined) return parseProxy(String(option), 'the proxy')
  const found = fromEnvironment(target.secure, env)
  if (found === undefined || isExempt(target, env.no_proxy || env.NO_PROXY || '')) return undefined
  return parseProxy(found.url, `the proxy in ${found.variable}`)
}

function fromEnvironment(secure: boolean, env: Environment): { url: string; variable: string } | undefined {
  const names = secure ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  for (const variable of names) {
    // A CGI program finds the header "Proxy" of a request that it answers in HTTP_PROXY.
    if (variable === 'HTTP_PROXY' && env.REQUEST_METHOD !== undefined) continue
    const url = env[variable]
    if (url !== undefined && url !== '') return { url, variable }
  }
  return undefined
}

function parseProxy(given: string, what: string): HttpProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`
  if (!URL.canParse(text)) throw new ArgumentError(`${quoteUrl(given)}, ${what}, is not a URL.`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const scheme = `its scheme is ${quote(url.protocol)}, not "http:" or "https:"`
    throw new ArgumentError(
      `${quoteUrl(given)}, ${what}, cannot be used: ${scheme}. Other ways can be opened by createConnection.`,
    )
  }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { secure, host, port, name: `${url.hostname}:${port} (${what})`, authorization: basicAuthorization(url) }
}

/**
 * Whether a target is reached without a proxy, by a list as `no_proxy` is one, separated by commas or blanks. An entry
 * is `*`; a name, for the host and all below it, with or without a leading `.` or `*.`; an address; or a network as
 * `10.0.0.0/8`. A name or an address may be followed by a port.
 */
export function isExempt({ host, port }: Pick<Target, 'host' | 'port'>, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => entry !== '' && exempts(entry.toLowerCase(), host, port))
}

function exempts(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  // An IPv6 address without brackets has no port.
  const [, bracketed, plain, digits] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  if (digits !== undefined && Number(digits) !== port) return false
  const name = bracketed ?? plain ?? entry
  if (isIP(host) !== 0) return covers(name, host)
  const domain = withoutDot(name.replace(/^\*?\./, ''))
  const asked = withoutDot(host)
  return domain !== '' && (asked === domain || asked.endsWith(`.${domain}`))
}

/** The dot after a name that is complete. */
function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

function covers(entry: string, address: string): boolean {
  const [network = '', digits, ...rest] = entry.split('/')
  const version = isIP(network)
  if (version === 0 || rest.length > 0) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const whole = version === 4 ? 32 : 128
  const bits = digits === undefined ? whole : /^\d+$/.test(digits) ? Number(digits) : -1
  if (bits < 0 || bits > whole) return false
  const covered = new BlockList()
  covered.addSubnet(network, bits, family)
  return covered.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
