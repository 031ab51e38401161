import type { RawClient } from '../raw-client.ts'
import { KIB, NOT_ACCEPTED, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const total = (plan: Plan) => scaled(plan, 10_000)

/** As many connections as one machine can open. */
export const oneAddress: Scenario = {
  name: 'one-address',
  title: (plan) => `${written(total(plan))} connections from one address`,
  // `[]` says that the addresses are the clients' own; maxConnectionsPerAddress is 250 then.
  limits: (plan) => ({
    trustedProxies: [],
    ...(plan.scale < 1 && { maxConnectionsPerAddress: scaled(plan, 250, 20) }),
  }),
  mayHold: (plan) => total(plan) * 24 * KIB,
  expects: { always: ['503', 'open'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    const clients: RawClient[] = []
    await attack.spread(
      total(attack.plan),
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
