import { Opcode } from 'heartwire/protocol'
import { frame, repeat } from '../frames.ts'
import { MIB, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const FRAGMENTS = 20_000
const messages = (plan: Plan) => scaled(plan, 50, 2)

/** A million fragments of one byte, in messages of 20,000 of them. The default of `maxFragments` is 16,384. */
export const tinyFragments: Scenario = {
  name: 'tiny-fragments',
  title: (plan) =>
    `${written(messages(plan) * FRAGMENTS)} fragments of one byte, in ${messages(plan)} messages that do not end`,
  mayHold: () => MIB,
  expects: { always: ['1008'] },
  async attack(attack) {
    const payload = Buffer.from('a')
    const first = frame(Opcode.Text, payload, { fin: false })
    const more = repeat(frame(Opcode.Continuation, payload, { fin: false }), FRAGMENTS - 1)
    const bytes = Buffer.concat([first, more])
    await attack.spread(messages(attack.plan), () => {
      attack.dial({ opened: (client) => client.write(bytes) })
      attack.did('fragments', FRAGMENTS)
    })
  },
}
