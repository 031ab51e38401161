import { setTimeout as sleep } from 'node:timers/promises'
import type { RawClient } from '../raw-client.ts'
import { KIB, NOT_ACCEPTED, type Plan, type Scenario, scaled, written } from '../scenario.ts'

/** Long enough never to be complete. */
const HEAD = `GET / HTTP/1.1\r\nHost: server.example\r\nX-Slow: ${'a'.repeat(10_000)}`
/** Each connection is one of ten groups, whose turns come one after another. */
const GROUPS = 10
const total = (plan: Plan) => scaled(plan, 5_000)
/** Milliseconds between two bytes of a connection. */
const period = ({ seconds }: Plan) => Math.min(1_000, seconds * 50)

/** Handshakes that come byte by byte. */
export const slowHandshake: Scenario = {
  name: 'slow-handshake',
  title: (plan) => `${written(total(plan))} handshakes, each of one header byte in ${period(plan)} ms`,
  // The default, 10 s, is as long as a whole run.
  limits: ({ seconds }) => (seconds < 10 ? { handshakeTimeout: seconds * 500 } : {}),
  // What Node has for a connection and its parser; there is nothing of heartwire yet.
  mayHold: (plan) => total(plan) * 32 * KIB,
  expects: { always: ['408'], perhaps: NOT_ACCEPTED },
  async attack(attack) {
    const slow: { client: RawClient; sent: number }[] = []
    const opening = attack.spread(
      total(attack.plan),
      () => {
        slow.push({ client: attack.dial({ head: HEAD.charAt(0) }), sent: 1 })
      },
      0.2,
    )
    const end = performance.now() + attack.plan.seconds * 2_000
    for (let turn = 0; performance.now() < end; turn++) {
      await sleep(period(attack.plan) / GROUPS)
      for (let i = turn % GROUPS; i < slow.length; i += GROUPS) {
        const one = slow[i]!
        if (one.client.over) continue
        one.client.write(HEAD.charAt(one.sent++))
        attack.did('bytes')
      }
      if (attack.over && slow.every(({ client }) => client.over)) break
    }
    await opening
  },
}
