import { Opcode } from 'heartwire/protocol'
import { frame } from '../frames.ts'
import { NOT_ACCEPTED, type Scenario } from '../scenario.ts'
import { storm, stormMayHold, stormTitle } from '../storm.ts'

/** Everyone closes at once, again and again. */
export const closeStorm: Scenario = {
  name: 'close-storm',
  title: (plan) => `${stormTitle(plan)} that all close at once`,
  mayHold: stormMayHold,
  expects: { always: ['1000'], perhaps: NOT_ACCEPTED },
  attack(attack) {
    const close = frame(Opcode.Close, Uint8Array.of(1000 >> 8, 1000 & 0xff))
    return storm(attack, (client) => client.write(close))
  },
}
