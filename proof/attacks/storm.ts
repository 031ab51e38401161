import type { Attack } from './attack.ts'
import type { RawClient } from './raw-client.ts'
import { KIB, type Plan, scaled } from './scenario.ts'

const WAVES = 10
const IN_A_WAVE = 1_000

/** Opens connections, ends them all at once, and does it again. */
export async function storm(attack: Attack, end: (client: RawClient) => void): Promise<void> {
  for (let wave = 0; wave < WAVES; wave++) {
    const clients: RawClient[] = []
    await attack.spread(
      attack.count(IN_A_WAVE),
      () => {
        clients.push(attack.dial())
        attack.did('connections')
      },
      1 / WAVES,
    )
    for (const client of clients) end(client)
  }
}

/** Two waves: those that linger, and those that come. */
export function stormMayHold(plan: Plan): number {
  return scaled(plan, IN_A_WAVE) * 2 * 24 * KIB
}
