import { encodeFrame } from 'heartwire/protocol'
import { answers, sends } from './raw.ts'
import type { Script } from './script.ts'

const KEY = Uint8Array.of(1, 2, 3, 4)

interface Frame {
  opcode: number
  payload?: string | Uint8Array
  fin?: boolean
  rsv1?: boolean
  rsv2?: boolean
  rsv3?: boolean
}

function frame({ payload = '', ...fields }: Frame, maskingKey?: Uint8Array): Uint8Array {
  return encodeFrame({ ...fields, maskingKey, payload: typeof payload === 'string' ? Buffer.from(payload) : payload })
}

const join = (...frames: Uint8Array[]) => Buffer.concat(frames)

/** What a peer sends, as frames, or as bytes for each side. */
const SENT: Record<string, Frame[] | { toServer: Uint8Array; toClient: Uint8Array }> = {
  'RSV1 without an extension': [{ opcode: 1, rsv1: true, payload: 'x' }],
  RSV2: [{ opcode: 1, rsv2: true, payload: 'x' }],
  RSV3: [{ opcode: 2, rsv3: true, payload: 'x' }],
  'RSV1 and RSV2': [{ opcode: 2, rsv1: true, rsv2: true }],
  'the opcode 3': [{ opcode: 3 }],
  'the opcode 7': [{ opcode: 7, payload: 'x' }],
  'the opcode 11': [{ opcode: 11 }],
  'the opcode 15': [{ opcode: 15 }],
  'a continuation of nothing': [{ opcode: 0, payload: 'x' }],
  'a continuation of nothing that is not the last': [{ opcode: 0, fin: false, payload: 'x' }],
  'a text within a message': [
    { opcode: 1, fin: false, payload: 'a' },
    { opcode: 1, payload: 'b' },
  ],
  'a binary message within a message': [
    { opcode: 2, fin: false, payload: 'a' },
    { opcode: 2, payload: 'b' },
  ],
  'a fragmented ping': [{ opcode: 9, fin: false }],
  'a fragmented close': [{ opcode: 8, fin: false }],
  'a ping of 126 bytes': [{ opcode: 9, payload: 'x'.repeat(126) }],
  'a pong of 70000 bytes': [{ opcode: 10, payload: 'x'.repeat(70_000) }],
  'a close of 126 bytes': [{ opcode: 8, payload: 'x'.repeat(126) }],
  'a close of 1 byte': [{ opcode: 8, payload: 'x' }],
  'a text that is not UTF-8': [{ opcode: 1, payload: Uint8Array.of(0x61, 0xff, 0x62) }],
  'a text that ends in a character': [{ opcode: 1, payload: Uint8Array.of(0x61, 0xc3) }],
  'a text with an overlong form': [{ opcode: 1, payload: Uint8Array.of(0xc0, 0xaf) }],
  'a text with a surrogate': [{ opcode: 1, payload: Uint8Array.of(0xed, 0xa0, 0x80) }],
  'a fragmented text that is not UTF-8': [
    { opcode: 1, fin: false, payload: Uint8Array.of(0xc3) },
    { opcode: 0, payload: Uint8Array.of(0x28) },
  ],
  'a character in two fragments': [
    { opcode: 1, fin: false, payload: Uint8Array.of(0xc3) },
    { opcode: 0, payload: Uint8Array.of(0xbc) },
    { opcode: 8 },
  ],
  'a close reason that is not UTF-8': [{ opcode: 8, payload: Uint8Array.of(3, 232, 0xff) }],
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535].map((code) => [
      `the close code ${code}`,
      [{ opcode: 8, payload: Uint8Array.of(code >> 8, code & 255) }],
    ]),
  ),
  ...Object.fromEntries(
    [1000, 1003, 1012, 1014, 3000, 4999].map((code) => [
      `the close code ${code}, which may be sent`,
      [{ opcode: 8, payload: Uint8Array.of(code >> 8, code & 255, 0x6f, 0x6b) }],
    ]),
  ),
  'a close without a code': [{ opcode: 8 }],
  'messages before a violation': [
    { opcode: 1, payload: 'one' },
    { opcode: 9, payload: 'two' },
    { opcode: 3 },
    { opcode: 1, payload: 'never' },
  ],
  'messages behind a close': [
    { opcode: 8, payload: Uint8Array.of(3, 232) },
    { opcode: 1, payload: 'never' },
  ],
  'the wrong side masks': {
    toServer: join(frame({ opcode: 1, payload: 'bare' })),
    toClient: join(frame({ opcode: 1, payload: 'masked' }, KEY)),
  },
  'a length over 2^53': {
    toServer: Uint8Array.of(0x82, 0xff, 0x00, 0x20, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
    toClient: Uint8Array.of(0x82, 0x7f, 0x00, 0x20, 0, 0, 0, 0, 0, 0),
  },
  'a length with its top bit set': {
    toServer: Uint8Array.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4),
    toClient: Uint8Array.of(0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 1),
  },
  'a message over maxPayload': [{ opcode: 2, payload: 'x'.repeat(1001) }],
  'a message of maxPayload': [{ opcode: 2, payload: 'x'.repeat(1000) }, { opcode: 8 }],
  'fragments over maxPayload': [
    { opcode: 2, fin: false, payload: 'x'.repeat(600) },
    { opcode: 0, payload: 'x'.repeat(401) },
  ],
  'fragments of maxPayload': [
    { opcode: 2, fin: false, payload: 'x'.repeat(600) },
    { opcode: 0, payload: 'x'.repeat(400) },
    { opcode: 8 },
  ],
  'more than maxFragments': Array.from({ length: 6 }, (_, i) => ({
    opcode: i === 0 ? 2 : 0,
    fin: i === 5,
    payload: 'x',
  })),
  maxFragments: [
    ...Array.from({ length: 5 }, (_, i) => ({ opcode: i === 0 ? 2 : 0, fin: i === 4, payload: 'x' })),
    { opcode: 8 },
  ],
  'control frames between fragments': [
    { opcode: 1, fin: false, payload: 'a' },
    { opcode: 9, payload: 'p' },
    { opcode: 0, fin: false, payload: 'b' },
    { opcode: 10, payload: 'q' },
    { opcode: 0, payload: 'c' },
    { opcode: 8, payload: Uint8Array.of(3, 232) },
  ],
  'empty fragments': [{ opcode: 1, fin: false }, { opcode: 0, fin: false }, { opcode: 0 }, { opcode: 8 }],
}

const LIMITS = { maxPayload: 1000, maxFragments: 5, perMessageDeflate: false }

function scriptsOf(name: string, sent: (typeof SENT)[string]): Script[] {
  const toServer = Array.isArray(sent) ? sent.map((one) => frame(one, KEY)) : [sent.toServer]
  const toClient = Array.isArray(sent) ? sent.map((one) => frame(one)) : [sent.toClient]
  const bytewise = join(...toServer)
  const scripts: Script[] = [
    { name: `a client sends: ${name}`, serverOptions: LIMITS, rawClient: sends(join(...toServer)) },
    { name: `a server sends: ${name}`, clientOptions: LIMITS, rawServer: answers(join(...toClient)) },
  ]
  if (bytewise.length < 40) {
    const pieces = [...bytewise].map((byte) => Uint8Array.of(byte))
    scripts.push({ name: `byte by byte: ${name}`, serverOptions: LIMITS, rawClient: sends(...pieces) })
  }
  return scripts
}

/** What peers do that they must not, and what lies beside it. */
export const VIOLATIONS: Script[] = [
  ...Object.entries(SENT).flatMap(([name, sent]) => scriptsOf(name, sent)),
  {
    name: 'skipUTF8Validation, on the server',
    serverOptions: { skipUTF8Validation: true },
    rawClient: sends(join(frame({ opcode: 1, payload: Uint8Array.of(0x61, 0xff) }, KEY), frame({ opcode: 8 }, KEY))),
  },
  {
    name: 'skipUTF8Validation, on the client',
    clientOptions: { skipUTF8Validation: true },
    rawServer: answers(
      join(
        frame({ opcode: 1, fin: false, payload: Uint8Array.of(0xff) }),
        frame({ opcode: 0, payload: Uint8Array.of(0xfe) }),
        frame({ opcode: 8 }),
      ),
    ),
  },
  {
    name: 'a violation that nobody listens to an error of ends the connection all the same',
    serverOptions: LIMITS,
    server: (ws) => void ws.on('error', () => ws.terminate()),
    rawClient: sends(frame({ opcode: 3 }, KEY)),
  },
]
