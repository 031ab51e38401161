import { HandshakeError } from './error.ts'
import type { ExtensionOffer } from './extension.ts'
import { quote } from './quote.ts'
import { listOfNames } from './subprotocol.ts'

/** The parameters of one offer or of one answer, in their order; one without a value has `true`. */
export type ExtensionParameters = ExtensionOffer['parameters']

/**
 * An extension as its negotiation sees it (RFC 6455 section 9.1). It holds what this end wants and no state, so that one
 * object serves all handshakes. `Agreed` is what both ends know when it has been taken.
 */
export interface Extension<Agreed> {
  readonly name: string
  /** The bits that it gives a meaning to, as they lie in a frame's first byte: RSV1 0x40, RSV2 0x20, RSV3 0x10. */
  readonly reservedBits: number
  /** What a client offers, most preferred first. */
  readonly offers: readonly ExtensionParameters[]

  /** What a server answers to one offer; undefined declines it. It does not throw, whatever the offer is. */
  accept(offer: ExtensionParameters): AcceptedOffer<Agreed> | undefined

  /**
   * What a server's answer to these offers comes to. The answer does not say which of them was taken: it has to be one
   * to any of them. Throws what `refuse` makes of the rest of a sentence that begins with the extension's name, when
   * the answer is none.
   */
  confirm(
    answer: ExtensionParameters,
    offers: readonly ExtensionParameters[],
    refuse: (what: string) => HandshakeError,
  ): Agreed
}

/** What an extension makes of an offer that a server takes. */
export interface AcceptedOffer<Agreed> {
  answer: ExtensionParameters
  agreed: Agreed
}

/** An extension that both ends have taken. */
export interface AgreedExtension<Agreed> {
  extension: Extension<Agreed>
  agreed: Agreed
}

/** What a server makes of all that a client offers. */
export interface AcceptedExtensions<Agreed> {
  /** What Sec-WebSocket-Extensions of the response has to say. */
  answers: ExtensionOffer[]
  /** In the order of the answers. */
  agreed: AgreedExtension<Agreed>[]
}

/** What a client's Sec-WebSocket-Extensions has to say to offer these extensions, the most wanted one first. */
export function offeredExtensions(extensions: readonly Extension<unknown>[]): ExtensionOffer[] {
  return extensions.flatMap(({ name, offers }) => offers.map((parameters) => ({ name, parameters })))
}

/**
 * A server's choice (RFC 6455 section 9.1): the offers are looked at in the client's order, and of each extension the
 * first one that is acceptable is taken. An extension that uses a reserved bit of one that has been taken is left out, as
 * is whatever the server does not know. Declining is no error: without an answer the connection has no extension.
 */
export function acceptExtensions<Agreed>(
  offers: readonly ExtensionOffer[],
  extensions: readonly Extension<Agreed>[],
): AcceptedExtensions<Agreed> {
  const answers: ExtensionOffer[] = []
  const agreed: AgreedExtension<Agreed>[] = []
  for (const { name, parameters } of offers) {
    const extension = extensions.find((one) => one.name === name)
    if (extension === undefined || agreed.some((one) => collide(one.extension, extension))) continue
    const accepted = extension.accept(parameters)
    if (accepted === undefined) continue
    answers.push({ name, parameters: accepted.answer })
    agreed.push({ extension, agreed: accepted.agreed })
  }
  return { answers, agreed }
}

/**
 * What a client knows from a server's answers, in their order, when it has offered these extensions. Throws
 * HandshakeError, BAD_RESPONSE with status 101 and the `headers` of the response, for an extension that was not offered
 * or is there twice, for two that use the same reserved bit, and for an answer that the extension cannot accept.
 */
export function confirmExtensions<Agreed>(
  answers: readonly ExtensionOffer[],
  extensions: readonly Extension<Agreed>[],
  headers: HandshakeError['headers'] = {},
): AgreedExtension<Agreed>[] {
  const refuse = (what: string) =>
    new HandshakeError('BAD_RESPONSE', `The server's answer is 101, but ${what}.`, { status: 101, headers })
  const offered = extensions.filter(({ offers }) => offers.length > 0)
  const agreed: AgreedExtension<Agreed>[] = []
  for (const { name, parameters } of answers) {
    const extension = offered.find((one) => one.name === name)
    if (extension === undefined) {
      const names = listOfNames(offered.map((one) => one.name))
      throw refuse(`it chooses the extension ${quote(name)}, and the client offered ${names} (RFC 6455 section 4.1)`)
    }
    const other = agreed.find((one) => collide(one.extension, extension))?.extension
    if (other === extension) throw refuse(`it chooses the extension ${quote(name)} twice (RFC 6455 section 9.1)`)
    if (other !== undefined) {
      const both = listOfNames([other.name, name])
      throw refuse(`it chooses the extensions ${both}, which use the same reserved bit (RFC 6455 section 5.2)`)
    }
    const confirmed = extension.confirm(parameters, extension.offers, (what) => refuse(`its ${name} ${what}`))
    agreed.push({ extension, agreed: confirmed })
  }
  return agreed
}

/** Whether one connection cannot have both: an extension is taken once, and a reserved bit has one meaning. */
function collide(one: Extension<unknown>, other: Extension<unknown>): boolean {
  return one === other || (one.reservedBits & other.reservedBits) !== 0
}
