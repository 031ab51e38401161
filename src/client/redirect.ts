import type { HeaderLine } from '../protocol/handshake.ts'
import type { TlsOptions } from './dial.ts'
import { parseTarget, quoteUrl, type Target } from './target.ts'

/** What is sent, and where to: the first time as the caller has it, then as redirects change it. */
export interface Errand {
  readonly target: Target
  readonly headers: readonly HeaderLine[]
  readonly tls: TlsOptions
}

/** Where an answer points to. */
export interface Redirect {
  /** The URL for a sentence, in quotes. */
  readonly shown: string
  /** The errand there, or why there is none, as the end of a sentence. */
  readonly next: Errand | string
}

const STATUSES = new Set([301, 302, 303, 307, 308])
const SCHEMES = new Set(['ws:', 'wss:', 'http:', 'https:'])

/** Headers that are for one origin only. */
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization', 'host'])

/** Reads a redirect (RFC 9110 section 15.4); undefined when the answer is none. */
export function redirectOf(status: number, location: string | undefined, from: Errand): Redirect | undefined {
  if (!STATUSES.has(status) || location === undefined) return undefined
  const { target } = from
  if (!URL.canParse(location, target.url.href)) return { shown: quoteUrl(location), next: 'is not a URL' }
  const url = new URL(location, target.url)
  const shown = quoteUrl(url.href)
  if (!SCHEMES.has(url.protocol)) return { shown, next: 'is not the URL of a WebSocket' }
  // A fragment is for whoever shows the page, and credentials are the caller's to give.
  url.hash = ''
  url.username = ''
  url.password = ''
  const there = parseTarget(url)
  if (target.secure && !there.secure) return { shown, next: 'is not followed, as it leads out of TLS' }
  if (there.url.origin === target.url.origin) {
    return {
      shown,
      next: {
        ...from,
        target: { ...there, socketPath: target.socketPath, name: target.name, authorization: target.authorization },
      },
    }
  }
  if (target.socketPath !== undefined) return { shown, next: 'is not followed, as it leads away from the Unix socket' }
  return {
    shown,
    next: {
      target: there,
      headers: from.headers.filter(([name]) => !CREDENTIALS.has(name.toLowerCase())),
      tls: forAnyone(from.tls),
    },
  }
}

/** Options of TLS without what tells one server who this is, or which server it has to be. */
function forAnyone(tls: TlsOptions): TlsOptions {
  const {
    cert: _cert,
    key: _key,
    pfx: _pfx,
    passphrase: _passphrase,
    secureContext: _secureContext,
    session: _session,
    servername: _servername,
    ...rest
  } = tls
  return rest
}
