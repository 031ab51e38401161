import { constants, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MOST_AT_ONCE } from '../../src/compression/inflate.ts'
import { nodePlatform } from '../../src/platform/node.ts'
import { HeartwireError } from '../../src/protocol/error.ts'
import type { DecodeFailure, MessageDecoder, MessageEncoder } from '../../src/protocol/message-codec.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { PreparedMessage, prepareMessage } from '../../src/protocol/prepared.ts'
import type { Sendable } from '../../src/protocol/send-queue.ts'
import { largestDistance } from '../protocol/deflate-distance.ts'
import { hex } from '../protocol/frames.ts'
import { ENGINES } from './engines.ts'
import { json, mixed, noise } from './messages.ts'
import { ALONE, codecOf, TAKEOVER } from './parameters.ts'
import { ZlibPeer } from './zlib-peer.ts'

const MAX = 1024 * 1024

/** Encodes as a sender does: at once, or later where that takes long. */
function encode(encoder: MessageEncoder, message: Sendable): Promise<Uint8Array | undefined> {
  if (!encoder.isLong(message)) return Promise.resolve(encoder.encode(message)?.slice())
  return new Promise((resolve) => encoder.encodeLater(message, resolve))
}

/** Decodes as a receiver does. */
async function decode(decoder: MessageDecoder, encoded: Uint8Array, max = MAX): Promise<Uint8Array | DecodeFailure> {
  const decoded = decoder.decode(encoded, max) ?? (await later(decoder, encoded, max))
  return decoded instanceof Uint8Array ? Buffer.from(decoded) : decoded
}

function later(decoder: MessageDecoder, encoded: Uint8Array, max: number): Promise<Uint8Array | DecodeFailure> {
  return new Promise((resolve) => decoder.decodeLater(encoded, max, resolve))
}

/** `toEqual` takes seconds for what is long. */
function expectSame(actual: Uint8Array | DecodeFailure | undefined, expected: string | Uint8Array): void {
  if (!(actual instanceof Uint8Array)) return expect(actual).toBeInstanceOf(Uint8Array)
  expect(Buffer.from(actual).equals(Buffer.from(expected)) || Buffer.from(actual)).toBe(true)
}

function bytesOf(message: string | Uint8Array): Buffer {
  return Buffer.from(message)
}

/** As a sender makes it: without the last 4 bytes of a flush. */
function deflated(data: string | Uint8Array, options = {}): Uint8Array {
  const all = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options })
  return all.subarray(0, all.length - 4)
}

/** Both ways to decode: at once, and in the thread pool. */
const WAYS: [name: string, decode: typeof later][] = [
  ['at once', async (decoder, encoded, max) => decoder.decode(encoded, max) ?? expect.unreachable('not at once')],
  ['in the thread pool', later],
]

describe.each(ENGINES)('by %s', (_, engine) => {
  describe('the examples of RFC 7692 section 7.2.3', () => {
    test('7.2.3.1: Hello in one block', () => {
      const compressed = engine.deflate(15, 4).compress(Buffer.from('Hello'), undefined)
      expect(Buffer.from(compressed!)).toEqual(Buffer.from('f248cdc9c90700', 'hex'))
    })

    test('7.2.3.2: Hello once more, which refers to the first', () => {
      const compressed = engine.deflate(15, 4).compress(Buffer.from('Hello'), Buffer.from('Hello'))
      expect(Buffer.from(compressed!)).toEqual(Buffer.from('f200110000', 'hex'))
    })

    test('both in the thread pool as well', async () => {
      const deflate = engine.deflate(15, 4)
      const hello = Buffer.from('Hello')
      const later = (history: Uint8Array | undefined) =>
        new Promise<Uint8Array | undefined>((resolve) => deflate.compressLater(hello, history, resolve))
      expect(Buffer.from((await later(undefined))!)).toEqual(Buffer.from('f248cdc9c90700', 'hex'))
      expect(Buffer.from((await later(hello))!)).toEqual(Buffer.from('f200110000', 'hex'))
    })

    test('7.2.3.6: an empty message', () => {
      expect(Buffer.from(engine.deflate(15, 4).compress(Buffer.alloc(0), undefined)!)).toEqual(Buffer.from([0]))
    })

    test('an empty message without its block: zlib makes none behind a flush, and peers send it so', () => {
      expect(codecOf(engine).decoder.decode(new Uint8Array(0), 0)).toHaveLength(0)
    })

    describe.each(WAYS)('read %s', (_, read) => {
      test.each([
        ['7.2.3.1: one block', 'f2 48 cd c9 c9 07 00', 'Hello'],
        ['7.2.3.3: a block without compression', '00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
        ['7.2.3.4: a block with BFINAL', 'f3 48 cd c9 c9 07 00 00', 'Hello'],
        ['7.2.3.5: two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello'],
        ['7.2.3.6: an empty message', '00', ''],
        ['a block with BFINAL, and nothing behind it', 'f3 48 cd c9 c9 07 00', 'Hello'],
      ])('%s', async (_, bytes, text) => {
        const { decoder } = codecOf(engine)
        expect(Buffer.from((await read(decoder, hex(bytes), MAX)) as Uint8Array).toString()).toBe(text)
        // The window goes on behind it (section 7.2.3.2), be the block final or not.
        if (text === '') return
        const again = await read(decoder, hex('f2 00 11 00 00'), MAX)
        expect(Buffer.from(again as Uint8Array).toString()).toBe(text)
      })

      test('behind a final block, in one message', async () => {
        const { decoder } = codecOf(engine)
        const both = await read(decoder, hex('f3 48 cd c9 c9 07 00 f2 00 11 00 00'), MAX)
        expect(Buffer.from(both as Uint8Array).toString()).toBe('HelloHello')
      })

      test('what refers to a message before is corrupt without context takeover', async () => {
        const { decoder } = codecOf(engine, { agreed: ALONE })
        expect(Buffer.from((await read(decoder, hex('f2 48 cd c9 c9 07 00'), MAX)) as Uint8Array).toString()).toBe(
          'Hello',
        )
        expect(await read(decoder, hex('f2 00 11 00 00'), MAX)).toEqual({
          code: 'INVALID_COMPRESSED_DATA',
          what: 'sent a message with RSV1 set that is no deflate data: invalid distance too far back',
        })
      })
    })
  })

  describe('a hundred messages of mixed sizes', () => {
    test.each([8, 9, 10, 12, 15])('with context takeover and windows of %i bits', async (bits) => {
      const agreed = { ...TAKEOVER, serverMaxWindowBits: bits, clientMaxWindowBits: bits }
      const peer = new ZlibPeer(bits)
      const { encoder, decoder } = codecOf(engine, { agreed })
      let compressed = 0
      for (const message of mixed(100, bits)) {
        const bytes = bytesOf(message)
        const encoded = await encode(encoder, message)
        if (encoded !== undefined) {
          compressed++
          expectSame(await peer.decompress(encoded), bytes)
        }
        expectSame(await decode(decoder, await peer.compress(bytes)), bytes)
      }
      expect(compressed).toBeGreaterThan(50)
    })

    test('without', async () => {
      const { encoder, decoder } = codecOf(engine, { agreed: ALONE, mode: 'shared' })
      let compressed = 0
      for (const message of mixed(100, 3)) {
        const encoded = await encode(encoder, message)
        if (encoded === undefined) continue
        compressed++
        expectSame(await new ZlibPeer().decompress(encoded), bytesOf(message))
        expectSame(await decode(decoder, encoded), bytesOf(message))
      }
      expect(compressed).toBeGreaterThan(50)
    })
  })

  test('with takeover messages become smaller for those before them, at once and in the thread pool', async () => {
    for (const message of [json(2_000), json(64 * 1024)]) {
      const takeover = codecOf(engine)
      const first = await encode(takeover.encoder, message)
      const second = await encode(takeover.encoder, message)
      expect(second!.length).toBeLessThan(first!.length - 500)
      const shared = codecOf(engine, { mode: 'shared', agreed: ALONE })
      const alone = await encode(shared.encoder, message)
      expect(alone).toEqual(await encode(shared.encoder, message))
    }
  })

  test('a window of 8 bits: no message refers further back than 256 bytes, whatever its size', async () => {
    const { encoder } = codecOf(engine, { agreed: { ...TAKEOVER, serverMaxWindowBits: 8 } })
    const farthest: number[] = []
    for (const size of [200, 200, 300, 2_000, 15_000, 60_000, 200]) {
      farthest.push(largestDistance((await encode(encoder, json(size)))!))
    }
    expect(Math.max(...farthest)).toBeLessThanOrEqual(256)
    // And it does refer to the message before.
    expect(Math.max(...farthest)).toBeGreaterThan(200)
  })

  test('a window of takeover is no further back than its option says, though a larger one was agreed on', async () => {
    const { encoder } = codecOf(engine, { windowBits: 9 })
    const message = Buffer.concat([noise(400), Buffer.alloc(100)])
    await encode(encoder, message)
    expect((await encode(encoder, message))!.length).toBeLessThan(50)
    await encode(encoder, Buffer.alloc(200))
    // Its first half is out of reach now.
    const third = (await encode(encoder, message))!.length
    expect(third).toBeGreaterThan(100)
    expect(third).toBeLessThan(300)
  })

  describe('what is not compressed', () => {
    test.each(['takeover', 'shared'] as const)(
      'is below the threshold, or would not become smaller (%s)',
      async (mode) => {
        const { encoder } = codecOf(engine, { mode, threshold: 100 })
        for (const below of [
          'a'.repeat(99),
          Buffer.alloc(99),
          prepareMessage(nodePlatform, 'a'.repeat(99)),
          'ä'.repeat(49),
        ]) {
          expect(await encode(encoder, below)).toBeUndefined()
        }
        for (const above of [
          'a'.repeat(100),
          Buffer.alloc(100),
          prepareMessage(nodePlatform, 'a'.repeat(100)),
          'ä'.repeat(50),
        ]) {
          expect(await encode(encoder, above)).toBeInstanceOf(Uint8Array)
        }
        for (const size of [1_000, 30_000]) {
          expect(await encode(encoder, noise(size))).toBeUndefined()
          expect(await encode(encoder, prepareMessage(nodePlatform, noise(size)))).toBeUndefined()
        }
      },
    )

    test('though it is long, when the threshold is higher still', async () => {
      const { encoder } = codecOf(engine, { threshold: 50_000 })
      for (const make of [(n: number) => 'a'.repeat(n), (n: number) => Buffer.alloc(n)]) {
        expect(await encode(encoder, make(49_999))).toBeUndefined()
        expect(await encode(encoder, make(50_000))).toBeInstanceOf(Uint8Array)
        expect(await encode(encoder, prepareMessage(nodePlatform, make(49_999)))).toBeUndefined()
        expect(await encode(encoder, prepareMessage(nodePlatform, make(50_000)))).toBeInstanceOf(Uint8Array)
      }
      // A text is as long as its UTF-8.
      expect(await encode(encoder, 'ä'.repeat(24_999))).toBeUndefined()
      expect(await encode(encoder, 'ä'.repeat(25_000))).toBeInstanceOf(Uint8Array)
    })

    test('a message of more than 1 GiB: zlib counts in 32 bits', () => {
      const { encoder } = codecOf(engine)
      // Nothing is written to it, so it takes no memory.
      const all = Buffer.alloc(2 ** 30 + 1)
      expect([encoder.isLong(all.subarray(1)), encoder.isLong(all)]).toEqual([true, false])
      expect(encoder.encode(all)).toBeUndefined()
      const prepared = new PreparedMessage(Opcode.Binary, all)
      expect([encoder.isLong(prepared), encoder.encode(prepared)]).toEqual([false, undefined])
    })

    test('is not a part of the window', async () => {
      const { encoder } = codecOf(engine)
      const peer = new ZlibPeer()
      for (const message of [noise(2_000), json(3_000), noise(40_000), json(3_000, 2), noise(30_000), json(20_000)]) {
        const encoded = await encode(encoder, message)
        if (message instanceof Uint8Array) expect(encoded).toBeUndefined()
        else expectSame(await peer.decompress(encoded!), Buffer.from(message))
      }
    })

    test('an empty message, whatever the threshold', () => {
      const { encoder } = codecOf(engine)
      expect(encoder.encode('')).toBeUndefined()
      expect(encoder.encode(new Uint8Array(0))).toBeUndefined()
    })
  })

  describe('prepared messages', () => {
    test('are compressed once for all with the same window, and each takes them into its own', async () => {
      const deflate = engine.deflate(15, 4)
      const compress = vi.spyOn(deflate, 'compress')
      const compressLater = vi.spyOn(deflate, 'compressLater')
      onTestFinished(() => void vi.restoreAllMocks())
      const peers = Array.from({ length: 5 }, () => ({ codec: codecOf(engine, { level: 4 }), zlib: new ZlibPeer() }))
      for (const size of [300, 3_000, 60_000]) {
        const prepared = prepareMessage(nodePlatform, json(size))
        const all = await Promise.all(peers.map(({ codec }) => encode(codec.encoder, prepared)))
        for (const [i, { zlib }] of peers.entries()) {
          expectSame(await zlib.decompress(all[i]!), Buffer.from(prepared.payload))
        }
      }
      const long = prepareMessage(nodePlatform, json(60_000, 2))
      expect(peers[0]!.codec.encoder.isLong(long)).toBe(true)
      await Promise.all(peers.map(async ({ codec, zlib }) => zlib.decompress((await encode(codec.encoder, long))!)))
      // Once it has been compressed it does not take long any more.
      expect(peers[0]!.codec.encoder.isLong(long)).toBe(false)
      for (const { codec, zlib } of peers) expectSame(await zlib.decompress(codec.encoder.encode(long)!), long.payload)
      expect(compress).toHaveBeenCalledTimes(2)
      expect(compressLater).toHaveBeenCalledTimes(2)
      // What follows refers to them.
      for (const { codec, zlib } of peers) {
        const encoded = await encode(codec.encoder, json(60_000, 2).slice(-500))
        expect(encoded!.length).toBeLessThan(50)
        expectSame(await zlib.decompress(encoded!), Buffer.from(json(60_000, 2).slice(-500)))
      }
    })

    test('are compressed anew for another window or level', async () => {
      const prepared = prepareMessage(nodePlatform, json(3_000))
      const sizes = [9, 15].map((serverMaxWindowBits) => {
        const { encoder } = codecOf(engine, { agreed: { ...TAKEOVER, serverMaxWindowBits } })
        return encoder.encode(prepared)!.length
      })
      expect(sizes[0]).toBeGreaterThan(sizes[1]!)
    })

    test('one that waits and gives up is not told, and the others are', async () => {
      const prepared = prepareMessage(nodePlatform, json(60_000))
      const [one, other] = [codecOf(engine), codecOf(engine)]
      const giveUp = one.encoder.encodeLater(prepared, () => expect.unreachable('given up'))
      const encoded = new Promise<Uint8Array | undefined>((resolve) => other.encoder.encodeLater(prepared, resolve))
      giveUp()
      expectSame(await new ZlibPeer().decompress((await encoded)!), Buffer.from(prepared.payload))
    })
  })

  describe('limits', () => {
    const cap = 1_000

    describe.each(WAYS)('%s', (_, read) => {
      test.each([1, cap, 100_000, MOST_AT_ONCE])(
        'a message of exactly maxPayload, %i bytes, and one more',
        async (most) => {
          const fits = { decoder: codecOf(engine).decoder, encoded: deflated(Buffer.alloc(most, 'a')) }
          expect(await read(fits.decoder, fits.encoded, most)).toHaveLength(most)
          const encoded = deflated(Buffer.alloc(most + 1, 'a'))
          // Far from it, too, where the output is full in the midst of a match.
          for (const much of [encoded, deflated(Buffer.alloc(most * 3, 'a'))]) {
            const { decoder } = codecOf(engine)
            const failure = await later(decoder, much, most)
            expect(failure).toEqual({
              code: 'MESSAGE_TOO_LARGE',
              what: `sent ${much.length} bytes of compressed data that come to more than ${most}, the limit (maxPayload)`,
            })
            if (most <= MOST_AT_ONCE) expect(codecOf(engine).decoder.decode(much, most)).toEqual(failure)
          }
        },
      )

      test('the same of stored blocks and of a final block', async () => {
        for (const options of [{ level: 0 }, { finishFlush: constants.Z_FINISH }]) {
          for (const [length, passes] of [
            [cap, true],
            [cap + 1, false],
          ] as const) {
            const all = deflateRawSync(Buffer.alloc(length, 'b'), { finishFlush: constants.Z_SYNC_FLUSH, ...options })
            const encoded = options.level === 0 ? all.subarray(0, -4) : Buffer.concat([all, Buffer.of(0)])
            const decoded = await read(codecOf(engine).decoder, encoded, cap)
            if (passes) expect(decoded).toHaveLength(cap)
            else expect(decoded).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
          }
        }
      })

      test('maxPayload 0: an empty message passes', async () => {
        expect(await read(codecOf(engine).decoder, hex('00'), 0)).toHaveLength(0)
        expect(await read(codecOf(engine).decoder, hex('f2 48 cd c9 c9 07 00'), 0)).toMatchObject({
          code: 'MESSAGE_TOO_LARGE',
        })
      })

      test('maxRatio: beyond 16 KiB, no more than so many times what came', async () => {
        const encoded = deflated(Buffer.alloc(64 * 1024, 'a'))
        const ratio = (64 * 1024) / encoded.length
        expect(await read(codecOf(engine, { maxRatio: ratio }).decoder, encoded, MAX)).toHaveLength(64 * 1024)
        const { decoder } = codecOf(engine, { maxRatio: ratio - 1 })
        expect(await read(decoder, encoded, MAX)).toEqual({
          code: 'COMPRESSION_RATIO',
          what: `sent ${encoded.length} bytes of compressed data that come to more than ${ratio - 1} times as many (compression.maxRatio)`,
        })
        // What is over maxPayload before is too large.
        expect(await read(decoder, encoded, 20_000)).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
        // Up to 16 KiB it may be any ratio.
        const small = codecOf(engine, { maxRatio: 1 }).decoder
        expect(await read(small, deflated(Buffer.alloc(16 * 1024, 'a')), MAX)).toHaveLength(16 * 1024)
        expect(await read(small, deflated(Buffer.alloc(16 * 1024 + 1, 'a')), MAX)).toMatchObject({
          code: 'COMPRESSION_RATIO',
        })
      })

      test('final blocks: 16 that others follow, and no more', async () => {
        const empty = Buffer.of(0x03, 0x00)
        const blocks = (count: number, last: Uint8Array) => Buffer.concat([...Array<Buffer>(count).fill(empty), last])
        const hello = hex('f2 48 cd c9 c9 07 00')
        expect(Buffer.from((await read(codecOf(engine).decoder, blocks(16, hello), MAX)) as Uint8Array)).toEqual(
          Buffer.from('Hello'),
        )
        expect(await read(codecOf(engine).decoder, blocks(17, new Uint8Array(0)), MAX)).toHaveLength(0)
        const tooMany = {
          code: 'INVALID_COMPRESSED_DATA',
          what: 'sent a message with RSV1 set that is no deflate data: it goes on behind more than 16 final blocks',
        }
        expect(await read(codecOf(engine).decoder, blocks(17, hello), MAX)).toEqual(tooMany)
        expect(await read(codecOf(engine).decoder, blocks(30_000, hello), MAX)).toEqual(tooMany)
      })

      test('behind each final block the window has what came before it, of this message and of others', async () => {
        const { decoder } = codecOf(engine)
        const peer = new ZlibPeer()
        const before = bytesOf(json(40_000))
        expectSame(await decode(decoder, await peer.compress(before)), before)
        let window = before
        const parts: Buffer[] = []
        const blocks = [1_000, 20_000, 30_000, 500].map((size) => {
          const part = bytesOf(json(40_000, 1).slice(-size))
          const block = deflateRawSync(part, { dictionary: window.subarray(-32_768) })
          expect(block.length).toBeLessThan(size / 2)
          parts.push(part)
          window = Buffer.concat([window, part])
          return block
        })
        const all = Buffer.from((await read(decoder, Buffer.concat([...blocks, Buffer.of(0)]), MAX)) as Uint8Array)
        expectSame(all, Buffer.concat(parts))
      })

      test.each([
        ['a reserved type of block', '06'],
        ['lengths of a stored block that do not match', '00 05 00 fa fe 48 65 6c 6c 6f 00'],
        ['a stored block that is cut', '00 05 00 fa ff 48 65 6c'],
        ['a block that is cut', 'f2 48 cd c9'],
        ['a block without its end', 'f2 48 cd c9 c9 07'],
        ['a header that is cut', 'f2 48 cd c9 c9 07 00 04'],
        ['a distance to what never was', 'f2 00 11 00 00'],
        ['the tail that is to be left out', 'f2 48 cd c9 c9 07 00 00 00 ff ff'],
      ])('%s is a failure, and harms nobody', async (_, bytes) => {
        const { decoder } = codecOf(engine)
        const decoded = await read(decoder, hex(bytes), MAX)
        expect(decoded).toMatchObject({ code: 'INVALID_COMPRESSED_DATA' })
        expect(
          Buffer.from((await read(codecOf(engine).decoder, hex('f2 48 cd c9 c9 07 00'), MAX)) as Uint8Array).toString(),
        ).toBe('Hello')
      })
    })

    test('1,001 bytes above what is done at once: in the thread pool, with the same limit', async () => {
      const most = MOST_AT_ONCE + 1_000
      const { decoder } = codecOf(engine)
      expect(decoder.decode(deflated(Buffer.alloc(most)), most)).toBeUndefined()
      expect(await later(decoder, deflated(Buffer.alloc(most)), most)).toHaveLength(most)
      expect(await later(decoder, deflated(Buffer.alloc(most + 1)), most)).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
      expect(decoder.decode(deflated(noise(70_000)), most)).toBeUndefined()
    })

    test('encodedLimit has room for what cannot be made smaller, however it was compressed', () => {
      for (const length of [0, 1, 100, 5_000, 100_000]) {
        const limit = codecOf(engine).decoder.encodedLimit(length)
        const data = noise(length)
        const ways = [1, 5, 8, 9].flatMap((memLevel) =>
          [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY].flatMap((strategy) =>
            [0, 1, 6, 9].map((level) => deflated(data, { memLevel, strategy, level, windowBits: 9 }).length),
          ),
        )
        expect(Math.max(...ways)).toBeLessThanOrEqual(limit)
        expect(limit).toBeLessThan(length * 1.15 + 66)
      }
    })
  })

  describe('whatever comes', () => {
    const failures = ['INVALID_COMPRESSED_DATA', 'MESSAGE_TOO_LARGE', 'COMPRESSION_RATIO']
    const good = bytesOf(json(600))
    const whole = deflated(good)

    /** The same from all ways, and bytes or a failure; a connection beside it is none the worse. */
    async function check(encoded: Uint8Array, max: number): Promise<Uint8Array | DecodeFailure> {
      const atOnce = codecOf(engine).decoder.decode(encoded, max)
      const copy = atOnce instanceof Uint8Array ? Buffer.from(atOnce) : atOnce
      const pooled = await later(codecOf(engine).decoder, encoded, max)
      if (copy instanceof Uint8Array) expectSame(pooled, copy)
      else if (!(pooled instanceof Uint8Array) && pooled.code === 'INVALID_COMPRESSED_DATA') expectCorrupt(copy)
      else expect((pooled as DecodeFailure).code).toBe(copy!.code)
      if (!(pooled instanceof Uint8Array)) expect(failures).toContain(pooled.code)
      else expect(pooled.length).toBeLessThanOrEqual(max)
      expectSame(codecOf(engine).decoder.decode(whole, MAX), good)
      return pooled
    }

    /** What is corrupt and comes to too much is either, by what is met first: in the thread pool zlib gives 64 KiB at a time. */
    function expectCorrupt(failure: DecodeFailure | undefined): void {
      expect(['INVALID_COMPRESSED_DATA', 'MESSAGE_TOO_LARGE']).toContain(failure?.code)
    }

    test.each([
      ['before maxPayload is reached', 999, ['INVALID_COMPRESSED_DATA']],
      ['soon after', 2_000, ['INVALID_COMPRESSED_DATA', 'MESSAGE_TOO_LARGE']],
      ['long after', 50_000, ['MESSAGE_TOO_LARGE']],
    ])('it is corrupt and comes to too much: corrupt %s', async (_, before, codes) => {
      const encoded = Buffer.concat([deflateRawSync(noise(before), { finishFlush: constants.Z_FULL_FLUSH }), hex('06')])
      for (const [, read] of WAYS) {
        const { code } = (await read(codecOf(engine).decoder, encoded, 1_000)) as DecodeFailure
        expect(codes).toContain(code)
      }
    })

    test('a bit is flipped', async () => {
      let noticed = 0
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
          const flipped = Uint8Array.from(whole)
          flipped[bit >> 3]! ^= 1 << (bit & 7)
          if (!((await check(flipped, 4_096)) instanceof Uint8Array)) noticed++
        }),
        { numRuns: 200 },
      )
      expect(noticed).toBeGreaterThan(0)
    })

    test('it is cut: that is noticed wherever the cut is', async () => {
      for (let length = 1; length < whole.length; length++) {
        expect(await check(whole.subarray(0, length), 4_096)).toMatchObject({ code: 'INVALID_COMPRESSED_DATA' })
      }
    })

    test('it is cut where what is read behind it comes to the very letter that should come of that', async () => {
      const code = deflated(
        'U'.repeat(300).replace(/UU/g, (_, at) => `U${'Uxyz'[(at >> 1) % 4]}`),
        {
          strategy: constants.Z_HUFFMAN_ONLY,
        },
      )
      for (let length = 1; length < code.length; length++) {
        expect(await check(code.subarray(0, length), 4_096)).toMatchObject({ code: 'INVALID_COMPRESSED_DATA' })
      }
    })

    test('random bytes', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ minLength: 1, maxLength: 100 }),
          async (encoded) => void (await check(encoded, 1_000)),
        ),
        { numRuns: 300 },
      )
    })
  })
})

test('nothing here is an error of heartwire: that is for the receiver to make', () => {
  expect(codecOf(ENGINES[0]![1]).decoder.decode(hex('06'), MAX)).not.toBeInstanceOf(HeartwireError)
})

test('what was agreed on is said as in a header', () => {
  const agreed = { ...ALONE, clientMaxWindowBits: 10 }
  expect(codecOf(ENGINES[0]![1], { agreed }).extensions).toBe(
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=10',
  )
})
