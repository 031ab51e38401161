import { Opcode } from 'heartwire/protocol'
import { frame, repeat } from '../frames.ts'
import type { RawClient } from '../raw-client.ts'
import { KIB, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const PINGS = 2_000
const attackers = (plan: Plan) => scaled(plan, 500, 2)

/**
 * Pings of the greatest size, 2,000 at once. The default of `controlRate` lets a burst of 1,000 pass. Of the connections every
 * second one does not read the answers.
 */
export const pingFlood: Scenario = {
  name: 'ping-flood',
  title: (plan) => `${written(attackers(plan) * PINGS)} pings of 125 bytes; every second attacker reads no answers`,
  // For each that does not read: 64 answers, and what of it is being written.
  mayHold: (plan) => attackers(plan) * 64 * KIB,
  expects: { always: ['1008'] },
  async attack(attack) {
    const pings = repeat(frame(Opcode.Ping, Buffer.alloc(125, 'p')), PINGS)
    const deaf: RawClient[] = []
    await attack.spread(attackers(attack.plan), (i) => {
      const client = attack.dial({
        opened(opened) {
          if (i % 2 === 1) opened.pause()
          opened.write(pings)
        },
      })
      if (i % 2 === 1) deaf.push(client)
      attack.did('pings', PINGS)
    })
    await attack.answered(deaf)
    // Only to see what they were told.
    for (const client of deaf) client.resume()
  },
}
