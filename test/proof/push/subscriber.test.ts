import { encodeFrame } from 'heartwire/protocol'
import { expect, test } from 'vitest'
import { encodePush } from '../../../proof/push/protocol.ts'
import { Reader } from '../../../proof/push/subscriber.ts'

const frame = (topic: number, number: number, size = 64) =>
  Buffer.from(encodeFrame({ opcode: 2, payload: encodePush(topic, number, number * 1.5, size) }))

function read(...chunks: Buffer[]): { due: number[]; wrong: number; answers: string[] } {
  const seen = { due: [] as number[], wrong: 0, answers: [] as string[] }
  const inbox = { message: (due: number) => seen.due.push(due), wrong: () => seen.wrong++, dead() {} }
  const reader = new Reader(3, inbox, (pong) => seen.answers.push(pong.toString('hex')))
  for (const chunk of chunks) reader.read(chunk)
  return seen
}

test.each([
  [1, 200],
  [3, 200],
  [66, 200],
  [1000, 70_000],
  [100_000, 70_000],
])('finds every message in chunks of %i bytes, one of them of %i bytes', (size, long) => {
  const bytes = Buffer.concat([frame(3, 1), frame(3, 2, 126), frame(3, 3, long), frame(3, 4, 16)])
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  expect(read(...chunks)).toEqual({ due: [1.5, 3, 4.5, 6], wrong: 0, answers: [] })
})

test('notices a gap, a message that comes twice, and one of another topic', () => {
  expect(read(frame(3, 1), frame(3, 3)).wrong).toBe(1)
  expect(read(frame(3, 1), frame(3, 1)).wrong).toBe(1)
  expect(read(frame(4, 1)).wrong).toBe(1)
})

test('answers a ping, masked, and takes nothing else', () => {
  const ping = Buffer.from('890161', 'hex')
  // The mask is 37 fa 21 3d, and 0x61 ^ 0x37 is 0x56.
  expect(read(ping, frame(3, 1))).toEqual({ due: [1.5], wrong: 0, answers: ['8a8137fa213d56'] })
  expect(read(Buffer.from('880203e8', 'hex')).wrong).toBe(1)
})
