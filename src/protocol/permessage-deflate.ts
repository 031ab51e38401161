import { ArgumentError } from './error.ts'
import { formatExtensions } from './extension.ts'
import type { AcceptedOffer, Extension, ExtensionParameters } from './extension-negotiation.ts'
import { quote, shown } from './quote.ts'

/**
 * The parameters of permessage-deflate (RFC 7692 section 7.1): what one end wants, or what both have agreed on. "Server"
 * and "client" say whose messages a parameter is about, so that each is a choice of one end and a favour of the other's.
 *
 * Windows are powers of two, 8 to 15: how far back a compressed message may refer, 256 bytes to 32 KiB. Whoever
 * decompresses needs that much memory for as long as the other end keeps its context.
 *
 * 8 is agreed on as any other window, although zlib's raw deflate cannot do it and takes 9 instead: with 9 it refers
 * back by 512 - 262 = 250 bytes at most, because its window has room for the longest match ahead of the match at hand.
 * So for an agreed window of 8 compress with zlib's 9, and no decompressor with 256 bytes can tell. Another compressor has
 * to keep its distances within 256 bytes itself. Whatever a peer makes with a window of 8 is read with a larger one.
 */
export interface DeflateParameters {
  /** Whether the server compresses each message by itself (section 7.1.1.1). Default false. */
  serverNoContextTakeover: boolean
  /** Whether the client compresses each message by itself (section 7.1.1.2). Default false. */
  clientNoContextTakeover: boolean
  /** The largest window of the server's messages (section 7.1.2.1). Default 15. */
  serverMaxWindowBits: number
  /** The largest window of the client's messages (section 7.1.2.2). Default 15. */
  clientMaxWindowBits: number
}

const NAME = 'permessage-deflate'
/** The window that holds where no parameter bounds it. */
const MAX_BITS = 15

/** The parameters there are, and the sections that define them. */
const SECTIONS = new Map([
  ['server_no_context_takeover', '7.1.1.1'],
  ['client_no_context_takeover', '7.1.1.2'],
  ['server_max_window_bits', '7.1.2.1'],
  ['client_max_window_bits', '7.1.2.2'],
])

/**
 * The extension permessage-deflate with what one end wants of it, for either role. What is left out has its default.
 *
 * A server agrees to whatever is valid, within the bounds of both ends; what a client only hints at is bound by the
 * answer. A client that cannot be told to bound its window (its offer has no `client_max_window_bits`) is told not to
 * keep its context instead: its window is then 15, but needed during one message only.
 *
 * A client insists on `serverNoContextTakeover` and on `serverMaxWindowBits`. To the latter it offers a second choice, a
 * server without context takeover, for the same reason, and because many servers know nothing else. What a client wants
 * of its own messages holds whatever the server answers. That it can bound its window it always says.
 *
 * @throws ArgumentError for a window that is not a whole number from 8 to 15, and a flag that is no boolean.
 */
export function permessageDeflate(wanted: Partial<DeflateParameters> = {}): Extension<DeflateParameters> {
  const policy = checkedPolicy(wanted)
  return {
    name: NAME,
    reservedBits: 0x40,
    offers: offersFor(policy),
    accept: (offer) => acceptOffer(offer, policy),
    confirm(answer, offers, refuse) {
      const given = read(answer, false)
      if (typeof given === 'string') throw refuse(given)
      let first: string | undefined
      for (const offer of offers) {
        const offered = read(offer, true)
        if (typeof offered === 'string') throw new ArgumentError(`The offer of permessage-deflate ${offered}.`)
        const problem = misfit(given, offered)
        if (problem === undefined) return agreement(given, offered)
        first ??= problem
      }
      throw refuse(first ?? 'was not offered')
    },
  }
}

/** What was agreed on, as in a Sec-WebSocket-Extensions header. */
export function formatDeflate(agreed: DeflateParameters): string {
  const { serverMaxWindowBits, clientMaxWindowBits } = agreed
  const parameters = write({
    ...agreed,
    serverMaxWindowBits: bound(serverMaxWindowBits),
    clientMaxWindowBits: bound(clientMaxWindowBits),
  })
  return formatExtensions([{ name: NAME, parameters }])
}

function checkedPolicy({
  serverNoContextTakeover = false,
  clientNoContextTakeover = false,
  serverMaxWindowBits = MAX_BITS,
  clientMaxWindowBits = MAX_BITS,
}: Partial<DeflateParameters>): DeflateParameters {
  const policy = { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits }
  for (const name of ['serverNoContextTakeover', 'clientNoContextTakeover'] as const) {
    if (typeof policy[name] !== 'boolean') throw new ArgumentError(`\`${name}\` must be true or false.`)
  }
  for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits'] as const) {
    const bits = policy[name]
    if (!Number.isInteger(bits) || bits < 8 || bits > MAX_BITS) {
      throw new ArgumentError(`\`${name}\` must be a whole number from 8 to 15, not ${shown(bits)}.`)
    }
  }
  return policy
}

/** What an offer or an answer says. A window is undefined where the parameter is absent. */
interface Given {
  serverNoContextTakeover: boolean
  clientNoContextTakeover: boolean
  serverMaxWindowBits: number | undefined
  /** MAX_BITS for an offer's parameter without a value: the client can bound its window, and has no bound in mind. */
  clientMaxWindowBits: number | undefined
}

/** What an offer or an answer says, or the rest of a sentence about it that says what makes it invalid (section 7.1). */
function read(parameters: ExtensionParameters, isOffer: boolean): Given | string {
  const values = new Map<string, string | true>()
  for (const [name, value] of parameters) {
    const section = SECTIONS.get(name)
    if (section === undefined) return `has a parameter ${quote(name)}, which is not defined (RFC 7692 section 7.1)`
    if (values.has(name)) return `has ${name} twice (RFC 7692 section 7.1)`
    const problem = problemWith(name, value, isOffer)
    if (problem !== undefined) return `has ${name} ${problem} (RFC 7692 section ${section})`
    values.set(name, value)
  }
  return {
    serverNoContextTakeover: values.has('server_no_context_takeover'),
    clientNoContextTakeover: values.has('client_no_context_takeover'),
    serverMaxWindowBits: bitsOf(values.get('server_max_window_bits')),
    clientMaxWindowBits: bitsOf(values.get('client_max_window_bits')),
  }
}

function problemWith(name: string, value: string | true, isOffer: boolean): string | undefined {
  if (name.endsWith('_no_context_takeover')) {
    return value === true ? undefined : `with the value ${quote(value)}, and takes none`
  }
  if (value === true) return isOffer && name === 'client_max_window_bits' ? undefined : 'without a value'
  if (/^(?:[89]|1[0-5])$/.test(value)) return undefined
  return `with the value ${quote(value)}, which is not a number from 8 to 15 without leading zeros`
}

function bitsOf(value: string | true | undefined): number | undefined {
  return value === true ? MAX_BITS : value === undefined ? undefined : Number(value)
}

function write(given: Given): ExtensionParameters {
  const parameters: ExtensionParameters = []
  if (given.serverNoContextTakeover) parameters.push(['server_no_context_takeover', true])
  if (given.clientNoContextTakeover) parameters.push(['client_no_context_takeover', true])
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = given
  if (server !== undefined) parameters.push(['server_max_window_bits', String(server)])
  if (client !== undefined) parameters.push(['client_max_window_bits', client === MAX_BITS ? true : String(client)])
  return parameters
}

function offersFor(policy: DeflateParameters): ExtensionParameters[] {
  if (policy.serverMaxWindowBits === MAX_BITS) return [write({ ...policy, serverMaxWindowBits: undefined })]
  const offers = [write(policy)]
  if (!policy.serverNoContextTakeover) {
    offers.push(write({ ...policy, serverNoContextTakeover: true, serverMaxWindowBits: undefined }))
  }
  return offers
}

function acceptOffer(
  offer: ExtensionParameters,
  policy: DeflateParameters,
): AcceptedOffer<DeflateParameters> | undefined {
  const given = read(offer, true)
  if (typeof given === 'string') return undefined
  const { serverMaxWindowBits: server = MAX_BITS, clientMaxWindowBits: client } = given
  const unbounded = client === undefined && policy.clientMaxWindowBits < MAX_BITS
  const agreed: DeflateParameters = {
    serverNoContextTakeover: policy.serverNoContextTakeover || given.serverNoContextTakeover,
    clientNoContextTakeover: policy.clientNoContextTakeover || given.clientNoContextTakeover || unbounded,
    serverMaxWindowBits: Math.min(policy.serverMaxWindowBits, server),
    clientMaxWindowBits: client === undefined ? MAX_BITS : Math.min(policy.clientMaxWindowBits, client),
  }
  const answer = write({
    ...agreed,
    // Accepting an offer's bound takes the parameter, be the value 15 (section 7.1.2.1).
    serverMaxWindowBits:
      given.serverMaxWindowBits === undefined ? bound(agreed.serverMaxWindowBits) : agreed.serverMaxWindowBits,
    clientMaxWindowBits: bound(agreed.clientMaxWindowBits),
  })
  return { answer, agreed }
}

/** A window for an answer, in which 15 goes without saying. */
function bound(bits: number): number | undefined {
  return bits === MAX_BITS ? undefined : bits
}

/** What keeps a valid answer from being one to this offer. */
function misfit(answer: Given, offer: Given): string | undefined {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) {
    return 'lacks server_no_context_takeover, which was offered (RFC 7692 section 7.1.1.1)'
  }
  const { serverMaxWindowBits: most = MAX_BITS } = offer
  const { serverMaxWindowBits: bits = MAX_BITS } = answer
  if (bits > most) {
    const what =
      answer.serverMaxWindowBits === undefined ? 'lacks server_max_window_bits' : `has server_max_window_bits=${bits}`
    return `${what}, and ${most} was offered (RFC 7692 section 7.1.2.1)`
  }
  if (answer.clientMaxWindowBits !== undefined && offer.clientMaxWindowBits === undefined) {
    return 'has client_max_window_bits, which was not offered (RFC 7692 section 7.1.2.2)'
  }
  return undefined
}

/** What holds for a client: the answer, and what its offer has promised besides (sections 7.1.1.2 and 7.1.2.2). */
function agreement(answer: Given, offer: Given): DeflateParameters {
  const { serverMaxWindowBits = MAX_BITS, clientMaxWindowBits = MAX_BITS } = answer
  return {
    serverNoContextTakeover: answer.serverNoContextTakeover,
    clientNoContextTakeover: answer.clientNoContextTakeover || offer.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits: Math.min(clientMaxWindowBits, offer.clientMaxWindowBits ?? MAX_BITS),
  }
}
