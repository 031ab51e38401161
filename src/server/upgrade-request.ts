import type { IncomingMessage } from 'node:http'
import type { UpgradeOffer } from '../protocol/handshake.ts'
import type { HeaderFields } from '../protocol/headers.ts'
import { customInspect, type Inspect, type InspectOptions, inspectFields } from '../protocol/inspect.ts'
import { REDACTED, redactHeaders } from '../protocol/redact.ts'

/**
 * A client's opening handshake, as the `upgrade` hook sees it. Printed, as by `console.log`, it shows no query, no cookies
 * and no credentials.
 */
export class UpgradeRequest {
  readonly method = 'GET'
  /** The request target: path and query, as sent. */
  readonly url: string
  /** The target without its query. */
  readonly path: string
  /** The IP address that the connection came from; undefined where the transport has none. */
  readonly remoteAddress: string | undefined
  /**
   * The IP address of the client: what a proxy of the option `trustedProxies` says that it is, in `Forwarded` or
   * `X-Forwarded-For`, or else `remoteAddress`. IPv4 is always written as IPv4.
   */
  readonly clientAddress: string | undefined
  /** The subprotocols that the client offers, in its order of preference. */
  readonly protocols: readonly string[]
  /** The match, where the route was given as a RegExp. */
  readonly match: RegExpExecArray | undefined
  /** Node's request, where there is one: not where the native transport has accepted the connection. */
  readonly raw: IncomingMessage | undefined
  private readonly fields: HeaderFields
  private readonly getSignal: () => AbortSignal

  /** @internal */
  constructor(
    url: string,
    fields: HeaderFields,
    offer: UpgradeOffer,
    context: {
      remoteAddress: string | undefined
      clientAddress: string | undefined
      match: RegExpExecArray | undefined
      signal: () => AbortSignal
      raw: IncomingMessage | undefined
    },
  ) {
    this.url = url
    this.path = pathOf(url)
    this.fields = fields
    this.protocols = offer.protocols
    this.remoteAddress = context.remoteAddress
    this.clientAddress = context.clientAddress
    this.match = context.match
    this.getSignal = context.signal
    this.raw = context.raw
  }

  /** Aborted when the client goes away, or the handshake takes too long, before the hook is done. */
  get signal(): AbortSignal {
    return this.getSignal()
  }

  /** A header's value, its lines joined by commas; the name's case does not matter. */
  header(name: string): string | undefined {
    return this.fields.get(name)
  }

  /** All headers, by their names in lower case. */
  get headers(): Readonly<Record<string, string>> {
    return this.fields.record()
  }

  /** The Origin header, which browsers send. */
  get origin(): string | undefined {
    return this.fields.get('origin')
  }

  /** @internal */
  [customInspect](depth: number | null, options: InspectOptions, inspect: Inspect): string {
    const { method, path, remoteAddress, clientAddress, protocols } = this
    const url = this.url.includes('?') ? `${path}?${REDACTED}` : path
    const fields = { method, url, remoteAddress, clientAddress, protocols, headers: redactHeaders(this.headers) }
    return inspectFields(this, 'UpgradeRequest', fields, { ...options, depth }, inspect)
  }

  /** The parameters of the query. */
  get query(): URLSearchParams {
    const at = this.url.indexOf('?')
    return new URLSearchParams(at < 0 ? '' : this.url.slice(at + 1))
  }
}

/** A request target without its query, and without scheme and host, which it may have (RFC 6455 section 4.1, item 2). */
export function pathOf(url: string): string {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '')
  const at = target.indexOf('?')
  return (at < 0 ? target : target.slice(0, at)) || '/'
}
