import { deflateCodec } from '../compression/codec.ts'
import type { CloseInfo } from '../protocol/close-info.ts'
import { HandshakeError } from '../protocol/error.ts'
import { acceptExtensions } from '../protocol/extension-negotiation.ts'
import {
  checkChosenSubprotocol,
  checkUpgradeRequest,
  chooseSubprotocol,
  HeaderFields,
  responseHead,
  type UpgradeOffer,
} from '../protocol/handshake.ts'
import { atOnce, isAwaitable } from '../socket/awaitable.ts'
import { type Context, currentContext } from '../socket/context.ts'
import { connectionOptions, Link, type LinkSetup } from '../socket/link.ts'
import { reportError } from '../socket/report-error.ts'
import { shared } from '../socket/runtime.ts'
import { type Membership, ServerSocket } from '../socket/server-socket.ts'
import type { TransportChoice } from '../transport/choice.ts'
import type { Transport } from '../transport/transport.ts'
import { clientOf } from './client-address.ts'
import type { HandshakeHead, HandshakeStream } from './handshake-stream.ts'
import { checkHeaderLimits } from './header-limits.ts'
import { type ProxyTrust, requestedHost } from './proxy-trust.ts'
import type { Asker, Refusals } from './refusals.ts'
import type { Decision, Route, UpgradeResponse } from './route.ts'
import { serverClosing } from './unavailable.ts'
import { UpgradeRejected } from './upgrade-rejected.ts'
import { pathOf, UpgradeRequest } from './upgrade-request.ts'

/** What the handshakes of one server share. */
export interface UpgradeContext {
  membership: Membership
  transport: TransportChoice
  isTrusted: ProxyTrust
  refusals: Refusals
  /** Handshakes whose hook is at work. */
  underWay: Set<Upgrade>
  /** Whether the server takes no more connections. */
  isClosing(): boolean
  opened(socket: ServerSocket): void
  /** The handshake was completed only to be followed by a Close frame. */
  rejected(socket: ServerSocket): void
  closed(socket: ServerSocket, info: CloseInfo): void
  roundTrip(milliseconds: number): void
  /** The AsyncLocalStorage context in which the server was created. */
  handlers: Context
  /** What the connections of each route are made from. */
  setups: Map<Route, LinkSetup>
}

/**
 * One upgrade request, from its arrival to an open socket or a refusal. Most are answered within the call that brought
 * them; what only a hook that takes its time needs (listeners, a timer, an AbortSignal) is made when there is one.
 */
export class Upgrade {
  private readonly context: UpgradeContext
  private readonly route: Route
  private readonly head: HandshakeHead
  private readonly stream: HandshakeStream
  /** There as soon as the request is known to have no more of them than it may. */
  private fields!: HeaderFields
  private readonly clientAddress: string | undefined
  /** Whether the connection was counted, and no socket gives its place back. */
  private counted = false
  /** Answered, or given up. */
  private done = false
  /** Why it was given up. */
  private reason: HandshakeError | undefined
  private controller: AbortController | undefined
  private onAbort: ((reason: HandshakeError) => void) | undefined

  constructor(context: UpgradeContext, route: Route, head: HandshakeHead, stream: HandshakeStream) {
    this.context = context
    this.route = route
    this.head = head
    this.stream = stream
    this.clientAddress = clientOf(head, context.isTrusted)
  }

  /** Never throws: whatever goes wrong ends in an answer. */
  run(match: RegExpExecArray | undefined): void {
    const { head, route } = this
    try {
      checkHeaderLimits(head, route.headerLimits)
      route.admission.enter(this.clientAddress)
      this.counted = true
      this.fields = HeaderFields.fromRaw(head.rawHeaders)
      const { method, httpVersion, url, remoteAddress, raw } = head
      const offer = checkUpgradeRequest({ method, httpVersion, headers: this.fields })
      this.checkOrigin(offer)
      const request = new UpgradeRequest(url, this.fields, offer, {
        remoteAddress,
        clientAddress: this.clientAddress,
        match,
        signal: () => this.signal,
        raw,
      })
      if (route.options.upgrade === undefined) this.accept(offer, request, {})
      else this.ask(offer, request)
    } catch (error) {
      this.refuse(error)
    }
  }

  /** Gives the handshake up: it is refused with this. */
  abort(reason: HandshakeError): void {
    if (this.done || this.reason !== undefined) return
    this.reason = reason
    this.controller?.abort(reason)
    this.onAbort?.(reason)
  }

  private get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.reason !== undefined) this.controller.abort(this.reason)
    }
    return this.controller.signal
  }

  private checkOrigin(offer: UpgradeOffer): void {
    const host = requestedHost(offer.host, this.fields, this.head.remoteAddress, this.context.isTrusted)
    const refusal = this.route.checkOrigin(this.fields.get('origin'), host)
    if (refusal !== undefined) throw new HandshakeError('ORIGIN_REFUSED', refusal, { status: 403 })
  }

  /** Lets the hook decide. */
  private ask(offer: UpgradeOffer, request: UpgradeRequest): void {
    this.route.admission.decide()
    this.context.underWay.add(this)
    let waits = false
    try {
      const decision = this.route.options.upgrade?.(request)
      waits = isAwaitable(decision)
      if (isAwaitable(decision)) void this.wait(offer, request, decision)
      else this.decided(offer, request, decision)
    } finally {
      if (!waits) this.asked()
    }
  }

  /** Waits for the hook, but no longer than the handshake may take, the client is there, and the server is open. */
  private async wait(offer: UpgradeOffer, request: UpgradeRequest, decision: PromiseLike<Decision>): Promise<void> {
    const { handshakeTimeout } = this.route
    const timer = setTimeout(() => {
      const message = `The handshake was not done within ${handshakeTimeout} ms (handshakeTimeout).`
      this.abort(new HandshakeError('HANDSHAKE_TIMEOUT', message, { status: 503 }))
    }, handshakeTimeout)
    this.stream.watch(() => this.onGone())
    try {
      const response = await new Promise<Decision>((resolve, reject) => {
        this.onAbort = reject
        decision.then(resolve, reject)
        // The hook may have brought it about itself, before it gave its promise.
        if (this.reason !== undefined) reject(this.reason)
      })
      this.decided(offer, request, response)
    } catch (error) {
      this.refuse(error)
    } finally {
      clearTimeout(timer)
      this.asked()
    }
  }

  private decided(offer: UpgradeOffer, request: UpgradeRequest, response: Decision): void {
    // It may have been given up while the promises in between were settled, or by the hook itself.
    this.checkWanted()
    this.accept(offer, request, response ?? {})
  }

  /** @throws the reason why nothing is to come of this any more */
  private checkWanted(): void {
    if (this.reason !== undefined) throw this.reason
    if (this.context.isClosing()) throw serverClosing()
  }

  private asked(): void {
    this.route.admission.decided()
    this.context.underWay.delete(this)
  }

  private onGone(): void {
    if (this.done) return
    const error = new HandshakeError('HANDSHAKE_ABORTED', 'The client went away before the handshake was done.')
    this.context.refusals.noteError(error, this.asker)
    this.abort(error)
    this.done = true
  }

  private accept(offer: UpgradeOffer, request: UpgradeRequest, response: UpgradeResponse<unknown>): void {
    const protocol = response.protocol ?? this.chooseProtocol(offer, request)
    checkChosenSubprotocol(protocol, offer.protocols)
    // The function that chose it may have closed the server, which has taken leave of its sockets then.
    this.checkWanted()
    const { context, route } = this
    const { behaviour } = route
    const { answers, agreed } = acceptExtensions(offer.extensions, route.extensions)
    const head = responseHead(
      { key: offer.key, protocol, extensions: answers, headers: response.headers },
      shared.platform,
    )
    const setup = setupOf(context, route)
    const own = behaviour.asyncContext === 'upgrade' ? { ...setup, context: currentContext() } : setup
    const [deflate] = agreed
    const codec = deflate && deflateCodec(behaviour.compression, deflate.agreed, 'server')
    const link = new Link(own, this.hand(head), codec)
    const socket = new ServerSocket(link, response.data, protocol, context.membership, this.clientAddress)
    context.opened(socket)
    link.start(socket)
  }

  private chooseProtocol(offer: UpgradeOffer, request: UpgradeRequest): string {
    const { protocols } = this.route.options
    if (typeof protocols === 'function') return atOnce(protocols(offer.protocols, request), 'protocols') ?? ''
    return chooseSubprotocol(offer.protocols, protocols ?? [])
  }

  /** Gives the answer, and hands the connection over. */
  private hand(head: Uint8Array): Transport {
    const transport = this.stream.accept(head)
    this.done = true
    // From here on it is the socket that gives the place back.
    this.counted = false
    return transport
  }

  private refuse(error: unknown): void {
    try {
      if (!this.done) this.answerTo(this.reason ?? error)
    } catch (failure) {
      this.fail(failure)
    }
    if (this.counted) this.route.admission.leave(this.clientAddress)
    this.counted = false
  }

  private fail(error: unknown): void {
    reportError(this.route.options.error, error, undefined)
    this.done = true
    this.context.refusals.fail(this.stream, this.asker)
  }

  private answerTo(error: unknown): void {
    if (error instanceof UpgradeRejected) {
      const { closeCode } = error
      if (closeCode !== undefined && !this.context.isClosing()) return this.acceptAndClose(error, closeCode)
      this.done = true
      this.noteRejection(error, error.status)
      this.stream.refuse(error.status, error.message, error.headers)
    } else if (error instanceof HandshakeError) {
      this.done = true
      this.context.refusals.refuse(this.stream, error, this.asker)
    } else {
      this.fail(error)
    }
  }

  /** A refusal that a page in a browser can read. */
  private acceptAndClose(error: UpgradeRejected, closeCode: number): void {
    const offer = checkUpgradeRequest({ method: 'GET', httpVersion: this.head.httpVersion, headers: this.fields })
    // A browser that offered subprotocols fails a connection without one, and would show its page 1006 instead.
    const protocol = offer.protocols[0]
    const head = responseHead({ key: offer.key, protocol, headers: error.headers }, shared.platform)
    const { context, route } = this
    // What the client sends meanwhile is discarded.
    const setup = { ...setupOf(context, route), handlers: { message() {} } }
    const link = new Link(setup, this.hand(head))
    const socket = new ServerSocket(link, undefined, '', context.membership, this.clientAddress)
    context.rejected(socket)
    this.noteRejection(error, 101)
    link.start(socket)
    link.close(closeCode, error.message, 'rejected')
  }

  private noteRejection({ message }: UpgradeRejected, status: number): void {
    this.context.refusals.note({ reason: 'UPGRADE_REJECTED', status, message, ...this.asker })
  }

  private get asker(): Asker {
    return { clientAddress: this.clientAddress, path: pathOf(this.head.url) }
  }
}

/** One for all connections of a route, none of which keeps its handshake in memory. */
function setupOf(context: UpgradeContext, route: Route): LinkSetup {
  const made = context.setups.get(route)
  if (made !== undefined) return made
  const { behaviour, options, admission } = route
  const setup: LinkSetup = {
    connection: connectionOptions('server', behaviour),
    behaviour,
    handlers: options,
    context: context.handlers,
    onClosed(socket: ServerSocket, info) {
      admission.leave(socket.clientAddress)
      context.closed(socket, info)
    },
    onRoundTrip: context.roundTrip,
  }
  context.setups.set(route, setup)
  return setup
}
