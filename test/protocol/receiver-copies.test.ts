import { expect, test, vi } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { copyOf } from '../../src/protocol/copy.ts'
import { Receiver, type ReceiverSink } from '../../src/protocol/receiver.ts'
import { FrameMaker, join } from './frames.ts'

vi.mock(import('../../src/protocol/copy.ts'), { spy: true })

test('what is left of a chunk is copied once, however often the receiver is paused in it', () => {
  const received: (string | Uint8Array)[] = []
  const nothing = () => {}
  const sink: ReceiverSink = {
    onText(text) {
      received.push(text)
      receiver.pause()
    },
    onBinary: nothing,
    onPiece: nothing,
    onPing: nothing,
    onPong: nothing,
    onClose: nothing,
    onViolation: nothing,
  }
  const receiver: Receiver = new Receiver(
    { side: 'server', platform: nodePlatform, maxPayload: 100, maxFragments: 10, text: 'string' },
    sink,
  )
  const peer = new FrameMaker('client')
  const messages = Array.from({ length: 100 }, (_, index) => String(index))
  receiver.receive(join(...messages.map((message) => peer.text(message))))
  while (receiver.holds) receiver.resume()
  expect(received).toEqual(messages)
  expect(vi.mocked(copyOf)).toHaveBeenCalledTimes(1)
})
