import { Opcode } from 'heartwire/protocol'
import { frame } from '../frames.ts'
import { MIB, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const MAX_PAYLOAD = MIB
const texts = (plan: Plan) => scaled(plan, 500, 5)

/** Texts just under `maxPayload` of which only the last byte is wrong. */
export const invalidUtf8: Scenario = {
  name: 'invalid-utf8',
  title: (plan) => `${written(texts(plan))} texts of 1 MiB whose last byte is not UTF-8`,
  // One message of each connection at a time; a server that keeps up has only a few.
  mayHold: () => 50 * MAX_PAYLOAD,
  expects: { always: ['1007'] },
  async attack(attack) {
    const text = Buffer.alloc(MAX_PAYLOAD, 'é')
    text[text.length - 1] = 0xff
    const bytes = frame(Opcode.Text, text)
    await attack.spread(texts(attack.plan), () => {
      attack.dial({ opened: (client) => client.write(bytes) })
      attack.did('texts')
    })
  },
}
