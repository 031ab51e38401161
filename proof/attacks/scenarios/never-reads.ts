import { KIB, MIB, type Scenario } from '../scenario.ts'

const READERS = 20
const MAX_BUFFERED = MIB

/** Subscribers that read nothing, of what is published to everyone else as well. */
export const neverReads: Scenario = {
  name: 'never-reads',
  title: '20 subscribers that never read, while 1,000 messages of 1 KiB a second are published',
  forStrangers: () => ({ maxBuffered: MAX_BUFFERED }),
  // In a short run there has to be as much in less time.
  news: ({ seconds }) => ({ perSecond: 1_000, size: seconds < 10 ? Math.ceil(10 / seconds) * KIB : KIB }),
  // A published message is held once for all who wait for it.
  mayHold: () => READERS * MAX_BUFFERED,
  expects: { always: ['1013'] },
  async attack(attack) {
    const clients = Array.from({ length: READERS }, () => {
      attack.did('readers')
      return attack.dial({ path: '/news', opened: (client) => client.pause() })
    })
    await attack.untilOver()
    // Only to see what they were told.
    for (const client of clients) client.resume()
  },
}
