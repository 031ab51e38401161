import type { Attack } from './attack.ts'
import type { RawClient } from './raw-client.ts'
import { KIB, type Plan, scaled, written } from './scenario.ts'

const WAVES = 10
const inAWave = (plan: Plan) => scaled(plan, 1_000)

/** `10 times 1,000 connections` */
export function stormTitle(plan: Plan): string {
  return `${WAVES} times ${written(inAWave(plan))} connections`
}

/** Opens connections, ends them all at once, and does it again. */
export async function storm(attack: Attack, end: (client: RawClient) => void): Promise<void> {
  for (let wave = 0; wave < WAVES; wave++) {
    const clients: RawClient[] = []
    await attack.spread(
      inAWave(attack.plan),
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
  return inAWave(plan) * 2 * 24 * KIB
}
