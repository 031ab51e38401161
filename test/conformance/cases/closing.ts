import type { CloseInfo } from '../../../src/protocol/close-info.ts'
import { hex, join } from '../../protocol/frames.ts'
import { type Rule, rejects } from '../case.ts'

type Report = Omit<CloseInfo, 'error'>

const PEER_CLOSES: Report = {
  code: 1000,
  reason: '',
  wasClean: true,
  initiator: 'peer',
  cause: 'peer-close',
  sent: 1000,
  received: 1000,
}

const VALID_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
const INVALID_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 2000, 2999, 5000, 32_768, 65_535]

/** Sections 5.5.1 and 7: the closing handshake, from either side, and the ways in which it is not reached. */
export const CLOSING: Rule[] = [
  {
    section: '5.5.1',
    name: 'a Close frame without a payload is answered with one',
    input: (peer) => [peer.close()],
    output: (own) => [own.close()],
    report: { ...PEER_CLOSES, code: 1005, sent: 1005, received: 1005 },
  },
  ...VALID_CODES.map(
    (code): Rule => ({
      section: '7.4',
      name: `code ${code} is answered with itself`,
      input: (peer) => [peer.close(code)],
      output: (own) => [own.close(code)],
      report: { ...PEER_CLOSES, code, sent: code, received: code },
    }),
  ),
  ...['bye', 'a', 'Grüße, 世界', 'x'.repeat(123), '€'.repeat(41)].map(
    (reason): Rule => ({
      section: '7.1.6',
      name: `the reason ${reason} is reported, and not sent back`,
      input: (peer) => [peer.close(1001, reason)],
      output: (own) => [own.close(1001)],
      report: { ...PEER_CLOSES, code: 1001, reason, sent: 1001, received: 1001 },
    }),
  ),
  {
    section: '5.5.1',
    name: 'messages before the Close frame are still answered',
    input: (peer) => [peer.text('a'), peer.ping('p'), peer.binary('b'), peer.close(1000)],
    output: (own) => [own.text('a'), own.pong('p'), own.binary('b'), own.close(1000)],
    report: PEER_CLOSES,
  },
  ...(
    [
      ['a message', (peer) => [peer.text('late')]],
      ['a ping, which is not answered', (peer) => [peer.ping('late')]],
      ['a second Close frame', (peer) => [peer.close(1001, 'late')]],
      ['what breaks a rule', (peer) => [peer.frame(3, 'late'), peer.more('late')]],
      ['a large message', (peer) => [peer.binary(new Uint8Array(70_000))]],
      ['half a frame', (peer) => [peer.text('late').slice(0, 3)]],
      ['bytes that are no frames', () => [hex('ff ff ff ff ff ff')]],
    ] as [string, Rule['input']][]
  ).map(
    ([name, late]): Rule => ({
      section: '1.4',
      name: `after a Close frame, this is discarded: ${name}`,
      input: (peer) => [peer.close(1000, 'first'), ...late(peer)],
      output: (own) => [own.close(1000)],
      report: { ...PEER_CLOSES, reason: 'first' },
    }),
  ),
  rejects('5.5.1', 'a payload of one byte', 1002, { code: 'INVALID_CLOSE_PAYLOAD', frame: 1, payload: 0 }, (peer) => [
    peer.frame(8, 'a'),
    peer.text('ignored'),
  ]),
  ...INVALID_CODES.flatMap((code) =>
    ['', 'with a reason'].map((reason) =>
      rejects(
        '7.4',
        `code ${code} must not be sent ${reason}`,
        1002,
        { code: 'INVALID_CLOSE_CODE', frame: 2, payload: 0 },
        (peer) => [peer.text('good'), peer.close(code, reason)],
        (own) => [own.text('good')],
      ),
    ),
  ),
  ...(
    [
      ['a byte that no text has', 'ff', 0],
      ['an overlong form', '61 c0 af', 1],
      ['a surrogate', '61 62 ed a0 80', 3],
      ['Greek, then a surrogate', 'ce ba e1 bd b9 ed a0 80', 6],
      ['half a character', '61 62 63 e2 82', 4],
    ] as const
  ).map(([name, digits, at]) =>
    rejects(
      '5.5.1',
      `a reason that is not UTF-8: ${name}`,
      1007,
      { code: 'INVALID_CLOSE_REASON', frame: 1, payload: 2 + at },
      (peer) => [peer.close(1000, hex(digits))],
    ),
  ),

  // 7.1.2: begun by the endpoint
  ...(
    [
      [1000, ''],
      [1001, 'going'],
      [4999, 'x'.repeat(123)],
      [1005, ''],
    ] as const
  ).map(
    ([code, reason]): Rule => ({
      section: '7.1.2',
      name: `the endpoint closes with ${code}, the peer answers`,
      closes: [code, reason],
      input: (peer) => [code === 1005 ? peer.close() : peer.close(code)],
      output: (own) => [code === 1005 ? own.close() : own.close(code, reason)],
      report: { ...PEER_CLOSES, initiator: 'local', cause: 'local-close', code, sent: code, received: code },
    }),
  ),
  {
    section: '7.1.2',
    name: 'crossed closes: both send one, neither is answered',
    closes: [4000, 'mine'],
    input: (peer) => [peer.close(4001, 'theirs')],
    output: (own) => [own.close(4000, 'mine')],
    report: {
      ...PEER_CLOSES,
      initiator: 'local',
      cause: 'local-close',
      code: 4001,
      reason: 'theirs',
      sent: 4000,
      received: 4001,
    },
  },
  {
    section: '5.5.1',
    name: 'after its own Close frame the endpoint still reads, and sends nothing',
    closes: [1000, 'enough'],
    input: (peer) => [peer.text('read'), peer.ping('not answered'), peer.binary('read'), peer.close(1000)],
    output: (own) => [own.close(1000, 'enough')],
    report: { ...PEER_CLOSES, initiator: 'local', cause: 'local-close' },
  },
  {
    ...rejects(
      '7.1.7',
      '',
      1002,
      { code: 'RESERVED_OPCODE', frame: 2, byte: 0, hint: /longer than its header/ },
      (peer) => [peer.text('read'), peer.frame(3), peer.close(1000)],
    ),
    name: 'what breaks a rule after the endpoint began to close ends the connection without a second Close frame',
    closes: [1000, 'first'],
    output: (own) => [own.close(1000, 'first')],
    report: {
      code: 1006,
      reason: '',
      wasClean: false,
      initiator: 'local',
      cause: 'local-close',
      sent: 1000,
      received: undefined,
    },
  },

  // 7.1.5: TCP ends without a Close frame
  ...(
    [
      ['at once', () => [], () => []],
      ['after a message', (peer) => [peer.text('a')], (own) => [own.text('a')]],
      ['after a ping', (peer) => [peer.ping('p')], (own) => [own.pong('p')]],
      ['within a header', (peer) => [peer.text('a'), peer.text('b').slice(0, 1)], (own) => [own.text('a')]],
      ['within a payload', (peer) => [peer.text('a'), peer.text('bcd').slice(0, -1)], (own) => [own.text('a')]],
      ['within a message', (peer) => [peer.text('a', false)], () => []],
      ['within a Close frame', (peer) => [peer.close(1000, 'bye').slice(0, -1)], () => []],
    ] as [string, Rule['input'], Rule['output']][]
  ).map(
    ([name, input, output]): Rule => ({
      section: '7.1.5',
      name: `TCP ends ${name}`,
      thenEnds: true,
      input,
      output,
      report: {
        code: 1006,
        reason: '',
        wasClean: false,
        initiator: 'peer',
        cause: 'eof',
        sent: undefined,
        received: undefined,
      },
    }),
  ),
  {
    section: '7.1.5',
    name: 'TCP ends after the endpoint began to close',
    closes: [1000, 'unanswered'],
    thenEnds: true,
    input: (peer) => [peer.text('read')],
    output: (own) => [own.close(1000, 'unanswered')],
    report: {
      code: 1006,
      reason: '',
      wasClean: false,
      initiator: 'local',
      cause: 'local-close',
      sent: 1000,
      received: undefined,
    },
  },
  {
    section: '7.1.4',
    name: 'TCP ends right behind a Close frame',
    thenEnds: true,
    input: (peer) => [peer.text('a'), peer.close(1000, 'bye')],
    output: (own) => [own.text('a'), own.close(1000)],
    report: { ...PEER_CLOSES, reason: 'bye' },
  },
  {
    section: '5.7',
    name: 'the examples of the RFC',
    only: 'client',
    input: (peer) => [
      hex('81 05 48 65 6c 6c 6f'),
      hex('01 03 48 65 6c 80 02 6c 6f'),
      hex('89 05 48 65 6c 6c 6f'),
      join(hex('82 7e 01 00'), new Uint8Array(256).fill(7)),
      join(hex('82 7f 00 00 00 00 00 01 00 00'), new Uint8Array(65_536).fill(7)),
      peer.close(1000),
    ],
    output: (own) => [
      own.text('Hello'),
      own.text('Hello'),
      own.pong('Hello'),
      own.binary(new Uint8Array(256).fill(7)),
      own.binary(new Uint8Array(65_536).fill(7)),
      own.close(1000),
    ],
    report: PEER_CLOSES,
  },
  {
    section: '5.7',
    name: 'the examples of the RFC',
    only: 'server',
    input: (peer) => [
      hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'),
      hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58'),
      hex('89 85 37 fa 21 3d 7f 9f 4d 51 58'),
      peer.close(1000),
    ],
    output: (own) => [hex('81 05 48 65 6c 6c 6f'), hex('8a 05 48 65 6c 6c 6f'), own.close(1000)],
    report: PEER_CLOSES,
  },
]
