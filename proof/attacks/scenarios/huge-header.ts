import { encodeFrameHeader, Opcode } from 'heartwire/protocol'
import { MIB, type Plan, type Scenario, scaled, written } from '../scenario.ts'

const frames = (plan: Plan) => scaled(plan, 2_000, 5)

/** Frames that announce 2^40 bytes, and begin to send them. */
export const hugeHeader: Scenario = {
  name: 'huge-header',
  title: (plan) => `${written(frames(plan))} frames whose header claims 2^40 bytes, and the first 64 KiB of them`,
  mayHold: () => MIB,
  expects: { always: ['1009'] },
  async attack(attack) {
    const maskingKey = Uint8Array.of(1, 2, 3, 4)
    const header = encodeFrameHeader({ opcode: Opcode.Binary, payloadLength: 2 ** 40, maskingKey })
    const bytes = Buffer.concat([header, Buffer.alloc(64 * 1024)])
    await attack.spread(frames(attack.plan), () => {
      attack.dial({ opened: (client) => client.write(bytes) })
      attack.did('frames')
    })
  },
}
