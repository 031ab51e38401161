import { KIB, NOT_ACCEPTED, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const total = (plan: Plan) => scaled(plan, 15_000, 15)
/** Every third one has a foreign origin. */
const foreign = (plan: Plan) => Math.ceil(total(plan) / 3)
const hookTakes = ({ seconds }: Plan) => seconds * 200

/** Handshakes, as many as come: most keep an `upgrade` hook busy that takes its time, others have a foreign origin. */
export const handshakeFlood: Scenario = {
  name: 'handshake-flood',
  title: (plan) =>
    `${written(total(plan))} handshakes: ${written(total(plan) - foreign(plan))} with an \`upgrade\` hook that takes ` +
    `${hookTakes(plan) / 1e3} s, ${written(foreign(plan))} from a foreign origin`,
  limits: (plan) => (plan.scale < 1 ? { maxHandshakes: scaled(plan, 1_000) } : {}),
  upgradeTakes: hookTakes,
  // Those under way, those that are refused but linger, and those that are open until the attacker has noticed.
  mayHold: (plan) => total(plan) * 10 * KIB,
  expects: { always: ['403', '503', 'open'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    await attack.spread(total(attack.plan), (i) => {
      const headers = i % 3 === 0 ? 'Origin: https://elsewhere.example\r\n' : ''
      attack.dial({ headers, opened: (client) => client.leave() })
      attack.did('handshakes')
    })
  },
}
