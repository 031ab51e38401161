import { Opcode } from '../../../src/protocol/opcode.ts'
import { FrameMaker, hex } from '../../protocol/frames.ts'
import { accepts, type Rule, rejects } from '../case.ts'

const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536]

const LONGER = /An earlier payload may have been longer than its header said/

const plain = new FrameMaker('server')
const masked = new FrameMaker('client')
/** Makes frames as the other side of this one has to. */
const wrongly = (maker: FrameMaker) => (maker.side === 'client' ? plain : masked)

/** Section 5.1: who masks. Section 5.2: the fields of a frame. Section 5.3: masking. */
export const FRAMING: Rule[] = [
  // 5.1: a server takes masked frames only, a client unmasked ones only
  ...wrongMask('a text frame', (maker) => maker.text('a')),
  ...wrongMask('an empty text frame', (maker) => maker.text('')),
  ...wrongMask('a binary frame of 65536 bytes', (maker) => maker.binary(pattern(65_536))),
  ...wrongMask('a ping', (maker) => maker.ping('a')),
  ...wrongMask('a Close frame', (maker) => maker.close(1000)),

  // 5.2, payload lengths
  ...SIZES.flatMap((size) => [
    accepts('5.2', `a binary message of ${size} bytes`, (maker) => [maker.binary(pattern(size))]),
    accepts('5.2', `a text message of ${size} bytes`, (maker) => [maker.text('*'.repeat(size))]),
  ]),
  accepts('5.2', 'messages of every size behind each other', (maker) =>
    SIZES.flatMap((size) => [maker.binary(pattern(size)), maker.text('a'.repeat(size))]),
  ),
  ...(
    [
      ['0 in 16 bits', 126, '0000'],
      ['125 in 16 bits', 126, '007d'],
      ['0 in 64 bits', 127, '0000000000000000'],
      ['125 in 64 bits', 127, '000000000000007d'],
      ['126 in 64 bits', 127, '000000000000007e'],
      ['65535 in 64 bits', 127, '000000000000ffff'],
    ] as const
  ).map(([name, length7, extended]) =>
    rejects(
      '5.2',
      `a length that is not minimal: ${name}`,
      1002,
      { code: 'LENGTH_NOT_MINIMAL', frame: 2, byte: 2 },
      (peer) => [peer.text('ok'), peer.header(0x82, length7, extended)],
      (own) => [own.text('ok')],
    ),
  ),
  ...['8000000000000000', '8000000000000001', 'ffffffffffffffff'].map((extended) =>
    rejects(
      '5.2',
      `a 64-bit length with its top bit set: ${extended}`,
      1002,
      { code: 'LENGTH_TOP_BIT', frame: 1, byte: 2 },
      (peer) => [peer.header(0x82, 127, extended)],
    ),
  ),
  ...['0020000000000000', '7fffffffffffffff'].map((extended) =>
    rejects(
      '5.2',
      `a length above 2^53 - 1: ${extended}`,
      1009,
      { code: 'LENGTH_UNREPRESENTABLE', frame: 1, byte: 2 },
      (peer) => [peer.header(0x82, 127, extended)],
    ),
  ),

  // 5.2, reserved bits: no extension was negotiated
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => {
    const fields = { rsv1: (bits & 4) !== 0, rsv2: (bits & 2) !== 0, rsv3: (bits & 1) !== 0 }
    const hint = bits === 4 ? /RSV1 marks a compressed message \(RFC 7692\)/ : LONGER
    return [
      ...[Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Close].map((opcode) =>
        rejects(
          '5.2',
          `RSV ${bits}, opcode ${opcode}`,
          1002,
          { code: 'RESERVED_BITS', frame: 1, byte: 0, hint },
          (peer) => [peer.frame(opcode, '', fields)],
        ),
      ),
      rejects(
        '5.2',
        `RSV ${bits} between good frames`,
        1002,
        { code: 'RESERVED_BITS', frame: 3, byte: 0, hint },
        (peer) => [
          peer.text('good'),
          peer.ping('p'),
          peer.frame(Opcode.Text, 'bad', fields),
          peer.text('ignored'),
          peer.close(1000),
        ],
        (own) => [own.text('good'), own.pong('p')],
      ),
    ]
  }),

  // 5.2, reserved opcodes
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    rejects(
      '5.2',
      `opcode ${opcode}, empty`,
      1002,
      { code: 'RESERVED_OPCODE', frame: 1, byte: 0, hint: LONGER },
      (peer) => [peer.frame(opcode)],
    ),
    rejects(
      '5.2',
      `opcode ${opcode}, with a payload`,
      1002,
      { code: 'RESERVED_OPCODE', frame: 2, byte: 0, hint: LONGER },
      (peer) => [peer.text('good'), peer.frame(opcode, 'reserved'), peer.ping('ignored')],
      (own) => [own.text('good')],
    ),
  ]),

  // 5.3
  ...['00000000', 'ffffffff', '01020304', '80000000', '00000080'].map((key) =>
    accepts(
      '5.3',
      `a masking key of ${key}, where there is one`,
      (maker) => {
        const maskingKey = maker.side === 'client' ? hex(key) : undefined
        return [0, 1, 2, 3, 4, 5, 63, 300].map((size) => maker.frame(Opcode.Binary, pattern(size), { maskingKey }))
      },
      (own) => [0, 1, 2, 3, 4, 5, 63, 300].map((size) => own.binary(pattern(size))),
    ),
  ),

  // What does not look like frames at all. Each first byte has a reserved bit or opcode.
  ...(
    [
      ['an HTTP request', 'GET / HTTP/1.1\r\n\r\n', 'RESERVED_BITS', /The bytes are HTTP \("GET"\)/],
      ['an HTTP response', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'RESERVED_BITS', /The bytes are HTTP \("HTTP\/"\)/],
      ['JSON without a frame', '{"hello":"world"}', 'RESERVED_BITS', /The bytes are plain text/],
    ] as const
  ).map(([name, text, code, hint]) =>
    rejects('5.2', name, 1002, { code, frame: 1, byte: 0, hint }, () => [new TextEncoder().encode(text)]),
  ),
  rejects(
    '5.2',
    'a TLS handshake',
    1002,
    { code: 'RESERVED_BITS', frame: 1, byte: 0, hint: /The bytes are a TLS handshake/ },
    () => [hex('16 03 01 02 00 01 00 01 fc 03 03')],
  ),
]

/** A frame masked as the other side has to, as the first one and behind a good one. The rule differs by role. */
function wrongMask(name: string, make: (maker: FrameMaker) => Uint8Array): Rule[] {
  const roles = [
    ['server', 'UNMASKED_FRAME', /The peer is no client by its framing/],
    ['client', 'MASKED_FRAME', /The peer frames like a client/],
  ] as const
  return roles.flatMap(([only, code, hint]) =>
    [0, 1].map((before) => ({
      ...rejects(
        '5.1',
        `${name} ${only === 'server' ? 'without' : 'with'} a mask, behind ${before} good ones`,
        1002,
        { code, frame: before + 1, byte: 1, hint },
        (peer) => [...(before === 0 ? [] : [peer.text('good')]), make(wrongly(peer)), peer.close(1000)],
        (own) => (before === 0 ? [] : [own.text('good')]),
      ),
      only,
    })),
  )
}

/** Bytes that repeat after no power of two. */
export function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) % 251)
}
