/** Starts the servers that are compared, and checks what they agree to. */
import { startContestant } from '../contestants.ts'
import type { ServerProcess } from '../server-process.ts'
import type { Compression } from '../servers/control.ts'
import type { Contestant } from './contestants.ts'
import { type Agreement, readAgreement } from './load/agreement.ts'

/** @throws {Error} when it does not come up; a `ServerDeclined` when it is not there, or not in this mode. */
export function startServer({ server, mode }: Contestant, core: number | undefined): Promise<ServerProcess> {
  const name = server === 'heartwire' ? 'heartwire-auto' : server
  return startContestant(name, { work: 'echo', handler: 'sync', compression: mode }, { core })
}

/** @throws {Error} when the answer to the offer is not that of the contestant's mode: it would measure something else. */
export function checkAgreed({ mode }: Contestant, agreed: string): void {
  const got = modeOf(readAgreement(agreed === '' ? undefined : agreed))
  if (got !== mode) throw new Error(`the server should have agreed to ${mode}, and answered "${agreed}"`)
}

function modeOf(agreement: Agreement | undefined): Compression | 'mixed' {
  if (agreement === undefined) return 'off'
  if (agreement.clientTakeover !== agreement.serverTakeover) return 'mixed'
  return agreement.clientTakeover ? 'takeover' : 'shared'
}
