/** Starts the servers that are compared. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Child } from '../children.ts'
import { BUILT } from '../places.ts'
import { ServerDeclined, ServerProcess } from '../server-process.ts'
import type { Contestant, Mode } from './contestants.ts'

import { type Agreement, readAgreement } from './load/agreement.ts'

/** @throws {Error} when it does not come up; a `ServerDeclined` when it is not there, or not in this mode. */
export function startServer({ server, mode }: Contestant, core: number | undefined): Promise<ServerProcess> {
  const program = [join(BUILT, 'compression', 'servers', `${server}.js`), mode]
  if (server !== 'bun')
    return ServerProcess.over(server, new Child(process.execPath, ['--expose-gc', ...program], { core }))
  if (spawnSync('bun', ['--version']).status !== 0) {
    throw new ServerDeclined('there is no program "bun"; `npm install --no-save bun` brings it')
  }
  return ServerProcess.over(server, new Child('bun', program, { core }))
}

/** @throws {Error} when the answer to the offer is not that of the contestant's mode: it would measure something else. */
export function checkAgreed({ mode }: Contestant, agreed: string): void {
  const got = modeOf(readAgreement(agreed === '' ? undefined : agreed))
  if (got !== mode) throw new Error(`the server should have agreed to ${mode}, and answered "${agreed}"`)
}

function modeOf(agreement: Agreement | undefined): Mode | 'mixed' {
  if (agreement === undefined) return 'off'
  if (agreement.clientTakeover !== agreement.serverTakeover) return 'mixed'
  return agreement.clientTakeover ? 'takeover' : 'shared'
}
