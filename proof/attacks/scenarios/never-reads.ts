import { KIB, MIB, type Plan, type Scenario } from '../scenario.ts'

const READERS = 20

/** Subscribers that read nothing, of what is published to everyone else as well. */
export const neverReads: Scenario = {
  name: 'never-reads',
  title: '20 subscribers that never read, while 1,000 messages of 1 KiB a second are published',
  forStrangers: (plan) => ({ maxBuffered: maxBuffered(plan) }),
  // The kernel alone takes 4 MiB for each of them. In a short run that has to come in fewer and larger messages.
  news: (plan) =>
    isShort(plan) ? { perSecond: 100, size: Math.ceil((128 * KIB) / plan.seconds) } : { perSecond: 1_000, size: KIB },
  // A published message is held once for all who wait for it.
  mayHold: (plan) => READERS * maxBuffered(plan),
  expects: { always: ['1013'] },
  async attack(attack) {
    const deaf = () => attack.dial({ path: '/news', opened: (client) => client.pause() })
    const clients = Array.from({ length: READERS }, deaf)
    await attack.untilOver()
    await attack.answered(clients)
    // Only to see what they were told.
    for (const client of clients) client.resume()
  },
}

function isShort({ seconds }: Plan): boolean {
  return seconds < 10
}

function maxBuffered(plan: Plan): number {
  return isShort(plan) ? 128 * KIB : MIB
}
