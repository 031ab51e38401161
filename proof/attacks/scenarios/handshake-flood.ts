import { KIB, NOT_ACCEPTED, type Scenario, scaled } from '../scenario.ts'

const TOTAL = 15_000

/** Handshakes, as many as come: most keep an `upgrade` hook busy that takes its time, others have a foreign origin. */
export const handshakeFlood: Scenario = {
  name: 'handshake-flood',
  title: '15,000 handshakes: 10,000 with an `upgrade` hook that takes 2 s, 5,000 from a foreign origin',
  limits: (plan) => (plan.scale < 1 ? { maxHandshakes: scaled(plan, 1_000) } : {}),
  upgradeTakes: ({ seconds }) => seconds * 200,
  // Those under way, those that are refused but linger, and those that are open until the attacker has noticed.
  mayHold: (plan) => scaled(plan, TOTAL) * 10 * KIB,
  expects: { always: ['403', '503', 'open'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    await attack.spread(attack.count(TOTAL, 15), (i) => {
      const headers = i % 3 === 0 ? 'Origin: https://elsewhere.example\r\n' : ''
      attack.dial({ headers, opened: (client) => client.leave() })
      attack.did('handshakes')
    })
  },
}
