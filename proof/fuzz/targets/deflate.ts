import { constants, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { deflateCodec } from '../../../src/compression/codec.ts'
import { Engine } from '../../../src/compression/engine.ts'
import { findZlib } from '../../../src/compression/raw-zlib.ts'
import { type CompressionSettings, NO_COMPRESSION } from '../../../src/compression/settings.ts'
import { nodePlatform } from '../../../src/platform/node.ts'
import { encodeFrame } from '../../../src/protocol/frame.ts'
import type { MessageDecoder } from '../../../src/protocol/message-codec.ts'
import { Receiver } from '../../../src/protocol/receiver.ts'
import { must, mustEqual, type Target, words } from '../target.ts'
import { Events } from './events.ts'
import { chunksOf, Input } from './input.ts'
import { text } from './structures.ts'

/** Up to what is inflated at once, so that most of it is. */
const MAX_PAYLOADS = [262_144, 65_536, 16_385, 16_384, 1_000, 126, 1, 0]
const RATIOS = [Number.POSITIVE_INFINITY, 100, 7.5, 1]

/** Shared by all connections of a process, so by all that there are here: what one brings about must not show in another. */
const kept = new Engine(findZlib())
const publicly = new Engine(undefined)
const SAMPLE = 'A message of another connection, which is none of its business. '.repeat(5)
const sample = compressed(Buffer.from(SAMPLE))

/** What is the same in all the ways to read a stream. */
interface Setting {
  side: 'server' | 'client'
  takeover: boolean
  windowBits: number
  maxPayload: number
  maxRatio: number
}

/** Ways to read that must not change what is told. */
interface Manner {
  engine: Engine
  /** Seeds the sizes of the chunks; 0 for one. */
  chunks: number
  text: 'string' | 'bytes'
  inPieces: boolean
  watched: boolean
  /** Pauses at every second event, and goes on later. */
  pauses: boolean
  /** Whether the thread pool does everything. */
  pooled: boolean
}

/** Compressed messages: a byte for the side and the manner, one for the limits, one for the chunks; the stream after them. */
export const deflate: Target = {
  name: 'deflate',
  about: 'messages that are compressed, whatever their data',
  dictionary: words(
    '\xc1\x80',
    '\xc2\x00',
    '\x41\x80',
    '\x00\x00\xff\xff',
    '\xf2\x48\xcd\xc9\xc9\x07\x00',
    '\xf2\x00\x11\x00\x00',
    '\x03\x00',
    '\x01\x00\x00\xff\xff',
  ),
  maxLength: 1_024,
  structures: fc.tuple(fc.nat(255), fc.nat(31), fc.nat(255)).chain(([manner, limits, chunks]) =>
    // Bit 0 of the manner is the side that reads.
    compressedStream((manner & 1) === 0).map((stream) => Uint8Array.from([manner, limits, chunks, ...stream])),
  ),

  async run(bytes) {
    const input = new Input(bytes)
    const flags = input.byte()
    const limits = input.byte()
    const setting: Setting = {
      side: (flags & 1) === 0 ? 'server' : 'client',
      takeover: (flags & 2) === 0,
      windowBits: (flags & 4) === 0 ? 15 : 9,
      maxPayload: MAX_PAYLOADS[limits & 7]!,
      maxRatio: RATIOS[(limits >> 3) & 3]!,
    }
    const chunks = input.byte()
    const stream = input.rest()
    const plain: Manner = {
      engine: kept,
      chunks: 0,
      text: 'string',
      inPieces: false,
      watched: false,
      pauses: false,
      pooled: false,
    }
    const whole = await read(stream, setting, plain)
    const { lines } = whole
    const same = async (how: string, manner: Partial<Manner>) =>
      mustEqual(how, (await read(stream, setting, { ...plain, ...manner })).lines, lines)
    const alike = async (how: string, manner: Partial<Manner>) =>
      mustEqual(how, (await read(stream, setting, { ...plain, ...manner })).lines.map(vaguely), lines.map(vaguely))
    await same('in chunks', { chunks: chunks + 2 })
    await alike('by public functions', { engine: publicly })
    await same('in another manner', {
      chunks: chunks + 3,
      text: 'bytes',
      inPieces: (flags & 8) !== 0,
      watched: (flags & 16) !== 0,
      pauses: (flags & 32) !== 0,
    })
    // It takes a hundred times as long.
    if ((flags & 0xc0) === 0) await alike('in the thread pool', { pooled: true, pauses: (flags & 32) !== 0 })
    return whole.kinds
  },
}

/** Of data that is both too much and corrupt, either is true: it depends on how much zlib makes at a time. */
function vaguely(line: string): string {
  return line.replace(/INVALID_COMPRESSED_DATA|MESSAGE_TOO_LARGE|COMPRESSION_RATIO/, 'CANNOT_BE_DECODED')
}

async function read(stream: Uint8Array, setting: Setting, manner: Manner): Promise<Events> {
  const { side, maxPayload } = setting
  const { engine } = manner
  const { decoder: own } = deflateCodec(settingsOf(setting), agreedOn(setting), side, engine)
  let pending: Promise<void> | undefined
  const decoder: MessageDecoder = {
    reservedBit: own.reservedBit,
    encodedLimit: (most) => own.encodedLimit(most),
    decode: (encoded, most) => (manner.pooled && encoded.length > 0 ? undefined : own.decode(encoded, most)),
    decodeLater(encoded, most, done) {
      let settle = () => {}
      pending = new Promise((resolve) => {
        settle = resolve
      })
      return own.decodeLater(encoded, most, (decoded) => {
        done(decoded)
        settle()
      })
    },
  }
  const most = decoder.encodedLimit(maxPayload)
  const platform = {
    ...nodePlatform,
    allocate(length: number) {
      must(length <= Math.max(most, 125), () => `${length} bytes were allocated, where at most ${most} may be needed`)
      return nodePlatform.allocate(length)
    },
  }
  const events = new Events()
  const { text } = manner
  const reader = new Receiver({ side, platform, maxPayload, maxFragments: 16, text, decoder }, events)
  reader.inPieces = manner.inPieces
  if (manner.watched) reader.frameListener = () => {}
  let turn = 0
  if (manner.pauses) {
    events.after = () => {
      if (turn++ % 2 === 0) reader.pause()
    }
  }
  const chunks = manner.chunks === 0 ? [Uint8Array.from(stream)] : chunksOf(stream, manner.chunks)
  for (const chunk of chunks) {
    reader.receive(chunk)
    chunk.fill(0xaa)
    if (turn % 3 === 0) reader.resume()
  }
  while (reader.holds) {
    if (reader.decodes) await pending
    else if (manner.pauses) reader.resume()
    else must(!reader.holds, 'a message that was decoded is not told')
  }
  const other = deflateCodec(settingsOf(setting), agreedOn(setting), side, engine).decoder.decode(sample, 1_000)
  must(
    other instanceof Uint8Array && Buffer.from(other).toString() === SAMPLE,
    'another connection is the worse for it',
  )
  return events
}

function settingsOf({ takeover, maxRatio }: Setting): CompressionSettings {
  return { ...NO_COMPRESSION, mode: takeover ? 'takeover' : 'shared', maxRatio }
}

function agreedOn({ takeover, windowBits }: Setting) {
  return {
    serverNoContextTakeover: !takeover,
    clientNoContextTakeover: !takeover,
    serverMaxWindowBits: windowBits,
    clientMaxWindowBits: windowBits,
  }
}

/** As a sender makes it, with what came before as its dictionary. */
function compressed(data: Uint8Array, options: object = {}): Uint8Array {
  const all = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options })
  return all.subarray(0, all.length - 4)
}

const data = fc.oneof(
  { weight: 6, arbitrary: text.map((one) => Buffer.from(one)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom(999, 1_000, 1_001, 16_384, 16_385, 70_000).map((n) => Buffer.alloc(n, 'a')) },
)
const message = fc.record({
  opcode: fc.constantFrom(1, 2),
  data,
  how: fc.constantFrom('takeover', 'takeover', 'alone', 'stored', 'final', 'twice', 'as it is', 'empty'),
  cuts: fc.array(fc.nat(40), { maxLength: 3 }),
  ping: fc.boolean(),
  /** A byte that is changed, if any. */
  spot: fc.option(fc.tuple(fc.nat(300), fc.nat(255)), { freq: 3 }),
})

/** Frames of messages that are compressed in all ways there are; some of them are wrong. */
function compressedStream(masked: boolean): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.array(message, { maxLength: 5 }), fc.uint8Array({ maxLength: 6 })).map(([messages, rest]) => {
    const maskingKey = masked ? Uint8Array.of(0x37, 0xfa, 0x21, 0x3d) : undefined
    let window = Buffer.alloc(0)
    const frames: Uint8Array[] = []
    for (const { opcode, data, how, cuts, ping, spot } of messages) {
      const dictionary = window.length === 0 ? {} : { dictionary: window }
      const payload = Uint8Array.from(payloadOf(how, data, dictionary))
      if (how !== 'as it is') window = Buffer.concat([window, data]).subarray(-32_768)
      if (spot && payload.length > 0) payload[spot[0] % payload.length] = spot[1]
      const ends = [...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length]
      for (const [i, end] of ends.entries()) {
        const part = payload.subarray(i === 0 ? 0 : ends[i - 1], end)
        const fin = i === ends.length - 1
        frames.push(
          encodeFrame({
            opcode: i === 0 ? opcode : 0,
            fin,
            rsv1: i === 0 && how !== 'as it is',
            payload: part,
            maskingKey,
          }),
        )
        if (ping && !fin) frames.push(encodeFrame({ opcode: 9, payload: Uint8Array.of(i), maskingKey }))
      }
    }
    return new Uint8Array(Buffer.concat([...frames, rest]))
  })
}

function payloadOf(how: string, data: Uint8Array, dictionary: object): Uint8Array {
  const half = data.length >> 1
  switch (how) {
    case 'takeover':
      return compressed(data, dictionary)
    case 'stored':
      return compressed(data, { level: 0 })
    case 'final':
      return Buffer.concat([deflateRawSync(data, dictionary), Buffer.of(0)])
    case 'twice':
      return Buffer.concat([deflateRawSync(data.subarray(0, half)), compressed(data.subarray(half))])
    case 'as it is':
      return data
    case 'empty':
      return new Uint8Array(0)
    default:
      return compressed(data)
  }
}
