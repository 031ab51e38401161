import type { Scenario } from './scenario.ts'
import { closeStorm } from './scenarios/close-storm.ts'
import { emptyFragments } from './scenarios/empty-fragments.ts'
import { handshakeFlood } from './scenarios/handshake-flood.ts'
import { headerNames } from './scenarios/header-names.ts'
import { hugeHeader } from './scenarios/huge-header.ts'
import { invalidUtf8 } from './scenarios/invalid-utf8.ts'
import { neverReads } from './scenarios/never-reads.ts'
import { oneAddress } from './scenarios/one-address.ts'
import { pingFlood } from './scenarios/ping-flood.ts'
import { resetStorm } from './scenarios/reset-storm.ts'
import { slowHandshake } from './scenarios/slow-handshake.ts'
import { tinyFragments } from './scenarios/tiny-fragments.ts'

/** In the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  slowHandshake,
  handshakeFlood,
  headerNames,
  oneAddress,
  hugeHeader,
  tinyFragments,
  emptyFragments,
  pingFlood,
  invalidUtf8,
  neverReads,
  closeStorm,
  resetStorm,
]

/** @throws {Error} when there is none of this name */
export function findScenario(name: string | undefined): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (found === undefined) throw new Error(`there is no scenario called "${name}"`)
  return found
}
