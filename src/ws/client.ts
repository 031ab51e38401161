import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, connect as netConnect } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls'
import { createKey } from '../protocol/handshake-key.ts'
import { isToken } from '../protocol/headers.ts'
import { shared } from '../socket/runtime.ts'
import { type Address, parseAddress } from './client-address.ts'
import type { ClientOptions } from './client-options.ts'
import { checkUpgrade } from './client-upgrade.ts'
import { extension } from './extension.ts'
import { PerMessageDeflate, type PerMessageDeflateOptions } from './permessage-deflate.ts'
import type { WebSocket } from './web-socket.ts'

const VERSIONS = [8, 13]
/** Requests that were given up: what they report afterwards is no news. */
const aborted = new WeakSet<ClientRequest>()

/** Opens a client's WebSocket. @throws SyntaxError, RangeError for what cannot be asked for */
export function connect(ws: WebSocket, address: string | URL, protocols: string[], options: ClientOptions): void {
  const { protocolVersion = 13 } = options
  if (!VERSIONS.includes(protocolVersion)) {
    const supported = `(supported versions: ${VERSIONS.join(', ')})`
    throw new RangeError(`Unsupported protocol version: ${protocolVersion} ${supported}`)
  }
  new ClientHandshake(ws, protocols, options).ask(parseAddress(address))
}

/** Gives up a request: the error and the end are told when the code that runs now is done. */
export function abortRequest(ws: WebSocket, message: string): void {
  ws._closing()
  const request = ws._req
  if (request !== undefined) {
    aborted.add(request)
    request.destroy()
    // Destroyed with the request, unless it is the application's.
    if (request.socket && !request.socket.destroyed) request.socket.destroy()
  }
  process.nextTick(failed, ws, new Error(message))
}

function failed(ws: WebSocket, error: Error): void {
  ws._closing()
  // Whatever a listener throws, this is told once.
  ws._errorEmitted = true
  ws.emit('error', error)
  ws.emitClose()
}

/** The opening handshake of a client, with the redirects that it follows. */
class ClientHandshake {
  private readonly ws: WebSocket
  private readonly protocols: string[]
  private readonly options: ClientOptions
  private readonly deflate: PerMessageDeflate | undefined
  private redirects = 0
  /** Where the headers that the application gave were meant for. */
  private first: Address | undefined
  private headers: Record<string, string | string[] | number | undefined>

  constructor(ws: WebSocket, protocols: string[], options: ClientOptions) {
    this.ws = ws
    this.protocols = protocols
    this.options = options
    this.headers = { ...options.headers }
    const { perMessageDeflate = true } = options
    if (!perMessageDeflate) return
    const parameters: PerMessageDeflateOptions = perMessageDeflate === true ? {} : perMessageDeflate
    this.deflate = new PerMessageDeflate({ ...parameters, isServer: false })
  }

  ask(address: Address): void {
    const { options, ws } = this
    ws._url = address.url.href
    const key = createKey(shared.platform)
    const names = this.checkedProtocols()
    const { username, password } = address.url
    const credentials = username || password ? `${username}:${password}` : options.auth
    const auth = this.followed(address, credentials)
    const request = this.request(address, auth, key, names)
    ws._req = request
    if (this.redirects > 0) ws.emit('redirect', ws.url, request)
    if (options.handshakeTimeout) request.on('timeout', () => abortRequest(ws, 'Opening handshake has timed out'))
    request.on('error', (error) => {
      if (aborted.has(request) || ws._req !== request) return
      ws._req = undefined
      failed(ws, error)
    })
    request.on('response', (response) => this.answered(address, request, response))
    request.on('upgrade', (response, socket, head) => this.upgraded(response, socket, head, key, names))
    if (options.finishRequest) options.finishRequest(request, ws)
    else request.end()
  }

  private checkedProtocols(): Set<string> {
    const names = new Set<string>()
    for (const name of this.protocols) {
      if (typeof name !== 'string' || !isToken(name) || names.has(name)) {
        throw new SyntaxError('An invalid or duplicated subprotocol was specified')
      }
      names.add(name)
    }
    return names
  }

  /** What is still confided to the server at this address, on the way to which redirects may have led. */
  private followed(address: Address, credentials: string | null | undefined): string | undefined {
    const auth = credentials ?? undefined
    if (!this.options.followRedirects) return auth
    const { first } = this
    if (first === undefined) {
      this.first = address
      this.headers = Object.fromEntries(
        Object.entries(this.headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      if (auth !== undefined) this.headers.authorization ??= `Basic ${Buffer.from(auth).toString('base64')}`
      return auth
    }
    // Whoever listens decides it.
    if (this.ws.listenerCount('redirect') > 0) return auth
    const isSamePlace = address.isIpc === first.isIpc && address.place === first.place
    if (isSamePlace && (address.isSecure || !first.isSecure)) return auth
    delete this.headers.authorization
    delete this.headers.cookie
    if (!isSamePlace) delete this.headers.host
    return undefined
  }

  private request(address: Address, auth: string | undefined, key: string, names: Set<string>): ClientRequest {
    const { deflate, options } = this
    const { isSecure, isIpc, place, path, url } = address
    const { protocolVersion = 13, origin } = options
    const headers: ClientOptions['headers'] = {
      ...this.headers,
      'Sec-WebSocket-Version': protocolVersion,
      'Sec-WebSocket-Key': key,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
    }
    if (deflate !== undefined) headers['Sec-WebSocket-Extensions'] = extension.format({ [NAME]: deflate.offer() })
    if (names.size > 0) headers['Sec-WebSocket-Protocol'] = [...names].join(',')
    if (origin) headers[protocolVersion < 13 ? 'Sec-WebSocket-Origin' : 'Origin'] = origin
    const send = isSecure ? httpsRequest : httpRequest
    return send({
      ...(options as RequestOptions),
      createConnection: options.createConnection ?? (isSecure ? openSecure : open),
      protocol: undefined,
      method: 'GET',
      hostname: undefined,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (isSecure ? 443 : 80),
      defaultPort: isSecure ? 443 : 80,
      socketPath: isIpc ? place : undefined,
      path,
      headers,
      auth,
      timeout: options.handshakeTimeout,
    } as RequestOptions)
  }

  private answered(address: Address, request: ClientRequest, response: IncomingMessage): void {
    const { options, ws } = this
    const { statusCode = 0 } = response
    const { location } = response.headers
    if (location === undefined || !options.followRedirects || statusCode < 300 || statusCode >= 400) {
      if (ws.emit('unexpected-response', request, response)) return
      return abortRequest(ws, `Unexpected server response: ${statusCode}`)
    }
    if (++this.redirects > (options.maxRedirects ?? 10)) return abortRequest(ws, 'Maximum redirects exceeded')
    aborted.add(request)
    request.destroy()
    try {
      this.ask(parseAddress(location, address.url))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      failed(ws, error)
    }
  }

  private upgraded(response: IncomingMessage, socket: Duplex, head: Buffer, key: string, names: Set<string>): void {
    const { deflate, options, ws } = this
    ws.emit('upgrade', response)
    // A listener may have closed it.
    if (ws.readyState !== ws.CONNECTING) return
    ws._req = undefined
    const checked = checkUpgrade(response, key, names, deflate)
    if (typeof checked === 'string') {
      ws._closing()
      socket.once('error', (error) => ws._emitError(error))
      socket.once('close', () => ws.emitClose())
      socket.destroy(new Error(checked))
      return
    }
    if (checked.protocol !== undefined) ws._protocol = checked.protocol
    if (checked.compresses && deflate !== undefined) ws._extensions[NAME] = deflate
    ws.setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      generateMask: options.generateMask,
      heartbeat: options.heartbeat,
      maxBufferedAmount: options.maxBufferedAmount,
      maxFragments: options.maxFragments ?? 16_384,
      maxPayload: options.maxPayload ?? 100 * 1024 * 1024,
      skipUTF8Validation: options.skipUTF8Validation,
    })
  }
}

const NAME = PerMessageDeflate.extensionName

/** For Node's sockets `path` is that of a Unix socket. */
function open(options: object): Duplex {
  const { socketPath } = options as { socketPath?: string }
  return netConnect({ ...options, path: socketPath } as Parameters<typeof netConnect>[0] & object)
}

function openSecure(options: object): Duplex {
  const { host = '', servername } = options as ConnectionOptions
  // An address is no name that could be indicated (RFC 6066 section 3).
  const name = servername ?? (isIP(host) ? '' : host)
  return tlsConnect({ ...options, path: undefined, servername: name } as ConnectionOptions)
}
