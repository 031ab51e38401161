import type { CloseInfo } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { expect, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

test.each([1, 125, 5_000])(
  'a reset that comes together with %i bytes of a message is told as a reset',
  async (length) => {
    const closes = new Mailbox<CloseInfo>()
    const messages = new Mailbox<unknown>()
    const { port } = await serve({
      message: (_socket, message) => messages.put(message),
      close: (_socket, info) => closes.put(info),
    })
    const peer = await RawPeer.open(port)
    peer.send(Opcode.Text, 'x'.repeat(length))
    peer.stream.resetAndDestroy()
    expect(await closes.next()).toMatchObject({ cause: 'reset', initiator: 'peer', code: 1006, sent: undefined })
    expect(messages.all).toEqual(['x'.repeat(length)])
  },
)
