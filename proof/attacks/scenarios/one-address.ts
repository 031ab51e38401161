import { KIB, type Scenario, scaled } from '../scenario.ts'

/** As many connections as one machine can open. */
export const oneAddress: Scenario = {
  name: 'one-address',
  title: '10,000 connections from one address',
  mayHold: (plan) => scaled(plan, 10_000) * 24 * KIB,
  expects: { always: ['open'] },
  async attack(attack) {
    const localAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'
    await attack.spread(
      attack.count(10_000),
      () => {
        attack.dial({ localAddress })
        attack.did('connections')
      },
      0.8,
    )
    await attack.untilOver()
  },
}
