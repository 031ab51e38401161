import { Opcode } from '../../../src/protocol/opcode.ts'
import { hex, join } from '../../protocol/frames.ts'
import { accepts, type Rule, rejects } from '../case.ts'
import { inFragments } from './fragmentation.ts'

const KOSME = 'ce ba e1 bd b9 cf 83 ce bc ce b5'

const VALID: [name: string, digits: string][] = [
  ['nothing', ''],
  ['ASCII and Latin', Buffer.from('Hello-µ@ßöäüàá-UTF-8!!').toString('hex')],
  ['Greek', KOSME],
  ['mixed', Buffer.from('a Ω 漢 🙂 z').toString('hex')],
  ['a byte order mark', 'ef bb bf'],
  ['U+0000', '00'],
  ['U+007F, the last of 1 byte', '7f'],
  ['U+0080, the first of 2 bytes', 'c2 80'],
  ['U+07FF, the last of 2 bytes', 'df bf'],
  ['U+0800, the first of 3 bytes', 'e0 a0 80'],
  ['U+D7FF, before the surrogates', 'ed 9f bf'],
  ['U+E000, behind the surrogates', 'ee 80 80'],
  ['U+FFFD', 'ef bf bd'],
  ['U+FFFE and U+FFFF', 'ef bf be ef bf bf'],
  ['U+FDD0, a noncharacter', 'ef b7 90'],
  ['U+10000, the first of 4 bytes', 'f0 90 80 80'],
  ['U+1FFFE and U+1FFFF', 'f0 9f bf be f0 9f bf bf'],
  ['U+10FFFE', 'f4 8f bf be'],
  ['U+10FFFF, the last of all', 'f4 8f bf bf'],
]

/** An exclamation mark stands before the first byte that cannot stand where it is. */
const IMPOSSIBLE: [name: string, digits: string][] = [
  ['a continuation byte, the first', '!80'],
  ['a continuation byte, the last', '!bf'],
  ['a continuation byte too many', 'c3 a4 !80'],
  ['continuation bytes', '61 !80 bf 80 bf'],
  ...['c0', 'c1', 'f5', 'f6', 'f7', 'f8', 'fb', 'fc', 'fd', 'fe', 'ff'].map((byte): [string, string] => [
    `${byte}, which no text has`,
    `61 62 !${byte} 63`,
  ]),
  ['a start of 2 bytes, then ASCII', 'c3 !20 61'],
  ['a start of 3 bytes, then ASCII', 'e6 !20 61'],
  ['a start of 3 bytes and one more, then ASCII', 'e6 bc !20 61'],
  ['a start of 4 bytes, then ASCII', 'f0 !20 61'],
  ['a start of 4 bytes and two more, then ASCII', 'f0 9f 99 !20 61'],
  ['two starts', 'c3 !c3 a4'],
  ['an overlong form of 2 bytes', '!c0 af'],
  ['an overlong form of 3 bytes, the first', 'e0 !80 af'],
  ['an overlong form of 3 bytes, the last', 'e0 !9f bf'],
  ['an overlong form of 4 bytes, the first', 'f0 !80 80 af'],
  ['an overlong form of 4 bytes, the last', 'f0 !8f bf bf'],
  ['U+D800', 'ed !a0 80'],
  ['U+DFFF', 'ed !bf bf'],
  ['a surrogate pair', 'ed !a0 80 ed b0 80'],
  ['U+110000', 'f4 !90 80 80'],
  ['U+13FFFF', 'f4 !bf bf bf'],
  ['5 bytes', '!f8 88 80 80 80'],
  ['Greek, then a surrogate', `${KOSME} ed !a0 80 65 64 69 74 65 64`],
]

const CUT: [name: string, digits: string][] = [
  ['1 of 2 bytes', '61 c3'],
  ['1 of 3 bytes', 'e6'],
  ['2 of 3 bytes', `${KOSME} e1 bd`],
  ['1 of 4 bytes', 'f0'],
  ['2 of 4 bytes', 'f0 9f'],
  ['3 of 4 bytes', '61 62 63 f0 9f 99'],
]

/** Sections 5.6 and 8.1: text is UTF-8, checked over fragments and frames, and refused at the first impossible byte. */
export const TEXT: Rule[] = [
  ...VALID.flatMap(([name, digits]) => [
    accepts('8.1', `valid: ${name}`, (maker) => [maker.text(hex(digits))]),
    accepts(
      '8.1',
      `valid, a fragment for each byte: ${name}`,
      (peer) => [...inFragments(peer.frame.bind(peer), Opcode.Text, join(hex(digits), hex('2e')), 1)],
      (own) => [own.text(join(hex(digits), hex('2e')))],
    ),
  ]),
  accepts(
    '8.1',
    'valid: a character in three fragments, with pings between and an empty fragment',
    (peer) => [
      peer.text(hex('61 e2'), false),
      peer.ping('1'),
      peer.more(hex('82'), false),
      peer.more('', false),
      peer.ping('2'),
      peer.more(hex('ac 62')),
    ],
    (own) => [own.pong('1'), own.pong('2'), own.text('a€b')],
  ),
  accepts('5.6', 'binary need not be UTF-8', (maker) => [maker.binary(hex('ff fe 80 c0 af ed a0 80'))]),
  accepts(
    '5.6',
    'binary in fragments need not be UTF-8',
    (peer) => [peer.binary(hex('c3'), false), peer.more(hex('28'))],
    (own) => [own.binary(hex('c3 28'))],
  ),

  ...IMPOSSIBLE.flatMap(([name, digits]) => {
    const before = hex(digits.slice(0, digits.indexOf('!')))
    const payload = hex(digits.replace('!', ''))
    const at = before.length
    const long = new Uint8Array(200).fill(0x61)
    return [
      rejects(
        '8.1',
        `invalid: ${name}`,
        1007,
        { code: 'INVALID_UTF8', frame: 2, payload: at },
        (peer) => [peer.text('good'), peer.text(payload), peer.text('ignored')],
        (own) => [own.text('good')],
      ),
      rejects(
        '8.1',
        `invalid, found before the frame is complete: ${name}`,
        1007,
        { code: 'INVALID_UTF8', frame: 1, payload: at },
        (peer) => {
          const frame = peer.text(join(payload, new Uint8Array(1_000)))
          return [frame.slice(0, frame.length - payload.length - 1_000 + at + 1)]
        },
      ),
      rejects(
        '8.1',
        `invalid in the middle of a long text: ${name}`,
        1007,
        { code: 'INVALID_UTF8', frame: 1, payload: 200 + at },
        (peer) => [peer.text(join(long, payload, long))],
      ),
      rejects(
        '8.1',
        `invalid, a fragment for each byte: ${name}`,
        1007,
        { code: 'INVALID_UTF8', frame: at + 1, payload: 0 },
        (peer) => inFragments(peer.frame.bind(peer), Opcode.Text, join(payload, hex('2e')), 1),
      ),
    ]
  }),

  ...CUT.flatMap(([name, digits]) => {
    const payload = hex(digits)
    return [
      rejects('8.1', `cut: ${name}`, 1007, { code: 'INVALID_UTF8', frame: 1, payload: payload.length - 1 }, (peer) => [
        peer.text(payload),
        peer.text('ignored'),
      ]),
      rejects(
        '8.1',
        `cut, in two fragments: ${name}`,
        1007,
        { code: 'INVALID_UTF8', frame: 2, payload: payload.length - 1 },
        (peer) => [peer.text('a', false), peer.more(payload)],
      ),
      rejects(
        '8.1',
        `cut, with an empty last fragment: ${name}`,
        1007,
        // The last byte of the frame that ended the text.
        { code: 'INVALID_UTF8', frame: 2, payload: -1 },
        (peer) => [peer.text(payload, false), peer.more('')],
      ),
    ]
  }),
  rejects(
    '8.1',
    'a message that starts within the character that the last one ended in',
    1007,
    { code: 'INVALID_UTF8', frame: 1, payload: 0 },
    (peer) => [peer.text(hex('c3')), peer.text(hex('a4'))],
  ),
]
