import { networkOf } from './client-address.ts'
import { unavailable } from './unavailable.ts'

/** How many there may be at once. */
export interface AdmissionLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxHandshakes: number
}

/**
 * Counts the connections of a server, or of one of its routes: in all, by address, and those whose handshake the
 * `upgrade` hook is deciding on. A connection counts from its request on, so that no hook that takes its time lets more in.
 */
export class Admission {
  private readonly limits: AdmissionLimits
  /** The server's, for a route that has limits of its own: its connections count there as well. */
  private readonly server: Admission | undefined
  private connections = 0
  private deciding = 0
  private readonly byNetwork = new Map<string, number>()

  constructor(limits: AdmissionLimits, server?: Admission) {
    this.limits = limits
    this.server = server
  }

  /**
   * Counts a connection, for which `leave` has to be called exactly once.
   * @throws HandshakeError when there are too many; nothing is counted then
   */
  enter(clientAddress: string | undefined): void {
    const { maxConnections, maxConnectionsPerAddress } = this.limits
    if (this.connections >= maxConnections) {
      throw tooMany(`${thereAre(maxConnections, 'connection')} already (maxConnections).`)
    }
    const network = this.counted(clientAddress)
    const fromThere = network === undefined ? 0 : (this.byNetwork.get(network) ?? 0)
    if (fromThere >= maxConnectionsPerAddress) {
      throw tooMany(`${thereAre(fromThere, 'connection')} from ${network} already (maxConnectionsPerAddress).`)
    }
    this.server?.enter(clientAddress)
    this.connections++
    if (network !== undefined) this.byNetwork.set(network, fromThere + 1)
  }

  leave(clientAddress: string | undefined): void {
    this.server?.leave(clientAddress)
    this.connections--
    const network = this.counted(clientAddress)
    if (network === undefined) return
    const left = (this.byNetwork.get(network) ?? 0) - 1
    if (left > 0) this.byNetwork.set(network, left)
    else this.byNetwork.delete(network)
  }

  /**
   * Counts a handshake that the hook is going to decide on, for which `decided` has to be called exactly once.
   * @throws HandshakeError when there are too many; nothing is counted then
   */
  decide(): void {
    const { maxHandshakes } = this.limits
    if (this.deciding >= maxHandshakes) {
      const message = `${thereAre(maxHandshakes, 'handshake')} to decide on already (maxHandshakes).`
      throw unavailable('TOO_MANY_HANDSHAKES', message)
    }
    this.server?.decide()
    this.deciding++
  }

  decided(): void {
    this.server?.decided()
    this.deciding--
  }

  /** What an address is counted by; undefined where addresses are not counted, or there is none, as on a Unix socket. */
  private counted(clientAddress: string | undefined): string | undefined {
    if (clientAddress === undefined || this.limits.maxConnectionsPerAddress === Number.POSITIVE_INFINITY)
      return undefined
    return networkOf(clientAddress)
  }
}

function thereAre(count: number, what: string): string {
  return count === 1 ? `There is 1 ${what}` : `There are ${count} ${what}s`
}

function tooMany(message: string) {
  return unavailable('TOO_MANY_CONNECTIONS', message)
}
