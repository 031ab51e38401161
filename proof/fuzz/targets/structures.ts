import fc from 'fast-check'
import { encodeFrame } from '../../../src/protocol/frame.ts'

/** Texts with characters of every length in UTF-8, and lone surrogates. */
export const text = fc.oneof(
  // Not by fc.string, which takes seconds to make itself ready for all of Unicode.
  {
    weight: 4,
    arbitrary: fc.array(fc.nat(0x10_ffff), { maxLength: 40 }).map((points) => String.fromCodePoint(...points)),
  },
  fc.array(fc.nat(127), { maxLength: 150 }).map((points) => String.fromCodePoint(...points)),
  fc.tuple(fc.constantFrom('a', 'ä', '€', '😀', '\ud800'), fc.nat(150)).map(([one, times]) => one.repeat(times)),
)

const payload = fc.oneof(
  { weight: 200, arbitrary: text.map((one) => new Uint8Array(Buffer.from(one))) },
  { weight: 200, arbitrary: fc.uint8Array({ maxLength: 130 }) },
  { weight: 40, arbitrary: fc.constantFrom(125, 126, 127, 300, 4_096, 4_097).map((length) => new Uint8Array(length)) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 70_000).map((length) => new Uint8Array(length).fill(0x61)) },
)

const closePayload = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc
    .tuple(fc.oneof(fc.constantFrom(1000, 1001, 1005, 1006, 1011, 3000, 4999), fc.nat(5_100)), text)
    .map(([code, why]) => {
      return Uint8Array.from([code >> 8, code & 255, ...Buffer.from(why).subarray(0, 123)])
    }),
  fc.uint8Array({ maxLength: 130 }),
)

const KEYS = [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)]

/** Frames that are right in themselves, in an order that may be wrong; a few bytes may have been changed, or more come. */
export function frameStream(masked: boolean): fc.Arbitrary<Uint8Array> {
  const key = masked ? fc.constantFrom(...KEYS) : fc.constant(undefined)
  const data = fc.tuple(fc.constantFrom(1, 2), fc.array(payload, { minLength: 1, maxLength: 4 }), key)
  const message = data.map(([opcode, parts, maskingKey]) =>
    parts.map((part, i) =>
      encodeFrame({ opcode: i === 0 ? opcode : 0, fin: i === parts.length - 1, payload: part, maskingKey }),
    ),
  )
  const control = fc
    .tuple(fc.constantFrom(9, 10), fc.uint8Array({ maxLength: 125 }), key)
    .map(([opcode, payload, maskingKey]) => [encodeFrame({ opcode, payload, maskingKey })])
  const close = fc
    .tuple(closePayload, key)
    .map(([payload, maskingKey]) => [encodeFrame({ opcode: 8, payload, maskingKey })])
  const any = fc
    .record({
      fin: fc.boolean(),
      rsv1: rarely,
      rsv2: rarely,
      rsv3: rarely,
      opcode: fc.nat(15),
      payload,
      maskingKey: key,
    })
    .map((frame) => [encodeFrame(frame)])
  const frames = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: message },
      { weight: 4, arbitrary: control },
      { weight: 1, arbitrary: close },
      { weight: 1, arbitrary: any },
    ),
    { maxLength: 5 },
  )
  return fc
    .tuple(frames, changes, fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 20 })))
    .map(([list, spots, rest]) => {
      const stream = new Uint8Array(Buffer.concat([...list.flat(), rest]))
      for (const { at, byte } of spots) stream[Math.floor(at * stream.length)] = byte
      return stream
    })
}

const rarely = fc.nat(9).map((n) => n === 0)
const spot = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), byte: fc.nat(255) })
/** Mostly none. */
const changes = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(spot, { maxLength: 3 }))
