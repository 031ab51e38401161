import { Opcode } from 'heartwire/protocol'
import { frame, repeat } from '../frames.ts'
import type { RawClient } from '../raw-client.ts'
import { KIB, type Scenario } from '../scenario.ts'

const CONNECTIONS = 20
const PINGS = 2_000

/** Pings of the greatest size, from connections of which every second one does not read the answers. */
export const pingFlood: Scenario = {
  name: 'ping-flood',
  title: 'a million pings of 125 bytes; every second attacker reads no answers',
  // What the kernel has not taken, and 64 answers.
  mayHold: () => CONNECTIONS * 256 * KIB,
  expects: { always: ['open'] },
  async attack(attack) {
    const pings = repeat(frame(Opcode.Ping, Buffer.alloc(125, 'p')), PINGS)
    const clients: (RawClient | undefined)[] = []
    await attack.spread(attack.count(500, CONNECTIONS), (i) => {
      const slot = i % CONNECTIONS
      const client = clients[slot]
      if (client === undefined || client.over) {
        clients[slot] = attack.dial({
          opened(opened) {
            if (slot % 2 === 1) opened.pause()
            opened.write(pings)
          },
        })
      } else {
        client.write(pings)
      }
      attack.did('pings', PINGS)
    })
    for (const client of clients) client?.resume()
  },
}
