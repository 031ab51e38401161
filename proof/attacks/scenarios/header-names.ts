import { KIB, NOT_ACCEPTED, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const total = (plan: Plan) => scaled(plan, 10_000, 4)

/** Names of header fields, each different: as many as fit into 16 KiB, and more than that. */
export const headerNames: Scenario = {
  name: 'header-names',
  title: (plan) => `${written(total(plan))} handshakes with 15 KiB of header names, every second one with 32 KiB`,
  mayHold: (plan) => total(plan) * 4 * KIB,
  expects: { always: ['431'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    const fits = names(15 * KIB)
    const tooLong = names(32 * KIB)
    await attack.spread(total(attack.plan), (i) => {
      attack.dial({ headers: i % 2 === 0 ? fits : tooLong, opened: (client) => client.leave() })
      attack.did('handshakes')
    })
  },
}

/** Header lines of so many bytes. */
function names(size: number): string {
  let lines = ''
  for (let i = 0; lines.length < size; i++) lines += `x${i.toString(36)}:\r\n`
  return lines
}
