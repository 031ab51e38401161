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

/** The claims on each HTTP server, behind one listener: several heartwire servers on one port know of each other. */
const claimsOn = new WeakMap<HttpServer | HttpsServer, Set<Claim>>()

/** Takes the upgrades of an HTTP server that are claimed. Returns what undoes it. */
export function claimUpgrades(httpServer: HttpServer | HttpsServer, claim: Claim): () => void {
  let claims = claimsOn.get(httpServer)
  if (claims === undefined) {
    claims = new Set()
    claimsOn.set(httpServer, claims)
  }
  if (claims.size === 0) httpServer.on('upgrade', onUpgrade)
  claims.add(claim)
  return () => {
    claims.delete(claim)
    if (claims.size === 0) httpServer.off('upgrade', onUpgrade)
  }
}

function onUpgrade(this: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  const claims = claimsOn.get(this) ?? []
  for (const claim of claims) {
    const take = claim.take(request)
    if (take !== undefined) return take(stream, head)
  }
  // Whoever else listens may know what to do with it.
  if (this.listenerCount('upgrade') > 1) return
  const [first] = claims
  first?.refuse(request, stream)
}
