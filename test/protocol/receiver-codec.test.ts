import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import type { ProtocolError, Side } from '../../src/protocol/error.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { Receiver, type ReceiverOptions, type ReceiverSink } from '../../src/protocol/receiver.ts'
import { FrameMaker, hex, join, KEY } from './frames.ts'
import { reversed, SlowCodec } from './slow-codec.ts'

const SIDES: Side[] = ['server', 'client']
const LONG = 'long '.repeat(30)

/** A receiver with a decoder, and what it tells. */
class Reader implements ReceiverSink {
  readonly codec = new SlowCodec()
  readonly receiver: Receiver
  readonly peer: FrameMaker
  readonly told: string[] = []
  readonly bytes: Uint8Array[] = []
  error: ProtocolError | undefined
  on: (event: string) => void = () => {}

  constructor(side: Side = 'server', options: Partial<ReceiverOptions> = {}) {
    this.peer = new FrameMaker(side === 'server' ? 'client' : 'server')
    const { decoder } = this.codec
    this.receiver = new Receiver(
      { side, platform: nodePlatform, maxPayload: 1_000, maxFragments: 10, text: 'string', decoder, ...options },
      this,
    )
  }

  /** The peer's message, encoded, in frames of these parts. */
  encoded(opcode: number, message: string | Uint8Array, cuts: number[] = []): Uint8Array[] {
    const all = reversed(Buffer.from(message))
    return [0, ...cuts].map((cut, i) => {
      const fin = i === cuts.length
      return this.peer.frame(i === 0 ? opcode : 0, all.subarray(cut, cuts[i] ?? all.length), { rsv1: i === 0, fin })
    })
  }

  text(message: string): Uint8Array {
    return this.encoded(Opcode.Text, message)[0]!
  }

  read(...frames: Uint8Array[]): string[] {
    this.receiver.receive(join(...frames))
    return this.told.splice(0)
  }

  onText(text: string | Uint8Array): void {
    if (typeof text !== 'string') this.bytes.push(text)
    this.tell(`text ${Buffer.from(text)}`)
  }

  onBinary(bytes: Uint8Array): void {
    this.bytes.push(bytes)
    this.tell(`binary ${Buffer.from(bytes)}`)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.bytes.push(piece)
    this.tell(`piece ${opcode} ${Buffer.from(piece)}${last ? ' last' : ''}`)
  }

  onPing(payload: Uint8Array): void {
    this.tell(`ping ${Buffer.from(payload)}`)
  }

  onPong(payload: Uint8Array): void {
    this.tell(`pong ${Buffer.from(payload)}`)
  }

  onDecoded(): void {
    this.tell('decoded')
  }

  onClose(code: number): void {
    this.tell(`close ${code}`)
  }

  onViolation(error: ProtocolError): void {
    this.error = error
    this.tell(`violation ${error.code}`)
  }

  private tell(event: string): void {
    this.told.push(event)
    this.on(event)
  }
}

describe.each(SIDES)('as %s', (side) => {
  test('texts and bytes, whole and in fragments, with others and control frames between', () => {
    const reader = new Reader(side)
    const { peer } = reader
    const [first, ...rest] = reader.encoded(Opcode.Text, 'in fragments', [3, 3, 9])
    expect(
      reader.read(
        reader.text('whole'),
        peer.text('as it is'),
        ...reader.encoded(Opcode.Binary, 'bytes'),
        first!,
        peer.ping('between'),
        ...rest,
        peer.text('not ', false),
        peer.more('encoded'),
        reader.text(''),
        peer.close(1000),
      ),
    ).toEqual([
      'text whole',
      'text as it is',
      'binary bytes',
      'ping between',
      'text in fragments',
      'text not encoded',
      'text ',
      'close 1000',
    ])
  })

  test('in any fragments, chunks and keys: what a plain reading of it gives', () => {
    const message = fc.record({
      text: fc.boolean(),
      encoded: fc.boolean(),
      data: fc.string({ unit: 'grapheme', maxLength: 30 }),
      cuts: fc.array(fc.nat(90), { maxLength: 4 }),
      ping: fc.option(fc.nat(3)),
      key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    })
    const run = fc.record({
      messages: fc.array(message, { maxLength: 5 }),
      chunks: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      text: fc.constantFrom('string' as const, 'bytes' as const),
      inPieces: fc.boolean(),
      watched: fc.boolean(),
    })
    fc.assert(
      fc.property(run, ({ messages, chunks, text, inPieces, watched }) => {
        const reader = new Reader(side, { text })
        reader.receiver.inPieces = inPieces
        if (watched) reader.receiver.frameListener = () => {}
        const frames: Uint8Array[] = []
        const expected: string[] = []
        const maskingKey = (key: Uint8Array) => (side === 'server' ? key : undefined)
        for (const one of messages) {
          const plain = Buffer.from(one.data)
          const payload = one.encoded ? reversed(plain) : plain
          const cuts = [0, ...one.cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b)]
          for (const [i, cut] of cuts.entries()) {
            frames.push(
              encodeFrame({
                opcode: i > 0 ? 0 : one.text ? 1 : 2,
                fin: i === cuts.length - 1,
                rsv1: i === 0 && one.encoded,
                payload: payload.subarray(cut, cuts[i + 1] ?? payload.length),
                maskingKey: maskingKey(one.key),
              }),
            )
            if (i !== one.ping) continue
            frames.push(encodeFrame({ opcode: 9, payload: one.key, maskingKey: maskingKey(one.key) }))
            // Before the message that it is in the midst of, if that is not read in pieces.
            if (i < cuts.length - 1) expected.push(`ping ${Buffer.from(one.key)}`)
          }
          expected.push(`${one.text ? 'text' : 'binary'} ${one.data}`)
          if (one.ping === cuts.length - 1) expected.push(`ping ${Buffer.from(one.key)}`)
        }
        const stream = join(...frames)
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + chunks[i % chunks.length]!
          reader.receiver.receive(stream.slice(at, end))
          at = end
        }
        expect(wholeOf(reader)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['a ping', 0xc9, 'sent a ping frame with RSV1 set: control frames are not compressed'],
    ['a Close frame', 0xc8, 'sent a close frame with RSV1 set: control frames are not compressed'],
    [
      'a continuation',
      0xc0,
      'sent a continuation frame with RSV1 set: only the first frame of a compressed message has it',
    ],
    ['RSV2 beside it', 0xe1, 'sent a frame with RSV2 set: no extension that was agreed on uses it'],
    ['RSV2 and RSV3 beside it', 0xf1, 'sent a frame with RSV2 and RSV3 set: no extension that was agreed on uses them'],
    ['RSV3', 0x91, 'sent a frame with RSV3 set: no extension that was agreed on uses it'],
  ])('RSV1 on %s', (_, firstByte, what) => {
    const reader = new Reader(side)
    const start = reader.encoded(Opcode.Text, 'abc', [1])[0]!
    expect(reader.read(start, reader.peer.header(firstByte, 0))).toEqual(['violation RESERVED_BITS'])
    expect(reader.error?.message).toContain(`The ${reader.peer.side} ${what} (frame 2, byte ${start.length}; RFC 6455`)
  })

  test('RSV1 of a first frame in the midst of a message, and of a reserved opcode, is not what is wrong', () => {
    const reader = new Reader(side)
    expect(reader.read(reader.encoded(Opcode.Text, 'abc', [1])[0]!, reader.text('x'))).toEqual([
      'violation EXPECTED_CONTINUATION',
    ])
    const other = new Reader(side)
    expect(other.read(other.peer.header(0xc3, 0))).toEqual(['violation RESERVED_OPCODE'])
  })

  test.each([
    [0xc1, 'RSV1', 'it'],
    [0xc9, 'RSV1', 'it'],
    [0xe2, 'RSV1 and RSV2', 'them'],
  ])('without a decoder no bit may be set: %i', (firstByte, bits, them) => {
    const reader = new Reader(side, { decoder: undefined })
    expect(reader.read(reader.peer.header(firstByte, 0))).toEqual(['violation RESERVED_BITS'])
    expect(reader.error?.message).toContain(
      `sent a frame with ${bits} set: no extension that was agreed on uses ${them} (`,
    )
  })

  test('what comes of it is UTF-8, or else a violation of its own', () => {
    const reader = new Reader(side)
    const start = reader.text('fine')
    const bad = reader.encoded(Opcode.Text, Uint8Array.of(0x61, 0xff))[0]!
    expect(reader.read(start, bad, reader.text('never'))).toEqual(['text fine', 'violation INVALID_UTF8'])
    const at = start.length + reader.peer.headerLength(2)
    expect(reader.error).toMatchObject({
      closeCode: 1007,
      frameNumber: 2,
      offset: at,
      header: bad.slice(0, at - start.length),
    })
    expect(reader.error?.message).toContain('decompressed, is not UTF-8: the byte 0xFF cannot stand at 1')
    const cut = new Reader(side)
    expect(cut.read(...cut.encoded(Opcode.Text, Uint8Array.of(0x61, 0xe2, 0x82), [1]))).toEqual([
      'violation INVALID_UTF8',
    ])
    expect(cut.error?.message).toContain('decompressed, ends in the middle of a character')
    // Encoded it need not be UTF-8, nor is it when it is cut in the middle of a character.
    const fine = new Reader(side, { text: 'bytes' })
    expect(fine.read(...fine.encoded(Opcode.Text, '€€€', [2, 4]))).toEqual(['text €€€'])
  })

  test('what cannot be decoded is a violation, with the place of its last frame', () => {
    const reader = new Reader(side)
    const frames = [reader.text('fine'), ...reader.encoded(Opcode.Binary, 'no message\0', [4])]
    expect(reader.read(...frames, reader.text('never'))).toEqual(['text fine', 'violation INVALID_COMPRESSED_DATA'])
    const at = frames[0]!.length + frames[1]!.length + reader.peer.headerLength(7)
    expect(reader.error).toMatchObject({ closeCode: 1007, section: '7.2.2', frameNumber: 3, offset: at })
    expect(reader.error?.message).toContain(`sent what is no message (frame 3, byte ${at}; RFC 7692 section 7.2.2)`)
  })

  test('maxPayload holds for what comes of it; as it is sent it may have as much more as the decoder says', () => {
    const reader = new Reader(side, { maxPayload: 20 })
    expect(reader.read(...reader.encoded(2, 'a'.repeat(20)))).toEqual([`binary ${'a'.repeat(20)}`])
    expect(reader.read(...reader.encoded(2, 'a'.repeat(30), [10, 20]))).toEqual(['violation MESSAGE_TOO_LARGE'])
    expect(reader.error?.message).toContain('sent too much')
    const other = new Reader(side, { maxPayload: 20 })
    expect(other.read(...other.encoded(2, 'a'.repeat(31), [10, 20]))).toEqual(['violation MESSAGE_TOO_LARGE'])
    expect(other.error?.message).toContain('sent a message of at least 31 bytes; the limit (maxPayload) is 20')
    const plain = new Reader(side, { maxPayload: 20 })
    expect(plain.read(plain.peer.binary('a'.repeat(21)))).toEqual(['violation MESSAGE_TOO_LARGE'])
  })

  test('a fragmented message takes no more memory than it has, and is moved a few times only', () => {
    const sizes: number[] = []
    const platform = {
      ...nodePlatform,
      allocate(length: number) {
        sizes.push(length)
        return nodePlatform.allocate(length)
      },
    }
    const { decoder } = new SlowCodec()
    const generous = {
      ...decoder,
      encodedLimit: (most: number) => most * 2,
      decode: (bytes: Uint8Array) => bytes.subarray(0, 1),
    }
    const reader = new Reader(side, { platform, decoder: generous, maxPayload: 10_000, maxFragments: 1_000 })
    reader.read(
      ...reader
        .encoded(
          2,
          new Uint8Array(19_000),
          Array.from({ length: 189 }, (_, i) => (i + 1) * 100),
        )
        .slice(0, -1),
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(20_000)
    expect(sizes.length).toBeLessThan(12)
  })

  test('bytes are as they are without an extension: the memory of the receiver, of what Node calls a Buffer', () => {
    const chunkOf = (frame: Uint8Array) => Uint8Array.from(frame)
    for (const reader of [new Reader(side, { text: 'bytes' }), new Reader(side, { text: 'bytes' })]) {
      const chunk = chunkOf(join(reader.text('text'), ...reader.encoded(2, 'bytes')))
      reader.receiver.receive(chunk)
      chunk.fill(0)
      expect(reader.bytes).toEqual([Buffer.from('text'), Buffer.from('bytes')])
      expect(reader.bytes.every((one) => one instanceof Buffer)).toBe(true)
    }
  })

  describe('a message that takes long to decode', () => {
    test("what follows waits for it, and comes in order; the chunks are the transport's again", () => {
      const reader = new Reader(side)
      const frames = [reader.text(LONG), reader.peer.ping('p'), reader.text(LONG), reader.text('short')]
      const stream = Uint8Array.from(join(...frames))
      reader.receiver.receive(stream.slice(0, 30))
      const rest = stream.slice(30)
      reader.receiver.receive(rest)
      rest.fill(0)
      expect(reader.told).toEqual([])
      expect(reader.receiver).toMatchObject({ decodes: true, holds: true })
      const more = reader.peer.text('later')
      reader.receiver.receive(more)
      more.fill(0)
      reader.codec.finishDecoding()
      expect(reader.told.splice(0)).toEqual([`text ${LONG}`, 'ping p', 'decoded'])
      expect(reader.receiver.decodes).toBe(true)
      reader.codec.finishDecoding()
      expect(reader.told.splice(0)).toEqual([`text ${LONG}`, 'text short', 'text later', 'decoded'])
      expect(reader.receiver).toMatchObject({ decodes: false, holds: false })
      expect(reader.read(reader.text('and on'))).toEqual(['text and on'])
    })

    test('paused meanwhile, it is kept until resume', () => {
      const reader = new Reader(side)
      expect(reader.read(reader.text(LONG), reader.text('next'))).toEqual([])
      reader.receiver.pause()
      reader.codec.finishDecoding()
      expect(reader.told.splice(0)).toEqual(['decoded'])
      expect(reader.receiver).toMatchObject({ decodes: false, holds: true })
      reader.receiver.resume()
      expect(reader.told).toEqual([`text ${LONG}`, 'text next'])
      expect(reader.receiver.holds).toBe(false)
    })

    test('paused and resumed meanwhile, it comes when it is done', () => {
      const reader = new Reader(side)
      reader.read(reader.text(LONG), reader.text('next'))
      reader.receiver.pause()
      reader.receiver.resume()
      expect(reader.told).toEqual([])
      reader.codec.finishDecoding()
      expect(reader.told).toEqual([`text ${LONG}`, 'text next', 'decoded'])
    })

    test('who gets it may pause: the next one is kept, and what comes then', () => {
      const reader = new Reader(side)
      reader.on = (event) => event.startsWith('text long') && reader.receiver.pause()
      reader.read(reader.text(LONG), reader.text('next'))
      reader.codec.finishDecoding()
      expect(reader.told.splice(0)).toEqual([`text ${LONG}`, 'decoded'])
      expect(reader.read(reader.text('last'))).toEqual([])
      reader.receiver.resume()
      expect(reader.told).toEqual(['text next', 'text last'])
    })

    test('who gets it may pause and resume: the next one comes when that is done', () => {
      const reader = new Reader(side)
      const order: string[] = []
      reader.on = (event) => {
        order.push(`begins ${event.slice(0, 9)}`)
        if (event.startsWith('text long')) {
          reader.receiver.pause()
          reader.receiver.resume()
        }
        order.push(`ends ${event.slice(0, 9)}`)
      }
      reader.read(reader.text(LONG), reader.text('next'))
      reader.codec.finishDecoding()
      expect(order.slice(0, 4)).toEqual(['begins text long', 'ends text long', 'begins text next', 'ends text next'])
      expect(reader.told).toEqual([`text ${LONG}`, 'text next', 'decoded'])
    })

    test('who has seen its frame may have paused: it stays paused', () => {
      const reader = new Reader(side)
      reader.receiver.frameListener = () => reader.receiver.pause()
      reader.read(reader.text(LONG), reader.text('next'))
      reader.codec.finishDecoding()
      expect(reader.told).toEqual(['decoded'])
      reader.receiver.resume()
      expect(reader.told).toContain(`text ${LONG}`)
    })

    test('ended meanwhile, it is given up and never told', () => {
      const reader = new Reader(side)
      reader.read(reader.text(LONG), reader.text('next'))
      const [job] = reader.codec.decoding
      reader.receiver.end()
      expect(reader.codec.decoding).toEqual([])
      expect(reader.receiver).toMatchObject({ decodes: false, holds: false })
      // Some cannot be given up any more.
      job?.done(job.bytes)
      expect(reader.told).toEqual([])
    })

    test('who gets it may end the receiver', () => {
      const reader = new Reader(side)
      reader.on = (event) => event.startsWith('text') && reader.receiver.end()
      reader.read(reader.text(LONG), reader.text('next'))
      reader.codec.finishDecoding()
      expect(reader.told).toEqual([`text ${LONG}`, 'decoded'])
      expect(reader.receiver.holds).toBe(false)
    })

    test('that fails: the place of its frame, though more has come since', () => {
      const reader = new Reader(side)
      const [first, second] = [reader.text('first'), reader.text(`${LONG}\0`)]
      expect(reader.read(first, second, reader.text('next'))).toEqual(['text first'])
      reader.read(reader.text('more'))
      reader.codec.finishDecoding()
      expect(reader.told).toEqual(['violation INVALID_COMPRESSED_DATA', 'decoded'])
      const header = reader.peer.headerLength(LONG.length + 1)
      expect(reader.error).toMatchObject({
        frameNumber: 2,
        offset: first.length + header,
        header: second.slice(0, header),
      })
    })

    test('maxPayload is what it was when the message came', () => {
      const reader = new Reader(side)
      reader.read(reader.text(LONG))
      reader.receiver.maxPayload = 10
      reader.codec.finishDecoding()
      expect(reader.told.splice(0)).toEqual([`text ${LONG}`, 'decoded'])
      expect(reader.read(reader.text(LONG))).toEqual(['violation MESSAGE_TOO_LARGE'])
    })
  })

  test('in pieces: an encoded message is one piece', () => {
    const reader = new Reader(side)
    reader.receiver.inPieces = true
    expect(
      reader.read(
        ...reader.encoded(1, 'encoded', [2]),
        reader.peer.binary('as ', false),
        reader.peer.more('it is'),
        reader.text(''),
      ),
    ).toEqual(['piece 1 encoded last', 'piece 2 as ', 'piece 2 it is last', 'piece 1  last'])
    expect(reader.read(reader.text(LONG))).toEqual([])
    reader.codec.finishDecoding()
    expect(reader.told).toEqual([`piece 1 ${LONG} last`, 'decoded'])
  })

  test('frames are seen as they are sent', () => {
    const reader = new Reader(side)
    const seen: [string, string][] = []
    reader.receiver.frameListener = (header, payload) => seen.push([hexOf(header), Buffer.from(payload).toString()])
    expect(reader.read(reader.text('abc'), reader.peer.text('def'))).toEqual(['text abc', 'text def'])
    const key = side === 'server' ? hexOf(KEY) : ''
    const length = side === 'server' ? '83' : '03'
    expect(seen).toEqual([
      [`c1${length}${key}`, 'cba'],
      [`81${length}${key}`, 'def'],
    ])
  })
})

/** What was told, with what came in pieces put together. */
function wholeOf(reader: Reader): string[] {
  const whole: string[] = []
  let pieces: Uint8Array[] = []
  let at = 0
  for (const event of reader.told) {
    const piece = /^piece (\d) /.exec(event)
    if (piece === null) {
      if (!event.startsWith('ping')) at++
      whole.push(event)
      continue
    }
    pieces.push(reader.bytes[at++]!)
    if (!event.endsWith(' last')) continue
    whole.push(`${piece[1] === '1' ? 'text' : 'binary'} ${Buffer.concat(pieces)}`)
    pieces = []
  }
  return whole
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

test('the examples of RFC 7692 section 7.2.3.1 have these frames', () => {
  expect(hexOf(encodeFrame({ opcode: 1, rsv1: true, payload: hex('f2 48 cd c9 c9 07 00') }))).toBe('c107f248cdc9c90700')
})
