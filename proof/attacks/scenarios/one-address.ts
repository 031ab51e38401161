import type { RawClient } from '../raw-client.ts'
import { KIB, NOT_ACCEPTED, type Scenario, scaled } from '../scenario.ts'

/** As many connections as one machine can open. */
export const oneAddress: Scenario = {
  name: 'one-address',
  title: '10,000 connections from one address',
  // `[]` says that the addresses are the clients' own; maxConnectionsPerAddress is 250 then.
  limits: (plan) => ({
    trustedProxies: [],
    ...(plan.scale < 1 && { maxConnectionsPerAddress: scaled(plan, 250, 20) }),
  }),
  mayHold: (plan) => scaled(plan, 10_000) * 24 * KIB,
  expects: { always: ['503', 'open'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    const clients: RawClient[] = []
    await attack.spread(
      attack.count(10_000),
      () => {
        clients.push(attack.dial())
        attack.did('connections')
      },
      0.8,
    )
    await attack.untilOver()
    await attack.answered(clients)
    for (const client of clients) client.leave()
  },
}
