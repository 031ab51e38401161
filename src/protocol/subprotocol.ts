import { ArgumentError } from './error.ts'
import { isToken } from './headers.ts'
import { quote } from './quote.ts'

/**
 * Throws ArgumentError unless every name is a token and none is there twice (RFC 6455 section 4.1, item 10). For the
 * `protocols` option of either side; upper and lower case differ.
 */
export function checkSubprotocols(protocols: readonly string[]): void {
  const seen = new Set<string>()
  for (const protocol of protocols) {
    if (typeof protocol !== 'string' || !isToken(protocol)) {
      throw new ArgumentError(`The subprotocol ${quote(String(protocol))} is not a token (RFC 6455 section 4.1).`)
    }
    if (seen.has(protocol)) throw new ArgumentError(`The subprotocol ${quote(protocol)} is in \`protocols\` twice.`)
    seen.add(protocol)
  }
}

/**
 * The first of the server's subprotocols that the client offered, so that the server's order of preference counts, or
 * the empty string when there is none: the connection is then opened without one (RFC 6455 section 4.2.2, item 5).
 */
export function chooseSubprotocol(offered: readonly string[], supported: readonly string[]): string {
  if (offered.length === 0) return ''
  const names = new Set(offered)
  return supported.find((protocol) => names.has(protocol)) ?? ''
}

/**
 * Throws ArgumentError when the application chose a subprotocol that the client did not offer: the client would have to
 * fail the connection (RFC 6455 section 4.1). The empty string chooses none.
 */
export function checkChosenSubprotocol(chosen: string, offered: readonly string[]): void {
  if (chosen === '' || offered.includes(chosen)) return
  throw new ArgumentError(
    `The subprotocol ${quote(String(chosen))} was chosen, but the client offered ${listOfNames(offered)}.`,
  )
}

/** The names for a sentence, quoted, at most eight of them. */
export function listOfNames(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, 8).map((name) => quote(name))
  return names.length > 8 ? `${shown.join(', ')} and ${names.length - 8} more` : shown.join(', ')
}
