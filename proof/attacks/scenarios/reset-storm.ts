import { NOT_ACCEPTED, type Scenario } from '../scenario.ts'
import { storm, stormMayHold, stormTitle } from '../storm.ts'

/** Everyone's connection is reset at once, again and again. */
export const resetStorm: Scenario = {
  name: 'reset-storm',
  title: (plan) => `${stormTitle(plan)} that are all reset at once`,
  mayHold: stormMayHold,
  expects: { always: ['reset by the attacker'], perhaps: NOT_ACCEPTED },
  attack: (attack) => storm(attack, (client) => client.reset()),
}
