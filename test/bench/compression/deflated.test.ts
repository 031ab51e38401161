// What the load sends, taken for what comes back: the one has to be what the other reads.
import { describe, expect, test } from 'vitest'
import type { Agreement } from '../../../bench/compression/load/agreement.ts'
import { Answers } from '../../../bench/compression/load/answers.ts'
import { frames } from '../../../bench/compression/load/deflated.ts'
import { take } from '../../../bench/compression/load/prepared.ts'

const TAKEOVER: Agreement = { clientTakeover: true, serverTakeover: true, clientWindowBits: 15 }
const SHARED: Agreement = { ...TAKEOVER, clientTakeover: false, serverTakeover: false }

const sent = take(200, 1, 0, 30)

/** The payload of a masked frame, whether it is compressed, and its first byte without that bit. */
function open(frame: Buffer): { first: number; compressed: boolean; payload: Buffer } {
  const first = frame.readUInt8(0)
  const start = (frame.readUInt8(1) & 0x7f) === 126 ? 4 : 2
  const key = frame.subarray(start, start + 4)
  const payload = Buffer.from(frame.subarray(start + 4)).map((byte, i) => byte ^ (key[i & 3] as number))
  return { first: first & ~0x40, compressed: (first & 0x40) !== 0, payload: Buffer.from(payload) }
}

async function echoed(agreement: Agreement | undefined): Promise<Answers> {
  const answers = new Answers()
  for (const frame of await frames(sent, agreement)) {
    const { first, compressed, payload } = open(frame)
    expect(first).toBe(0x81)
    answers.begin(compressed)
    answers.piece(payload.subarray(0, 10))
    answers.piece(payload.subarray(10))
  }
  return answers
}

describe.each([
  ['takeover', TAKEOVER],
  ['a window of 512 bytes', { ...TAKEOVER, clientWindowBits: 9 }],
  ['no takeover', SHARED],
  ['no extension', undefined],
])('%s', (_, agreement) => {
  test('every message is there', async () => {
    const answers = await echoed(agreement)
    expect(answers.check(sent, sent.length, agreement)).toBe(sent.length)
    // The end of a run cuts the last answer off.
    expect(answers.check(sent, sent.length - 1, agreement)).toBe(sent.length - 1)
  })

  test('one letter that differs is found', async () => {
    const wrong = sent.with(20, (sent[20] as string).replace('"', "'"))
    const answers = await echoed(agreement)
    expect(() => answers.check(wrong, wrong.length, agreement)).toThrow(
      'answer 21 of a connection is not what was sent',
    )
  })
})

test('messages with a context are shorter, and cannot be read without it', async () => {
  const size = async (agreement: Agreement) => Buffer.concat(await frames(sent, agreement)).length
  expect(await size(TAKEOVER)).toBeLessThan(0.7 * (await size(SHARED)))
  const answers = await echoed(TAKEOVER)
  expect(() => answers.check(sent, sent.length, SHARED)).toThrow(/cannot be inflated|is not what was sent/)
})

test('a compressed answer without an extension', async () => {
  const answers = await echoed(SHARED)
  expect(() => answers.check(sent, sent.length, undefined)).toThrow(
    new Error('the server sent a compressed message without an extension'),
  )
})

test('an answer that is not compressed among those that are', async () => {
  const answers = new Answers()
  const texts = ['one', 'two', 'three']
  const [first, , last] = await frames([texts[0] as string, '', texts[2] as string], TAKEOVER)
  for (const frame of [first, undefined, last]) {
    const message = frame && open(frame)
    answers.begin(message !== undefined)
    answers.piece(message?.payload ?? Buffer.from('two'))
  }
  expect(answers.check(texts, 3, TAKEOVER)).toBe(3)
})
