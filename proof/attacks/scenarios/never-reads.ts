import { KIB, MIB, type Plan, type Scenario, written } from '../scenario.ts'

const READERS = 20

/** Subscribers that read nothing, of what is published to everyone else as well. */
export const neverReads: Scenario = {
  name: 'never-reads',
  title(plan) {
    const { perSecond, size } = news(plan)
    return `${READERS} subscribers that never read, while ${written(perSecond)} messages of ${Math.round(size / KIB)} KiB a second are published`
  },
  forStrangers: (plan) => ({ maxBuffered: maxBuffered(plan) }),
  news,
  // A published message is held once for all who wait for it.
  mayHold: (plan) => READERS * maxBuffered(plan),
  expects: { always: ['1013'] },
  isEnough: ({ connections, closed }) => connections.closing + (closed.byCause['slow-consumer'] ?? 0) >= READERS,
  async attack(attack) {
    const deaf = () => attack.dial({ path: '/news', opened: (client) => client.pause() })
    const clients = Array.from({ length: READERS }, deaf)
    await attack.enough()
    await attack.answered(clients)
    // Only to see what they were told.
    for (const client of clients) client.resume()
  },
}

/** The kernel alone takes 4 MiB for each reader. In a short run that has to come in fewer and larger messages. */
function news(plan: Plan): { perSecond: number; size: number } {
  return isShort(plan)
    ? { perSecond: 100, size: Math.ceil((128 * KIB) / plan.seconds) }
    : { perSecond: 1_000, size: KIB }
}

function isShort({ seconds }: Plan): boolean {
  return seconds < 10
}

function maxBuffered(plan: Plan): number {
  return isShort(plan) ? 128 * KIB : MIB
}
