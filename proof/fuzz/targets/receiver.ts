import fc from 'fast-check'
import { nodePlatform } from '../../../src/platform/node.ts'
import type { Side } from '../../../src/protocol/error.ts'
import { portablePlatform } from '../../../src/protocol/portable.ts'
import { Receiver } from '../../../src/protocol/receiver.ts'
import { mustEqual, type Target, words } from '../target.ts'
import { type Limits, readByFrames } from './by-frames.ts'
import { compareWithWs } from './by-ws.ts'
import { Events } from './events.ts'
import { chunksOf, Input } from './input.ts'
import { MemoryWatch, mustHoldNothing } from './memory.ts'
import { frameStream } from './structures.ts'

const MAX_PAYLOADS = [1_048_576, 100_000, 65_536, 65_535, 4_096, 126, 125, 1]
const MAX_FRAGMENTS = [1_000, 16, 3, 1]

/** Ways to read that must not change what is told. */
interface Manner {
  /** Seeds the sizes of the chunks; 0 for one, 1 for single bytes. */
  chunks: number
  text: 'string' | 'bytes'
  portable: boolean
  inPieces: boolean
  watched: boolean
  /** Pauses at every second event, and goes on later. */
  pauses: boolean
}

/**
 * The receiver: a byte for the side and the manner, one for the limits, one for the chunks; the stream after them.
 */
export const receiver: Target = {
  name: 'receiver',
  about: 'frames and messages of both sides, in any chunks and under any limit',
  dictionary: words('\x81\x80', '\x82\xfe', '\x88\x82', '\x89\x00', '\x8a\x7d', '\x01\x80', '\x00\x80', '\x80\x00'),
  maxLength: 1_024,
  structures: fc.tuple(fc.nat(255), fc.nat(31), fc.nat(255)).chain(([manner, limits, chunks]) =>
    // Bit 0 of the manner is the side that reads.
    frameStream((manner & 1) === 0).map((stream) => Uint8Array.from([manner, limits, chunks, ...stream])),
  ),

  run(bytes) {
    const input = new Input(bytes)
    const flags = input.byte()
    const side = (flags & 1) === 0 ? 'server' : 'client'
    const limit = input.byte()
    const limits = { maxPayload: MAX_PAYLOADS[limit & 7]!, maxFragments: MAX_FRAGMENTS[(limit >> 3) & 3]! }
    const chunks = input.byte()
    const stream = input.rest()
    const manner: Manner = {
      chunks: 0,
      text: (flags & 2) === 0 ? 'string' : 'bytes',
      portable: (flags & 4) !== 0,
      inPieces: false,
      watched: false,
      pauses: false,
    }
    const whole = read(stream, side, limits, manner)
    const { lines } = whole
    mustEqual('byte by byte', read(stream, side, limits, { ...manner, chunks: 1 }).lines, lines)
    mustEqual('in chunks', read(stream, side, limits, { ...manner, chunks: chunks + 2 }).lines, lines)
    const other: Manner = {
      chunks: chunks + 3,
      text: manner.text === 'string' ? 'bytes' : 'string',
      portable: !manner.portable,
      inPieces: (flags & 8) !== 0,
      watched: (flags & 16) !== 0,
      pauses: (flags & 32) !== 0,
    }
    mustEqual('in another manner', read(stream, side, limits, other).lines, lines)
    mustEqual('by frames', readByFrames(stream, side, limits), lines.map(withoutByte))
    compareWithWs(stream, side, limits, lines)
    return whole.kinds
  },
}

function withoutByte(line: string): string {
  return line.startsWith('violation') ? line.replace(/ byte \d+$/, '') : line
}

function read(stream: Uint8Array, side: Side, limits: Limits, manner: Manner): Events {
  const events = new Events()
  const watch = new MemoryWatch(manner.portable ? portablePlatform : nodePlatform, limits.maxPayload)
  const reader = new Receiver({ side, platform: watch.platform, ...limits, text: manner.text }, events)
  reader.inPieces = manner.inPieces
  if (manner.watched) reader.frameListener = () => {}
  let turn = 0
  if (manner.pauses) {
    events.after = () => {
      if (turn++ % 2 === 0) reader.pause()
    }
  }
  for (const chunk of cut(stream, manner.chunks)) {
    watch.arrived += chunk.length
    reader.receive(chunk)
    watch.check(reader)
    // The chunk is the receiver's only until it returns.
    chunk.fill(0xaa)
    if (turn % 3 === 0) reader.resume()
  }
  while (manner.pauses && reader.holds) reader.resume()
  if (/^(close|violation)/.test(events.lines.at(-1) ?? '')) mustHoldNothing(reader)
  return events
}

function cut(stream: Uint8Array, chunks: number): Iterable<Uint8Array> {
  if (chunks === 0) return [Uint8Array.from(stream)]
  return chunks === 1 ? Array.from(stream, (byte) => Uint8Array.of(byte)) : chunksOf(stream, chunks)
}
