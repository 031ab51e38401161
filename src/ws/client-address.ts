/** Where a client goes. */
export interface Address {
  readonly url: URL
  readonly isSecure: boolean
  /** Where the server listens: a path of the file system, or a host with its port. */
  readonly isIpc: boolean
  readonly place: string
  /** Of the request. */
  readonly path: string
}

const SCHEMES = '"ws:", "wss:", "http:", "https:", or "ws+unix:"'

/** @throws SyntaxError for what cannot be connected to */
export function parseAddress(given: string | URL, base?: URL): Address {
  const url = parseUrl(given, base)
  if (url.protocol === 'http:') url.protocol = 'ws:'
  else if (url.protocol === 'https:') url.protocol = 'wss:'
  const { protocol, pathname, search } = url
  const isIpc = protocol === 'ws+unix:'
  if (protocol !== 'ws:' && protocol !== 'wss:' && !isIpc) {
    throw new SyntaxError(`The URL's protocol must be one of ${SCHEMES}`)
  }
  if (isIpc && pathname === '') throw new SyntaxError("The URL's pathname is empty")
  if (url.hash !== '') throw new SyntaxError('The URL contains a fragment identifier')
  const whole = pathname + search
  if (!isIpc) return { url, isSecure: protocol === 'wss:', isIpc, place: url.host, path: whole }
  const [place = '', path = '/'] = whole.split(':')
  return { url, isSecure: false, isIpc, place, path }
}

function parseUrl(given: string | URL, base: URL | undefined): URL {
  try {
    return new URL(given, base)
  } catch {
    throw new SyntaxError(`Invalid URL: ${given}`)
  }
}
