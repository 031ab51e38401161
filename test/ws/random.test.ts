/** Frames at random, right and wrong, in random pieces: the receivers of both packages have to tell the same. */
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { encodeFrame } from 'heartwire/protocol'
import * as ours from 'heartwire/ws'
import { expect, it } from 'vitest'

const theirs = createRequire(import.meta.url)('ws') as typeof ours

const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((string) => Buffer.from(string)),
  // Cut off, it may end within a character.
  fc.tuple(fc.string({ unit: 'binary' }), fc.nat(3)).map(([string, cut]) => Buffer.from(string).subarray(cut)),
  fc.uint8Array({ maxLength: 200 }),
  fc.constant(Buffer.alloc(1001, 'x')),
)
const close = fc
  .tuple(fc.constantFrom(1000, 1001, 1005, 999, 1015, 3000, 5000), text)
  .map(([code, reason]) => Buffer.concat([Buffer.from([code >> 8, code & 255]), reason]))
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))

const frame = fc
  .record({
    opcode: fc.constantFrom(0, 0, 1, 1, 2, 2, 8, 9, 10, 3, 11),
    fin: fc.boolean(),
    rsv1: often(false, true),
    rsv2: often(false, true),
    maskingKey: often(Uint8Array.of(1, 2, 3, 4), undefined),
    payload: text,
    closePayload: close,
  })
  .map(({ closePayload, opcode, fin, ...fields }) =>
    Buffer.from(
      encodeFrame({
        ...fields,
        opcode,
        fin: fin || opcode >= 8,
        payload: opcode === 8 ? closePayload : fields.payload,
      }),
    ),
  )

const stream = fc.tuple(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 60 })))

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return [...pieces, bytes.subarray(at)].filter((piece) => piece.length > 0)
}

async function told({ Receiver }: typeof ours, pieces: readonly Buffer[]): Promise<unknown[]> {
  const receiver = new Receiver({ isServer: true, maxPayload: 1000, maxFragments: 4 })
  const events: unknown[] = []
  for (const event of ['message', 'ping', 'pong', 'conclude']) {
    receiver.on(event, (...args: unknown[]) => events.push([event, ...args]))
  }
  receiver.on('error', ({ name, code, message }: NodeJS.ErrnoException) => events.push(['error', name, code, message]))
  for (const piece of pieces) if (!receiver.destroyed && !receiver.writableEnded) receiver.write(Buffer.from(piece))
  await new Promise((resolve) => setImmediate(resolve))
  return events
}

it('random frames are received alike', async () => {
  await fc.assert(
    fc.asyncProperty(stream, async ([frames, sizes]) => {
      const pieces = cut(Buffer.concat(frames), sizes)
      const [own, expected] = [await told(ours, pieces), await told(theirs, pieces)]
      const [last] = own.slice(-1) as string[][]
      // What cannot be UTF-8 is failed before its message has ended, whatever would follow.
      if (last?.[2] === 'WS_ERR_INVALID_UTF8') expect(own.slice(0, -1)).toEqual(expected.slice(0, own.length - 1))
      else expect(own).toEqual(expected)
    }),
    { numRuns: 1000 },
  )
})
