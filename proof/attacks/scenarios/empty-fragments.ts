import { Opcode } from 'heartwire/protocol'
import { frame, repeat } from '../frames.ts'
import type { RawClient } from '../raw-client.ts'
import { MIB, type Plan, type Scenario, scaled, written } from '../scenario.ts'

/** The default of `maxFragments`. */
const MOST = 16_384
/** Of a message that is too long, and of one that is not. */
const IN_A_PAIR = MOST * 2 + 1
const pairs = (plan: Plan) => scaled(plan, 100, 10)

/**
 * Empty fragments without end. In one message they are too many at some time; whoever knows the limit ends each message
 * just in time, and is never stopped.
 */
export const emptyFragments: Scenario = {
  name: 'empty-fragments',
  title: (plan) =>
    `${written(pairs(plan) * IN_A_PAIR)} empty fragments, half of them in messages that end just before the limit`,
  mayHold: () => MIB,
  expects: { always: ['1008', 'open'] },
  async attack(attack) {
    const first = frame(Opcode.Binary, undefined, { fin: false })
    const endless = Buffer.concat([first, repeat(frame(Opcode.Continuation, undefined, { fin: false }), MOST)])
    const last = frame(Opcode.Continuation)
    const justInTime = Buffer.concat([endless.subarray(0, endless.length - 2 * last.length), last])
    const patient: RawClient[] = []
    for (let i = 0; i < 5; i++) patient.push(attack.dial())
    await attack.spread(pairs(attack.plan), (i) => {
      attack.dial({ opened: (client) => client.write(endless) })
      patient[i % patient.length]?.write(justInTime)
      attack.did('fragments', IN_A_PAIR)
    })
    await attack.answered(patient)
    for (const client of patient) client.leave()
  },
}
