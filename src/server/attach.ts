import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'

/** What a heartwire server has to do with the upgrades of an HTTP server. */
export interface Claim {
  /** Answers with what takes the upgrade, or undefined when it is another's. */
  take(request: IncomingMessage): ((stream: Duplex, head: Buffer) => void) | undefined
  /** Refuses the upgrade that nobody takes. */
  refuse(request: IncomingMessage, stream: Duplex): void
}

interface Claims {
  readonly current: Set<Claim>
  /** The newest: it refuses what comes when there is none any more. */
  last: Claim
}

/** The claims on each HTTP server, behind one listener: several heartwire servers on one port know of each other. */
const claimsOn = new WeakMap<HttpServer | HttpsServer, Claims>()

/**
 * Takes the upgrades of an HTTP server that are claimed. Returns what gives up the claim. The listener stays: without one
 * Node takes an upgrade for an ordinary request, and answers it with a page.
 */
export function claimUpgrades(httpServer: HttpServer | HttpsServer, claim: Claim): () => void {
  const claims = claimsOn.get(httpServer) ?? { current: new Set(), last: claim }
  claimsOn.set(httpServer, claims)
  if (!httpServer.listeners('upgrade').includes(onUpgrade)) httpServer.on('upgrade', onUpgrade)
  claims.current.add(claim)
  claims.last = claim
  return () => void claims.current.delete(claim)
}

function onUpgrade(this: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const claims = claimsOn.get(this)
  if (claims === undefined) return
  for (const claim of claims.current) {
    const take = claim.take(request)
    if (take !== undefined) return take(stream, head)
  }
  // Whoever else listens may know what to do with it.
  if (this.listenerCount('upgrade') > 1) return
  const [first = claims.last] = claims.current
  first.refuse(request, stream)
}
