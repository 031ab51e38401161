import { hex, join } from '../../protocol/frames.ts'
import { accepts, type Rule, rejects } from '../case.ts'
import { pattern } from './framing.ts'

const LIMITS = { maxPayload: 1_000, maxFragments: 4 }

/** Section 10.4: limits of the implementation. */
export const LIMITED: Rule[] = [
  accepts('10.4', 'a message of exactly maxPayload', (maker) => [maker.binary(pattern(1_000))], undefined, LIMITS),
  accepts(
    '10.4',
    'a message of exactly maxPayload and maxFragments',
    (peer) => [peer.binary(pattern(997), false), peer.more([1], false), peer.more([2], false), peer.more([3])],
    (own) => [own.binary(join(pattern(997), hex('01 02 03')))],
    LIMITS,
  ),
  accepts(
    '10.4',
    'each message is counted for itself',
    (maker) => new Array(5).fill(maker.binary(pattern(999))),
    undefined,
    LIMITS,
  ),
  accepts(
    '10.4',
    'control frames are not counted',
    (peer) => [peer.text('a', false), ...new Array(20).fill(peer.ping(pattern(125))), peer.more('b')],
    (own) => [...new Array(20).fill(own.pong(pattern(125))), own.text('ab')],
    LIMITS,
  ),
  accepts('10.4', 'a limit of 0 takes empty messages', (maker) => [maker.text(''), maker.binary('')], undefined, {
    maxPayload: 0,
  }),
  rejects(
    '10.4',
    'a limit of 0 takes no others',
    1009,
    { code: 'MESSAGE_TOO_LARGE', frame: 1, byte: 0 },
    (peer) => [peer.text('a')],
    undefined,
    { maxPayload: 0 },
  ),
  ...(
    [
      ['1,001 bytes', 126, '03e9'],
      ['65,535 bytes', 126, 'ffff'],
      ['65,536 bytes', 127, '0000000000010000'],
      ['2^31 bytes', 127, '0000000080000000'],
      ['2^32 + 1 bytes', 127, '0000000100000001'],
      ['2^53 - 1 bytes', 127, '001fffffffffffff'],
    ] as const
  ).flatMap(([name, length7, extended]) => [
    rejects(
      '10.4',
      `a message of ${name} is refused by its header`,
      1009,
      { code: 'MESSAGE_TOO_LARGE', frame: 2, byte: 0 },
      (peer) => [peer.text('good'), peer.header(0x82, length7, extended)],
      (own) => [own.text('good')],
      LIMITS,
    ),
    rejects(
      '10.4',
      `a fragment of ${name} is refused by its header`,
      1009,
      { code: 'MESSAGE_TOO_LARGE', frame: 2, byte: 0 },
      (peer) => [peer.text('', false), peer.header(0x00, length7, extended)],
      undefined,
      LIMITS,
    ),
  ]),
  rejects(
    '10.4',
    'fragments that are too large together',
    1009,
    { code: 'MESSAGE_TOO_LARGE', frame: 3, byte: 0 },
    (peer) => [peer.binary(pattern(500), false), peer.more(pattern(500), false), peer.more([1], false)],
    undefined,
    LIMITS,
  ),
  rejects(
    '10.4',
    'more fragments than maxFragments, all of them empty',
    1008,
    { code: 'TOO_MANY_FRAGMENTS', frame: 6, byte: 0 },
    (peer) => [
      peer.text('', false),
      peer.more('', false),
      peer.ping('p'),
      peer.more('', false),
      peer.more('', false),
      peer.more(''),
    ],
    (own) => [own.pong('p')],
    LIMITS,
  ),
]
