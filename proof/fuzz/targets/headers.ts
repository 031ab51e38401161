import { isIP } from 'node:net'
import fc from 'fast-check'
import { unchunked } from '../../../src/client/body.ts'
import { redirectOf } from '../../../src/client/redirect.ts'
import { parseTarget } from '../../../src/client/target.ts'
import { nodePlatform } from '../../../src/platform/node.ts'
import { parseAuthority } from '../../../src/protocol/authority.ts'
import { HandshakeError, HeartwireError } from '../../../src/protocol/error.ts'
import { formatExtensions, parseExtensions } from '../../../src/protocol/extension.ts'
import { acceptExtensions, confirmExtensions } from '../../../src/protocol/extension-negotiation.ts'
import {
  checkSubprotocols,
  checkUpgradeRequest,
  checkUpgradeResponse,
  HeaderFields,
  type HeaderLine,
  refusalResponse,
  requestHeaderLines,
  responseHead,
} from '../../../src/protocol/handshake.ts'
import { isToken, listElements } from '../../../src/protocol/headers.ts'
import { permessageDeflate } from '../../../src/protocol/permessage-deflate.ts'
import { oneLine, quote } from '../../../src/protocol/quote.ts'
import { redact, redactHeaders } from '../../../src/protocol/redact.ts'
import { clientAddressOf, networkOf } from '../../../src/server/client-address.ts'
import { compileOriginRule } from '../../../src/server/origin.ts'
import { compileTrustedProxies, requestedHost } from '../../../src/server/proxy-trust.ts'
import { bytesOf, must, type Target, words } from '../target.ts'
import { ACCEPT, HTTP_WORDS, headerSection, headerValue, KEY } from './http-words.ts'

/** Long enough that what does not take time in proportion to its length takes longer than an input may. */
const LONG = 131_072
/** From this first byte on the text is repeated until it is as long as that. */
const LONG_FROM = 224

/** Looks at a text in one way, checks what comes of it, and says what that was. May throw heartwire's errors. */
type Look = (text: string) => string

/** All the grammars of header fields: a byte says which, and whether the text is to be a long one; then the text. */
export const headers: Target = {
  name: 'headers',
  about: 'extensions, subprotocols, authorities, origins, forwarded addresses, URLs, heads, redaction',
  dictionary: [
    ...HTTP_WORDS,
    ...words(
      ', ',
      '; a="b\\"c"',
      '="',
      'https://',
      '[::1]:',
      'ws+unix:/',
      ':65535',
      'for=',
      '//u:p@',
      'Bearer ',
      'token=',
    ),
    ...words('10.0.0.0/8', 'fd00::/8', 'loopback', '::ffff:10.0.0.1', '%20', '*.', 'password":"', 'eyJhbGciOiJ', '\\'),
  ],
  maxLength: 400,
  structures: fc.oneof(
    fc.tuple(fc.nat(255), headerValue).map(([which, text]) => Uint8Array.from([which, ...bytesOf(text)])),
    fc
      .tuple(
        fc.constantFrom(1, 2, 3),
        headerSection({ Host: 'a', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': ACCEPT }),
        headerSection({ 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13' }),
      )
      .map(([which, some, more]) => Uint8Array.from([which, ...bytesOf(some + more)])),
  ),

  run(input) {
    const which = input[0] ?? 0
    const short = Buffer.from(input.subarray(1)).toString('latin1')
    const isLong = which >= LONG_FROM && short !== ''
    const text = isLong ? short.repeat(Math.ceil(LONG / short.length)) : short
    const look = LOOKS[which % LOOKS.length]!
    try {
      return [`${look.name} ${look(text)}`]
    } catch (error) {
      if (!(error instanceof HeartwireError)) throw error
      must(error.message.length < 2_000 && !/[\r\n]/.test(error.message), 'an error is a short line')
      const place = error instanceof HandshakeError ? `${error.code} ${error.status}` : error.code
      // Its words say which rule it was.
      return [`${look.name} ${place} ${error.message.replace(/"(?:[^"\\]|\\.)*"|\d+/g, '#').slice(0, 60)}`]
    }
  },
}

const trusted = compileTrustedProxies(['loopback', '10.0.0.0/8', 'fd00::/8'])
const offer = { key: KEY, protocols: ['chat', 'v2'], extensions: [permessageDeflate()] }

const LOOKS: readonly Look[] = [
  function extensions(text) {
    const parsed = parseExtensions(text, 'client')
    const again = parseExtensions(formatExtensions(parsed), 'server')
    must(JSON.stringify(again) === JSON.stringify(parsed), 'extensions that are written are those that were read')
    const { answers, agreed } = acceptExtensions(parsed, [permessageDeflate({ clientMaxWindowBits: 12 })])
    const offers = parsed.filter(({ name }) => name === 'permessage-deflate')
    const taken = offers.find((offer) => acceptExtensions([offer], [permessageDeflate()]).answers.length > 0)
    must((taken !== undefined) === (answers.length === 1), 'an offer is taken when there is one that can be')
    if (taken !== undefined) {
      const client = { ...permessageDeflate(), offers: [taken.parameters] }
      const [confirmed] = confirmExtensions(answers, [client])
      must(JSON.stringify(confirmed?.agreed) === JSON.stringify(agreed[0]?.agreed), 'both ends agree on the same')
    }
    return `${Math.min(parsed.length, 3)} ${agreed.length}`
  },
  function request(text) {
    const fields = HeaderFields.fromLines(linesOf(text))
    try {
      const { host, protocols, extensions } = checkUpgradeRequest({
        method: 'GET',
        httpVersion: '1.1',
        headers: fields,
      })
      must(parseAuthority(host) !== undefined, 'a host is one')
      must(
        protocols.every(isToken) && new Set(protocols).size === protocols.length,
        'subprotocols are tokens, each once',
      )
      return `${protocols.length > 0} ${extensions.length > 0}`
    } catch (error) {
      // Whatever was wrong can be answered.
      if (error instanceof HandshakeError) {
        refusalResponse({ status: error.status ?? 0, reason: error.message, headers: error.headers }, nodePlatform)
      }
      throw error
    }
  },
  function response(text) {
    const fields = HeaderFields.fromLines([['Sec-WebSocket-Accept', ACCEPT], ...linesOf(text)])
    const { protocol, extensions } = checkUpgradeResponse({ status: 101, headers: fields }, offer, nodePlatform)
    must(protocol === '' || offer.protocols.includes(protocol), 'a subprotocol that was offered')
    return `${protocol} ${extensions.length}`
  },
  function fields(text) {
    const fields = HeaderFields.fromLines(linesOf(text))
    const record = fields.record()
    must(Object.getPrototypeOf(record) === null, 'a record without a prototype')
    for (const [name, value] of Object.entries(record)) must(fields.get(name) === value, 'a header by its name')
    return String(Math.min(Object.keys(record).length, 3))
  },
  function list(text) {
    const elements = listElements(text)
    const whole = elements.every((one) => one !== '' && !/^[ \t]|[ \t]$/.test(one))
    must(whole, 'an element is not empty, and has no whitespace around it')
    return String(Math.min(elements.length, 3))
  },
  function authority(text) {
    const parsed = parseAuthority(text)
    if (parsed === undefined) return 'none'
    const again = parseAuthority(parsed.port === undefined ? parsed.host : `${parsed.host}:${parsed.port}`)
    must(JSON.stringify(again) === JSON.stringify(parsed), 'an authority that is written is the one that was read')
    return `${parsed.host.startsWith('[')} ${parsed.port === undefined}`
  },
  function sameOrigin(text) {
    const [origin = '', host = ''] = text.split('\n')
    const refusal = compileOriginRule('same')(origin, host)
    if (refusal !== undefined) return 'refused'
    // A second opinion, where the platform's URLs have one.
    if (!URL.canParse(origin)) return 'allowed'
    const asked = `${new URL(origin).protocol}//${host}`
    must(!URL.canParse(asked) || new URL(asked).host === new URL(origin).host, () => `${origin} is let in at ${host}`)
    return 'allowed as by a URL'
  },
  function originRule(text) {
    const [origin = '', ...entries] = text.split('\n')
    return String(compileOriginRule(entries)(origin, 'a.example') === undefined)
  },
  function proxies(text) {
    return String(compileTrustedProxies(text.split('\n'))('10.0.0.1'))
  },
  function forwarded(text) {
    return addressOf(HeaderFields.fromLines(linesOf(text)))
  },
  function forwardedFor(text) {
    return addressOf(HeaderFields.fromLines([['X-Forwarded-For', text]]))
  },
  function forwardedNode(text) {
    return addressOf(HeaderFields.fromLines([['Forwarded', `for=${text}`]]))
  },
  function url(text) {
    const target = parseTarget(text)
    must(!/[\r\n\0 ]/.test(target.path + target.authority), 'a path and a host can be sent')
    must(target.url.username === '' && target.url.password === '', 'a target without credentials')
    return `${target.secure} ${target.socketPath !== undefined} ${target.authorization !== undefined}`
  },
  function redirect(text) {
    const from = {
      target: parseTarget('wss://a.example/b?c'),
      headers: [['Cookie', 'secret']] as HeaderLine[],
      tls: {},
    }
    const there = redirectOf(302, text, from)
    if (typeof there?.next !== 'object') return 'nowhere'
    const { target, headers } = there.next
    must(target.secure, 'a redirect out of TLS')
    must(headers.length === 0 || target.url.host === 'a.example', 'a cookie for another host')
    return String(headers.length)
  },
  function outgoing(text) {
    const [name = '', value = ''] = splitAt(text, '\n')
    const lines = requestHeaderLines({ [name]: value })
    const head = responseHead({ key: KEY, protocol: 'chat', headers: { [name]: value } }, nodePlatform)
    must(lines.length === 1 && Buffer.from(head).toString('latin1').split('\r\n').length === 8, 'a header is one line')
    return 'sent'
  },
  function refusal(text) {
    const bytes = refusalResponse({ status: 400, reason: text }, nodePlatform)
    must(Buffer.from(bytes).toString('latin1').split('\r\n\r\n', 1)[0]!.split('\r\n').length === 4, 'a head of 4 lines')
    return 'written'
  },
  function subprotocols(text) {
    const names = text.split(',')
    checkSubprotocols(names)
    must(names.every(isToken), 'subprotocols are tokens')
    return 'tokens'
  },
  function body(text) {
    const bytes = bytesOf(text)
    const { content, whole } = unchunked(bytes)
    must(content.length <= bytes.length, 'a body is not longer than its chunks')
    return String(whole)
  },
  function quoted(text) {
    must(/^"[\x20-\x7e]*(?:"|…" \(\d+ characters\))$/.test(quote(text)), 'a quoted text can be printed')
    must(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u.test(oneLine(text, 100)), 'one line is one')
    return 'quoted'
  },
  function redacted(text) {
    // What has a form of its own is found behind anything.
    const secrets = ['Authorization: Basic S3CR3T', 'Cookie: a=S3CR3T', 'wss://u:S3CR3T@h/', 'GET /x?S3CR3T HTTP/1.1']
    for (const secret of secrets)
      must(!redact(`${text}\r\n ${secret}`).includes('S3CR3T'), () => `${secret} is printed`)
    must(!JSON.stringify(redactHeaders({ authorization: text, cookie: [text] })).includes('S3CR3T'), 'a secret header')
    return String(redact(text) === text)
  },
]

function addressOf(fields: HeaderFields): string {
  for (const peer of ['192.0.2.1', '10.0.0.1', '::ffff:10.0.0.2', 'fd00::1']) {
    const address = clientAddressOf(peer, fields, trusted)
    must(address !== undefined && isIP(address) !== 0, () => `${address} is no address`)
    must(trusted(peer) || address === peer, 'nobody but a trusted proxy says where a request is from')
    must(/^[\da-f:.]+(::\/64)?$/.test(networkOf(address)), () => `${networkOf(address)} is no network`)
    must(trusted(peer) || requestedHost('a', fields, peer, trusted) === 'a', 'a host from an untrusted proxy')
  }
  return String(clientAddressOf('10.0.0.1', fields, trusted) === '10.0.0.1')
}

/** The lines of a head, as an HTTP parser would give them. */
function linesOf(text: string): HeaderLine[] {
  return text.split('\r\n').flatMap((line) => {
    const [name, value] = splitAt(line, ':')
    return value === undefined ? [] : [[name, value] satisfies HeaderLine]
  })
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
