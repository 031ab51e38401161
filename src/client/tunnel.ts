import type { Duplex } from 'node:stream'
import type { HeaderLine } from '../protocol/handshake.ts'
import type { Attempt } from './attempt.ts'
import { readBody } from './body.ts'
import { dial, speakTls, type TlsOptions } from './dial.ts'
import type { HttpProxy } from './proxy.ts'
import { refusalError, statusLine } from './refusal.ts'
import { ask } from './request.ts'
import type { Target } from './target.ts'

/** Opens a stream to a target by way of a proxy (RFC 9110 section 9.3.6, RFC 6455 section 4.1). */
export async function dialThrough(
  attempt: Attempt,
  proxy: HttpProxy,
  target: Target,
  tls: TlsOptions,
  localAddress: string | undefined,
): Promise<Duplex> {
  const plain = await dial(attempt, { ...proxy, socketPath: undefined }, proxy.name, localAddress)
  // Only whom to trust is said of every server; a certificate of one's own is for the server behind the proxy.
  const trusted = tls.ca === undefined ? {} : { ca: tls.ca }
  const stream = proxy.secure ? await speakTls(attempt, plain, proxy.host, proxy.name, trusted) : plain
  const lines: HeaderLine[] = [['Host', target.name]]
  if (proxy.authorization !== undefined) lines.push(['Proxy-Authorization', proxy.authorization])
  const { status, headers, message, head } = await ask(attempt, stream, {
    method: 'CONNECT',
    path: target.name,
    lines,
    name: proxy.name,
  })
  if (head !== undefined && head.length > 0) stream.unshift(head)
  if (status >= 200 && status < 300) return stream
  // Node takes whatever follows the head for what comes through the tunnel.
  const body = await readBody(attempt, stream, headers)
  const what = `${proxy.name} answered ${statusLine(status)} to CONNECT ${target.name}`
  const hint = status === 407 ? "The user name and the password for it belong into the proxy's URL." : undefined
  throw refusalError('PROXY_REFUSED', what, { status, headers: message.headers, body }, hint)
}
