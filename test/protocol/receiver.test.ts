import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import type { ProtocolError, Side } from '../../src/protocol/error.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import type { Platform } from '../../src/protocol/platform.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { Receiver, type ReceiverOptions, type ReceiverSink } from '../../src/protocol/receiver.ts'
import { bytes, FrameMaker, hex, join, KEY } from './frames.ts'

const SIDES: Side[] = ['server', 'client']

/** A receiver, and everything it tells, in order. */
class Fixture implements ReceiverSink {
  readonly receiver: Receiver
  readonly peer: FrameMaker
  readonly told: string[] = []
  readonly payloads: Uint8Array[] = []
  error: ProtocolError | undefined
  /** Called for everything that is told. */
  on: (event: string) => void = () => {}

  constructor(side: Side, options: Partial<ReceiverOptions> = {}) {
    this.peer = new FrameMaker(side === 'server' ? 'client' : 'server')
    this.receiver = new Receiver(
      { side, platform: nodePlatform, maxPayload: 100_000, maxFragments: 10, text: 'string', ...options },
      this,
    )
  }

  onText(text: string | Uint8Array): void {
    if (typeof text === 'string') this.tell(`text ${JSON.stringify(text)}`)
    else this.tell(`text bytes ${this.keep(text)}`)
  }

  onBinary(payload: Uint8Array): void {
    this.tell(`binary ${this.keep(payload)}`)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.tell(`piece ${opcode} ${this.keep(piece)}${last ? ' last' : ''}`)
  }

  onPing(payload: Uint8Array): void {
    this.tell(`ping ${this.keep(payload)}`)
  }

  onPong(payload: Uint8Array): void {
    this.tell(`pong ${this.keep(payload)}`)
  }

  onClose(code: number, reason: string): void {
    this.tell(`close ${code} ${JSON.stringify(reason)}`)
  }

  onViolation(error: ProtocolError): void {
    this.error = error
    this.tell(`violation ${error.code}`)
  }

  private keep(payload: Uint8Array): string {
    this.payloads.push(payload)
    return Buffer.from(payload).toString('hex')
  }

  private tell(event: string): void {
    this.told.push(event)
    this.on(event)
  }
}

/** Cuts bytes into chunks of this many, each in memory of its own, which is spoilt when it has been read. */
function receiveInChunks(receiver: Receiver, stream: Uint8Array, size: number): void {
  for (let at = 0; at < stream.length; at += size) {
    const chunk = Uint8Array.from(stream.subarray(at, at + size))
    receiver.receive(chunk)
    chunk.fill(0xee)
  }
}

describe.each(SIDES)('a %s', (side) => {
  describe.each([1, 2, 3, 5, 7, 13, 64, 1_000, 1_000_000])('that reads chunks of %d bytes', (size) => {
    test('reads every kind of frame, in order', () => {
      const { receiver, peer, told } = new Fixture(side)
      const stream = join(
        peer.text('Hello'),
        peer.text(''),
        peer.text('Grüße, 世界 🙂'),
        peer.text('ä'.repeat(100)),
        peer.binary(''),
        peer.binary([1, 2, 3]),
        peer.ping(''),
        peer.ping('ping'),
        peer.pong('pong'),
        peer.text('fr', false),
        peer.ping('between'),
        peer.more('', false),
        peer.more('ag\u00e4'),
        peer.binary([4], false),
        peer.more([5, 6]),
        peer.text('', false),
        peer.more(''),
        peer.close(1000, 'bye ä'),
        peer.text('never read'),
      )
      receiveInChunks(receiver, stream, size)
      expect(told).toEqual([
        'text "Hello"',
        'text ""',
        'text "Grüße, 世界 🙂"',
        `text ${JSON.stringify('ä'.repeat(100))}`,
        'binary ',
        'binary 010203',
        'ping ',
        'ping 70696e67',
        'pong 706f6e67',
        'ping 6265747765656e',
        'text "fragä"',
        'binary 040506',
        'text ""',
        'close 1000 "bye ä"',
      ])
    })

    test.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000])('reads payloads of %d bytes', (length) => {
      if (size < 64 && length > 1_000) return
      const { receiver, peer, payloads, told } = new Fixture(side)
      const payload = Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8))
      const text = 'a'.repeat(length)
      receiveInChunks(receiver, join(peer.binary(payload), peer.text(text)), size)
      expect(payloads.length).toBe(1)
      expect(Buffer.compare(payloads[0]!, payload)).toBe(0)
      expect(told[1]).toBe(`text ${JSON.stringify(text)}`)
    })
  })

  test('gives text as bytes where that was asked for, checked all the same', () => {
    const { receiver, peer, told, payloads } = new Fixture(side, { text: 'bytes' })
    const chunk = join(peer.text('ab'), peer.text('ä'), peer.text('c', false), peer.more('d'), peer.text(''))
    receiver.receive(chunk)
    chunk.fill(0xee)
    expect(told).toEqual(['text bytes 6162', 'text bytes c3a4', 'text bytes 6364', 'text bytes '])
    expect(payloads.slice(0, 3).map((payload) => Buffer.from(payload).toString())).toEqual(['ab', 'ä', 'cd'])
    receiver.receive(peer.text([0xff]))
    expect(told.at(-1)).toBe('violation INVALID_UTF8')
  })

  test('keeps a byte order mark', () => {
    const { receiver, peer, told } = new Fixture(side)
    receiver.receive(join(peer.text('\ufeffa'), peer.text('\ufeff', false), peer.more('b')))
    expect(told).toEqual(['text "\ufeffa"', 'text "\ufeffb"'])
  })

  test('works on the portable platform', () => {
    const { receiver, peer, told } = new Fixture(side, { platform: portablePlatform })
    receiver.receive(join(peer.text('Hello, 世界'), peer.text('a', false), peer.more('ä'), peer.binary([1])))
    expect(told).toEqual(['text "Hello, 世界"', 'text "aä"', 'binary 01'])
  })

  test('gives away memory that no later chunk or message touches', () => {
    const { receiver, peer, payloads } = new Fixture(side, { text: 'bytes' })
    const stream = join(
      peer.binary('binary'),
      peer.text('text'),
      peer.ping('ping'),
      peer.pong('pong'),
      peer.binary('frag', false),
      peer.more('ment'),
    )
    for (const size of [stream.length, 9, 1]) receiveInChunks(receiver, stream, size)
    const expected = ['binary', 'text', 'ping', 'pong', 'fragment']
    expect(payloads.map((payload) => Buffer.from(payload).toString())).toEqual([...expected, ...expected, ...expected])
    for (const payload of payloads) payload.fill(0)
    receiver.receive(join(peer.binary('a', false), peer.more('b')))
    expect(Buffer.from(payloads.at(-1)!).toString()).toBe('ab')
  })

  test('ignores empty chunks', () => {
    const { receiver, peer, told } = new Fixture(side)
    const empty = new Uint8Array(0)
    for (const byte of peer.text('ab')) {
      receiver.receive(empty)
      receiver.receive(Uint8Array.of(byte))
    }
    receiver.receive(empty)
    expect(told).toEqual(['text "ab"'])
  })

  test('reads nothing after end', () => {
    const { receiver, peer, told } = new Fixture(side)
    receiver.receive(peer.text('a', false))
    receiver.end()
    receiver.receive(peer.text('b'))
    receiver.pause()
    receiver.resume()
    receiver.receive(peer.text('c'))
    expect(told).toEqual([])
    expect(receiver.holds).toBe(false)
  })

  test('reads nothing more when it is ended in the middle of a chunk', () => {
    const fixture = new Fixture(side)
    const { receiver, peer, told } = fixture
    fixture.on = () => receiver.end()
    receiver.receive(join(peer.text('a'), peer.text('b')))
    expect(told).toEqual(['text "a"'])
  })

  describe('pause and resume', () => {
    test.each([1, 3, 8, 1_000])('at every message, with chunks of %d bytes', (size) => {
      const fixture = new Fixture(side)
      const { receiver, peer, told } = fixture
      let resumes = 0
      fixture.on = () => {
        receiver.pause()
        queue.push(() => {
          resumes++
          receiver.resume()
        })
      }
      const queue: (() => void)[] = []
      const stream = join(
        peer.text('a'),
        peer.binary([1]),
        peer.ping('p'),
        peer.text('b', false),
        peer.pong('q'),
        peer.more('c'),
        peer.close(1000),
      )
      receiveInChunks(receiver, stream, size)
      while (queue.length > 0) queue.shift()?.()
      expect(told).toEqual(['text "a"', 'binary 01', 'ping 70', 'pong 71', 'text "bc"', 'close 1000 ""'])
      expect(resumes).toBe(6)
      expect(receiver.holds).toBe(false)
    })

    test('within one message: nothing is held', () => {
      const fixture = new Fixture(side)
      const { receiver, peer, told } = fixture
      fixture.on = () => {
        receiver.pause()
        receiver.resume()
      }
      receiver.receive(join(peer.text('a'), peer.text('b')))
      expect(told).toEqual(['text "a"', 'text "b"'])
      expect(receiver.holds).toBe(false)
    })

    test('what comes while it is paused is kept, in memory of its own', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.pause()
      receiver.pause()
      const stream = join(peer.text('first'), peer.text('second'))
      receiveInChunks(receiver, stream, 4)
      expect(told).toEqual([])
      expect(receiver.holds).toBe(true)
      receiver.resume()
      expect(told).toEqual(['text "first"', 'text "second"'])
      receiver.resume()
      expect(told.length).toBe(2)
    })

    test('offsets stay right', () => {
      const fixture = new Fixture(side)
      const { receiver, peer } = fixture
      fixture.on = (event) => {
        if (!event.startsWith('violation')) receiver.pause()
      }
      const good = join(peer.text('one'), peer.text('two'))
      receiver.receive(join(good, peer.frame(3)))
      receiver.resume()
      receiver.receive(peer.text('late'))
      receiver.resume()
      expect(fixture.error).toMatchObject({ code: 'RESERVED_OPCODE', offset: good.length, frameNumber: 3 })
    })

    test('a message that was begun can go on after a pause', () => {
      const { receiver, peer, told } = new Fixture(side)
      const frame = peer.text('split')
      receiver.receive(frame.slice(0, 4))
      receiver.pause()
      receiver.receive(frame.slice(4))
      expect(told).toEqual([])
      receiver.resume()
      expect(told).toEqual(['text "split"'])
    })
  })

  describe('in pieces', () => {
    test('gives a message as it arrives, with its opcode, and says which piece is the last', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.inPieces = true
      receiver.receive(
        join(peer.text('wh€le'), peer.ping('p'), peer.binary([1], false), peer.more([2, 3], false), peer.more('')),
      )
      expect(told).toEqual([
        `piece 1 ${Buffer.from('wh€le').toString('hex')} last`,
        'ping 70',
        'piece 2 01',
        'piece 2 0203',
        'piece 2  last',
      ])
    })

    test('gives what has arrived of a frame, and no empty piece but the last', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.inPieces = true
      const frame = peer.binary([1, 2, 3, 4])
      const start = peer.headerLength(4)
      receiver.receive(frame.slice(0, start))
      receiver.receive(frame.slice(start, start + 3))
      receiver.receive(join(frame.slice(start + 3), peer.text('', false), peer.more('a', false), peer.more('')))
      expect(told).toEqual(['piece 2 010203', 'piece 2 04 last', 'piece 1 61', 'piece 1  last'])
    })

    test('still checks text, over the borders of pieces', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.inPieces = true
      receiver.receive(join(peer.text([0xe2], false), peer.more([0x82], false), peer.more([0x28])))
      expect(told).toEqual(['piece 1 e2', 'piece 1 82', 'violation INVALID_UTF8'])
    })

    test('begins with a message, and ends with one', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.receive(peer.binary([1], false))
      receiver.inPieces = true
      receiver.receive(join(peer.more([2]), peer.binary([3], false)))
      receiver.inPieces = false
      receiver.receive(join(peer.more([4]), peer.binary([5])))
      expect(told).toEqual(['binary 0102', 'piece 2 03', 'piece 2 04 last', 'binary 05'])
    })

    test('still counts bytes against maxPayload', () => {
      const { receiver, peer, told } = new Fixture(side, { maxPayload: 3 })
      receiver.inPieces = true
      receiver.receive(join(peer.binary([1, 2], false), peer.more([3, 4])))
      expect(told).toEqual(['piece 2 0102', 'violation MESSAGE_TOO_LARGE'])
    })
  })

  describe('the frame listener', () => {
    test.each([1, 5, 1_000])('sees every frame, unmasked, with chunks of %d bytes', (size) => {
      const { receiver, peer, told } = new Fixture(side)
      const seen: [string, string][] = []
      const kept: Uint8Array[] = []
      receiver.frameListener = (header, payload) => {
        kept.push(header, payload)
        seen.push([Buffer.from(header).toString('hex'), Buffer.from(payload).toString()])
      }
      const payloads = ['a', 'bc', 'ping', 'd', '', '']
      const frames = [
        peer.text(payloads[0]),
        peer.binary(payloads[1], false),
        peer.ping(payloads[2]),
        peer.more(payloads[3], false),
        peer.more(payloads[4]),
        peer.close(),
      ]
      receiveInChunks(receiver, join(...frames), size)
      expect(seen).toEqual(
        frames.map((frame, index) => [
          Buffer.from(frame.slice(0, peer.headerLength(payloads[index]!.length))).toString('hex'),
          payloads[index],
        ]),
      )
      expect(told).toEqual(['text "a"', 'ping 70696e67', 'binary 626364', 'close 1005 ""'])
      const before = kept.map((part) => Buffer.from(part).toString('hex'))
      receiver.receive(peer.binary('again'))
      expect(kept.map((part) => Buffer.from(part).toString('hex'))).toEqual(before)
    })

    test('shares no memory with what is delivered', () => {
      const { receiver, peer, payloads } = new Fixture(side)
      const shown: Uint8Array[] = []
      receiver.frameListener = (_, payload) => shown.push(payload)
      receiver.receive(join(peer.binary('abc'), peer.ping('abc')))
      for (const payload of payloads) payload.fill(0)
      expect(shown.map((payload) => Buffer.from(payload).toString())).toEqual(['abc', 'abc'])
    })

    test('can end the receiver: its frame is not delivered', () => {
      const { receiver, peer, told } = new Fixture(side)
      receiver.frameListener = () => receiver.end()
      receiver.receive(join(peer.binary('abc'), peer.ping('abc')))
      expect(told).toEqual([])
    })

    test('sees what is at hand of a message in pieces', () => {
      const { receiver, peer } = new Fixture(side)
      const shown: string[] = []
      receiver.inPieces = true
      receiver.frameListener = (_, payload) => shown.push(Buffer.from(payload).toString())
      const frame = peer.binary('abcdef')
      receiver.receive(frame.slice(0, -2))
      receiver.receive(frame.slice(-2))
      expect(shown).toEqual(['ef'])
    })
  })
})

// Offsets count from the header of the second frame.
type Violation = [
  name: string,
  bytes: (peer: FrameMaker) => Uint8Array,
  code: string,
  closeCode: number,
  offset: (peer: FrameMaker) => number,
  message: RegExp,
]

const at = (offset: number) => () => offset
/** The first byte of the payload. */
const inPayload = (offset: number, payloadLength: number) => (peer: FrameMaker) =>
  peer.headerLength(payloadLength) + offset

const VIOLATIONS: Violation[] = [
  [
    'RSV1',
    (peer) => peer.frame(1, 'a', { rsv1: true }),
    'RESERVED_BITS',
    1002,
    at(0),
    /with RSV1 set: no extension that was agreed on uses it /,
  ],
  ['RSV2', (peer) => peer.frame(9, '', { rsv2: true }), 'RESERVED_BITS', 1002, at(0), /with RSV2 set/],
  ['RSV3', (peer) => peer.frame(8, '', { rsv3: true }), 'RESERVED_BITS', 1002, at(0), /with RSV3 set/],
  [
    'all reserved bits',
    (peer) => peer.frame(2, '', { rsv1: true, rsv2: true, rsv3: true }),
    'RESERVED_BITS',
    1002,
    at(0),
    /with RSV1 and RSV2 and RSV3 set: .* uses them/,
  ],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode): Violation => [
      `opcode ${opcode}`,
      (peer) => peer.frame(opcode, 'a'),
      'RESERVED_OPCODE',
      1002,
      at(0),
      new RegExp(`reserved opcode 0x${opcode.toString(16).toUpperCase()}`),
    ],
  ),
  [
    'a ping without FIN',
    (peer) => peer.frame(9, '', { fin: false }),
    'CONTROL_FRAME_FRAGMENTED',
    1002,
    at(0),
    /ping frame without FIN/,
  ],
  [
    'a pong without FIN',
    (peer) => peer.frame(10, '', { fin: false }),
    'CONTROL_FRAME_FRAGMENTED',
    1002,
    at(0),
    /pong frame without FIN/,
  ],
  [
    'a Close frame without FIN',
    (peer) => peer.frame(8, '', { fin: false }),
    'CONTROL_FRAME_FRAGMENTED',
    1002,
    at(0),
    /close frame without FIN/,
  ],
  [
    'a ping of 126 bytes',
    (peer) => peer.ping(new Uint8Array(126)),
    'CONTROL_FRAME_TOO_LONG',
    1002,
    at(1),
    /ping frame with a payload of 126 bytes or more/,
  ],
  [
    'a Close frame of 65536 bytes',
    (peer) => peer.frame(8, new Uint8Array(65536)),
    'CONTROL_FRAME_TOO_LONG',
    1002,
    at(1),
    /close frame/,
  ],
  [
    'a continuation of nothing',
    (peer) => peer.more('a'),
    'UNEXPECTED_CONTINUATION',
    1002,
    at(0),
    /no message to continue/,
  ],
  [
    'a text message within a binary one',
    (peer) => join(peer.binary('a', false), peer.text('b')),
    'EXPECTED_CONTINUATION',
    1002,
    (peer) => peer.binary('a').length,
    /began a text message before the fragmented binary message was finished/,
  ],
  [
    'a binary message within a text one',
    (peer) => join(peer.text('a', false), peer.binary('b')),
    'EXPECTED_CONTINUATION',
    1002,
    (peer) => peer.binary('a').length,
    /began a binary message before the fragmented text message was finished/,
  ],
  [
    '125 in 16 bits',
    (peer) => peer.header(0x82, 126, '007d'),
    'LENGTH_NOT_MINIMAL',
    1002,
    at(2),
    /length of 125 in 16 bits/,
  ],
  [
    '65535 in 64 bits',
    (peer) => peer.header(0x82, 127, '00000000 0000ffff'),
    'LENGTH_NOT_MINIMAL',
    1002,
    at(2),
    /length of 65535 in 64 bits/,
  ],
  [
    '0 in 64 bits',
    (peer) => peer.header(0x82, 127, '00000000 00000000'),
    'LENGTH_NOT_MINIMAL',
    1002,
    at(2),
    /length of 0 in 64 bits/,
  ],
  ['the top bit', (peer) => peer.header(0x82, 127, '80000000 00000000'), 'LENGTH_TOP_BIT', 1002, at(2), /top bit set/],
  [
    '2^53',
    (peer) => peer.header(0x82, 127, '00200000 00000000'),
    'LENGTH_UNREPRESENTABLE',
    1009,
    at(2),
    /length of 9007199254740992 bytes/,
  ],
  [
    '2^63 - 1',
    (peer) => peer.header(0x82, 127, '7fffffff ffffffff'),
    'LENGTH_UNREPRESENTABLE',
    1009,
    at(2),
    /length of 9223372036854775807 bytes/,
  ],
  [
    '2^53 - 1',
    (peer) => peer.header(0x82, 127, '001fffff ffffffff'),
    'MESSAGE_TOO_LARGE',
    1009,
    at(0),
    /message of 9007199254740991 bytes; the limit \(maxPayload\) is 100000 /,
  ],
  [
    'a message over maxPayload',
    (peer) => peer.header(0x82, 127, '00000000 000186a1'),
    'MESSAGE_TOO_LARGE',
    1009,
    at(0),
    /sent a message of 100001 bytes/,
  ],
  [
    'a first fragment over maxPayload',
    (peer) => peer.header(0x02, 127, '00000000 000186a1'),
    'MESSAGE_TOO_LARGE',
    1009,
    at(0),
    /a message of at least 100001 bytes/,
  ],
  [
    'fragments over maxPayload together',
    (peer) => join(peer.binary('a', false), peer.header(0x80, 127, '00000000 000186a0')),
    'MESSAGE_TOO_LARGE',
    1009,
    (peer) => peer.binary('a').length,
    /a message of at least 100001 bytes/,
  ],
  [
    'more fragments than maxFragments',
    (peer) => join(peer.binary('', false), ...new Array(10).fill(peer.more('', false))),
    'TOO_MANY_FRAGMENTS',
    1008,
    (peer) => peer.more('').length * 10,
    /in more than 10 fragments/,
  ],
  [
    'text that is not UTF-8',
    (peer) => peer.text([0x61, 0xff, 0x61]),
    'INVALID_UTF8',
    1007,
    inPayload(1, 3),
    /the byte 0xFF cannot stand there/,
  ],
  [
    'text that ends in a character',
    (peer) => peer.text([0x61, 0xc3]),
    'INVALID_UTF8',
    1007,
    inPayload(1, 2),
    /ends in the middle of a character/,
  ],
  [
    'long text that is not UTF-8',
    (peer) => peer.text(join(new Uint8Array(300).fill(0x61), bytes('ä'), Uint8Array.of(0x80), new Uint8Array(300))),
    'INVALID_UTF8',
    1007,
    inPayload(302, 603),
    /the byte 0x80 cannot stand there/,
  ],
  [
    'a fragment that is not UTF-8 with what came before',
    (peer) => join(peer.text([0xe2, 0x82], false), peer.more('', false), peer.more([0x2c])),
    'INVALID_UTF8',
    1007,
    (peer) => peer.text('ab').length + peer.more('').length + peer.headerLength(1),
    /the byte 0x2C cannot stand there/,
  ],
  [
    'a message that ends in a character, with an empty fragment',
    (peer) => join(peer.text([0xe2, 0x82], false), peer.more('')),
    'INVALID_UTF8',
    1007,
    (peer) => peer.text('ab').length + peer.headerLength(0) - 1,
    /ends in the middle of a character/,
  ],
  [
    'a Close frame of 1 byte',
    (peer) => peer.frame(8, 'a'),
    'INVALID_CLOSE_PAYLOAD',
    1002,
    inPayload(0, 1),
    /payload of 1 byte/,
  ],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map(
    (code): Violation => [
      `close code ${code}`,
      (peer) => peer.close(code),
      'INVALID_CLOSE_CODE',
      1002,
      inPayload(0, 2),
      new RegExp(`with code ${code} \\(`),
    ],
  ),
  [
    'a reason that is not UTF-8',
    (peer) => peer.close(1000, [0x61, 0xfe]),
    'INVALID_CLOSE_REASON',
    1007,
    inPayload(3, 4),
    /reason is not UTF-8/,
  ],
  [
    'a reason that ends in a character',
    (peer) => peer.close(1000, [0xe2, 0x82]),
    'INVALID_CLOSE_REASON',
    1007,
    inPayload(3, 4),
    /reason is not UTF-8/,
  ],
]

describe.each(SIDES)('what a %s refuses', (side) => {
  test.each(VIOLATIONS)('%s', (_, make, code, closeCode, offset, message) => {
    const first = new FrameMaker(side === 'server' ? 'client' : 'server').text('first')
    const results = [1, 2, 3, 7, 1_000_000].map((size) => {
      const fixture = new Fixture(side)
      const { receiver, peer, told } = fixture
      const stream = join(first, make(peer), peer.text('never read'))
      receiveInChunks(receiver, size < 7 ? stream.slice(0, 2_000) : stream, size)
      receiver.receive(stream)
      expect(told.filter((event) => event.startsWith('violation'))).toEqual([`violation ${code}`])
      expect(told.at(-1)).toBe(`violation ${code}`)
      const { error } = fixture
      expect(error).toMatchObject({ code, closeCode, side: peer.side, offset: first.length + offset(peer) })
      expect(error?.message).toMatch(message)
      expect(error?.message).toContain(
        `(frame ${error?.frameNumber}, byte ${error?.offset}; RFC 6455 section ${error?.section})`,
      )
      return error!
    })
    const whole = results.at(-1)!
    for (const error of results) {
      expect(error.frameNumber).toBe(whole.frameNumber)
      // In chunks, less of the header may have arrived.
      expect(Buffer.from(whole.header.slice(0, error.header.length))).toEqual(Buffer.from(error.header))
    }
  })

  test('the wrong masking', () => {
    const fixture = new Fixture(side)
    const wrong = new FrameMaker(side)
    fixture.receiver.receive(wrong.text('a'))
    expect(fixture.error).toMatchObject({
      code: side === 'server' ? 'UNMASKED_FRAME' : 'MASKED_FRAME',
      closeCode: 1002,
      section: '5.1',
      offset: 1,
      frameNumber: 1,
    })
    expect(fixture.error?.hint).toMatch(side === 'server' ? /no client by its framing/ : /frames like a client/)
  })

  test('keeps the header of the offending frame, in memory of its own', () => {
    const fixture = new Fixture(side)
    const { receiver, peer } = fixture
    const frame = peer.frame(1, new Uint8Array(300), { rsv1: true })
    const chunk = Buffer.from(frame)
    receiver.receive(chunk)
    chunk.fill(0)
    expect(Buffer.from(fixture.error!.header)).toEqual(Buffer.from(frame.slice(0, peer.headerLength(300))))
    expect(fixture.error!.header.buffer.byteLength).toBeLessThan(20)
    expect(fixture.error?.explain()).toContain('300')
  })

  test('keeps the header of a frame whose payload was refused', () => {
    for (const length of [1, 200, 70_000]) {
      const fixture = new Fixture(side)
      const { receiver, peer } = fixture
      const frame = peer.text(new Uint8Array(length).fill(0xff))
      receiver.receive(frame.slice())
      expect(Buffer.from(fixture.error!.header)).toEqual(Buffer.from(frame.slice(0, peer.headerLength(length))))
    }
  })

  test('text is refused at the first byte that no text could have there, before the frame is complete', () => {
    const { receiver, peer, told } = new Fixture(side)
    receiver.receive(peer.text([0x61, 0xf4, 0x90, 0x61, 0x61, 0x61]).slice(0, peer.headerLength(6) + 3))
    expect(told).toEqual(['violation INVALID_UTF8'])
  })

  test('HTTP where a frame should be gets a hint', () => {
    const fixture = new Fixture(side)
    fixture.receiver.receive(bytes('GET /chat HTTP/1.1\r\n'))
    expect(fixture.error?.message).toMatch(/The bytes are HTTP \("GET"\)/)
    expect(Buffer.from(fixture.error!.header).toString()).toBe('GE')
  })
})

describe('limits', () => {
  test('a message of exactly maxPayload, in maxFragments fragments, is taken', () => {
    const { receiver, peer, told } = new Fixture('server', { maxPayload: 4, maxFragments: 3 })
    receiver.receive(join(peer.binary([1, 2, 3, 4]), peer.binary([1], false), peer.more([2, 3], false), peer.more([4])))
    expect(told).toEqual(['binary 01020304', 'binary 01020304'])
  })

  test('none at all: lengths that no memory holds are still waited for', () => {
    const { receiver, peer, told } = new Fixture('client', { maxPayload: Number.POSITIVE_INFINITY })
    receiver.receive(join(peer.header(0x82, 127, '001fffff ffffffff'), new Uint8Array(100)))
    expect(told).toEqual([])
  })

  test('raised above 2 GiB, they stay what they are', () => {
    const { receiver, peer, told } = new Fixture('client', { maxPayload: 2 ** 31 + 5 })
    receiver.receive(peer.text('a'))
    receiver.receive(peer.header(0x82, 127, '00000000 80000006'))
    expect(told).toEqual(['text "a"', 'violation MESSAGE_TOO_LARGE'])
  })

  test('can be changed between two frames', () => {
    const { receiver, peer, told } = new Fixture('server', { maxPayload: 2 })
    receiver.maxPayload = 3
    receiver.receive(peer.binary([1, 2, 3]))
    receiver.maxPayload = 2
    receiver.receive(peer.binary([1, 2, 3]))
    expect(told).toEqual(['binary 010203', 'violation MESSAGE_TOO_LARGE'])
  })

  test('control frames are not counted as fragments', () => {
    const { receiver, peer, told } = new Fixture('server', { maxFragments: 2 })
    receiver.receive(join(peer.text('a', false), ...new Array(20).fill(peer.ping()), peer.more('b')))
    expect(told.at(-1)).toBe('text "ab"')
  })

  test('memory is taken for what has arrived, not for what is announced', () => {
    const sizes: number[] = []
    const platform: Platform = {
      ...nodePlatform,
      allocate(length) {
        sizes.push(length)
        return nodePlatform.allocate(length)
      },
    }
    const { receiver, peer } = new Fixture('client', { maxPayload: 2 ** 30, platform })
    receiver.receive(join(peer.header(0x82, 127, '00000000 3fffffff'), new Uint8Array(1_000)))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_096)
  })

  test('a message whose size is known takes no more memory than that', () => {
    const sizes: number[] = []
    const platform: Platform = {
      ...nodePlatform,
      allocate(length) {
        sizes.push(length)
        return nodePlatform.allocate(length)
      },
    }
    const { receiver, peer } = new Fixture('client', { platform })
    const frame = peer.binary(new Uint8Array(6_000))
    receiver.receive(frame.slice(0, 4_000))
    receiver.receive(frame.slice(4_000))
    expect(sizes).toEqual([6_000])
  })

  test('a fragmented message takes no more memory than maxPayload', () => {
    const sizes: number[] = []
    const platform: Platform = {
      ...nodePlatform,
      allocate(length) {
        sizes.push(length)
        return nodePlatform.allocate(length)
      },
    }
    const { receiver, peer } = new Fixture('client', { maxPayload: 10_000, platform })
    receiver.receive(join(peer.binary(new Uint8Array(6_000), false)))
    expect(Math.max(...sizes)).toBe(10_000)
  })

  test.each(SIDES)('a message that memory cannot be had for fails the connection of a %s', (side) => {
    const platform: Platform = {
      ...nodePlatform,
      allocate(length) {
        if (length >= 2_000) throw new RangeError('Array buffer allocation failed')
        return nodePlatform.allocate(length)
      },
    }
    const fixture = new Fixture(side, { platform })
    const { receiver, peer, told } = fixture
    receiver.receive(join(peer.ping('p'), peer.binary(new Uint8Array(1_000), false)))
    receiver.receive(peer.more(new Uint8Array(1_001)).slice(0, -1))
    receiver.receive(peer.text('never read'))
    expect(told).toEqual(['ping 70', 'violation MESSAGE_TOO_LARGE'])
    expect(fixture.error).toMatchObject({ closeCode: 1009, frameNumber: 3 })
    expect(fixture.error?.message).toMatch(/a message of 2001 bytes, more than memory can be had for/)
  })

  test.each(['utf8Decode', 'asciiDecode'] as const)(
    'a text too long for a string fails the connection (%s)',
    (decode) => {
      const platform: Platform = {
        ...nodePlatform,
        [decode](chunk: Uint8Array, start: number, end: number) {
          if (end - start > 10) throw new Error('Cannot create a string longer than 10 characters')
          return nodePlatform[decode](chunk, start, end)
        },
      }
      const text = decode === 'asciiDecode' ? 'a'.repeat(11) : 'ä'.repeat(6)
      for (const side of SIDES) {
        const fixture = new Fixture(side, { platform })
        const { receiver, peer, told } = fixture
        const good = peer.text('good')
        receiver.receive(good.slice())
        receiver.receive(join(peer.text(text.slice(0, 3), false), peer.more(text.slice(3))))
        expect(told).toEqual(['text "good"', 'violation MESSAGE_TOO_LARGE'])
        const rest = bytes(text.slice(3)).length
        const payloadAt = good.length + peer.text(text.slice(0, 3)).length + peer.headerLength(rest)
        expect(fixture.error).toMatchObject({ closeCode: 1009, frameNumber: 3, offset: payloadAt })
        expect(fixture.error?.message).toMatch(/a text of 1[12] bytes, too long for a string here/)
      }
      const fixture = new Fixture('client', { platform: { ...platform, utf8Decode: platform[decode] } })
      fixture.receiver.receive(join(fixture.peer.ping(), fixture.peer.text(text)))
      expect(fixture.told).toEqual(['ping ', 'violation MESSAGE_TOO_LARGE'])
      expect(fixture.error).toMatchObject({ frameNumber: 2, offset: 4 })
    },
  )
})

describe('RFC 6455 section 5.7', () => {
  test.each([
    ['a single-frame unmasked text message', 'client', '81 05 48 65 6c 6c 6f', ['text "Hello"']],
    ['a single-frame masked text message', 'server', '81 85 37 fa 21 3d 7f 9f 4d 51 58', ['text "Hello"']],
    ['a fragmented unmasked text message', 'client', '01 03 48 65 6c 80 02 6c 6f', ['text "Hello"']],
    ['an unmasked ping', 'client', '89 05 48 65 6c 6c 6f', ['ping 48656c6c6f']],
    ['its masked pong', 'server', '8a 85 37 fa 21 3d 7f 9f 4d 51 58', ['pong 48656c6c6f']],
  ] as const)('%s', (_, side, digits, events) => {
    const { receiver, told } = new Fixture(side)
    receiver.receive(hex(digits))
    expect(told).toEqual(events)
  })

  test('256 bytes and 64 KiB of binary data', () => {
    const { receiver, payloads } = new Fixture('client')
    receiver.receive(join(hex('82 7e 01 00'), new Uint8Array(256).fill(1)))
    receiver.receive(join(hex('82 7f 00 00 00 00 00 01 00 00'), new Uint8Array(65536).fill(2)))
    expect(payloads.map((payload) => [payload.length, payload[0]])).toEqual([
      [256, 1],
      [65536, 2],
    ])
  })
})

test('a key of zeros, and one of all bits, unmask as any other', () => {
  const { receiver, told } = new Fixture('server')
  for (const key of [new Uint8Array(4), new Uint8Array(4).fill(0xff), KEY]) {
    receiver.receive(new FrameMaker('client').frame(Opcode.Text, 'ä', { maskingKey: key }))
  }
  expect(told).toEqual(['text "ä"', 'text "ä"', 'text "ä"'])
})
