import { Opcode } from 'heartwire/protocol'
import { frame, repeat } from '../frames.ts'
import type { RawClient } from '../raw-client.ts'
import { MIB, type Scenario } from '../scenario.ts'

/** The default of `maxFragments`. */
const MOST = 16_384

/**
 * Empty fragments without end. In one message they are too many at some time; whoever knows the limit ends each message
 * just in time, and is never stopped.
 */
export const emptyFragments: Scenario = {
  name: 'empty-fragments',
  title: '3.3 million empty fragments, half of them in messages that end just before the limit',
  mayHold: () => MIB,
  expects: { always: ['1008', 'open'] },
  async attack(attack) {
    const first = frame(Opcode.Binary, undefined, { fin: false })
    const endless = Buffer.concat([first, repeat(frame(Opcode.Continuation, undefined, { fin: false }), MOST)])
    const last = frame(Opcode.Continuation)
    const justInTime = Buffer.concat([endless.subarray(0, endless.length - 2 * last.length), last])
    const patient: RawClient[] = []
    for (let i = 0; i < 5; i++) patient.push(attack.dial())
    await attack.spread(attack.count(100, 10), (i) => {
      attack.dial({ opened: (client) => client.write(endless) })
      patient[i % patient.length]?.write(justInTime)
      attack.did('fragments', MOST * 2 + 1)
    })
    await attack.answered(patient)
    for (const client of patient) client.leave()
  },
}
