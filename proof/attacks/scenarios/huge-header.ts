import { encodeFrameHeader, Opcode } from 'heartwire/protocol'
import { MIB, type Scenario } from '../scenario.ts'

/** Frames that announce 2^40 bytes, and begin to send them. */
export const hugeHeader: Scenario = {
  name: 'huge-header',
  title: '2,000 frames whose header claims 2^40 bytes, and the first 64 KiB of them',
  mayHold: () => MIB,
  expects: { always: ['1009'] },
  async attack(attack) {
    const maskingKey = Uint8Array.of(1, 2, 3, 4)
    const header = encodeFrameHeader({ opcode: Opcode.Binary, payloadLength: 2 ** 40, maskingKey })
    const bytes = Buffer.concat([header, Buffer.alloc(64 * 1024)])
    await attack.spread(attack.count(2_000, 5), () => {
      attack.dial({ opened: (client) => client.write(bytes) })
      attack.did('frames')
    })
  },
}
