import { Opcode } from '../../../src/protocol/opcode.ts'
import { accepts, type Rule, rejects } from '../case.ts'
import { pattern } from './framing.ts'

/** Section 5.5, 5.5.2 and 5.5.3: control frames, pings and pongs. */
export const CONTROL: Rule[] = [
  ...[0, 1, 124, 125].map((size) =>
    accepts(
      '5.5.2',
      `a ping of ${size} bytes`,
      (peer) => [peer.ping(pattern(size))],
      (own) => [own.pong(pattern(size))],
    ),
  ),
  accepts(
    '5.5.2',
    'a ping of bytes that are no text',
    (peer) => [peer.ping([0, 255, 254, 253, 0])],
    (own) => [own.pong([0, 255, 254, 253, 0])],
  ),
  accepts(
    '5.5.2',
    '10 pings at once',
    (peer) => Array.from({ length: 10 }, (_, i) => peer.ping(`payload ${i}`)),
    (own) => Array.from({ length: 10 }, (_, i) => own.pong(`payload ${i}`)),
  ),
  accepts(
    '5.5.2',
    'pings between messages are answered in their order',
    (peer) => [peer.text('a'), peer.ping('1'), peer.binary('b'), peer.ping('2')],
    (own) => [own.text('a'), own.pong('1'), own.binary('b'), own.pong('2')],
  ),
  accepts(
    '5.5.3',
    'a pong that nobody asked for',
    (peer) => [peer.pong(''), peer.pong('unasked')],
    () => [],
  ),
  accepts(
    '5.5.3',
    'a pong that nobody asked for, then a ping',
    (peer) => [peer.pong('unasked'), peer.ping('p')],
    (own) => [own.pong('p')],
  ),
  accepts(
    '5.5.3',
    '10 pongs that nobody asked for, of 125 bytes',
    (peer) => Array.from({ length: 10 }, () => peer.pong(pattern(125))),
    () => [],
  ),

  ...[Opcode.Ping, Opcode.Pong, Opcode.Close].flatMap((opcode) => [
    ...[126, 127, 65_535, 65_536].map((size) =>
      rejects(
        '5.5',
        `opcode ${opcode} with ${size} bytes`,
        1002,
        { code: 'CONTROL_FRAME_TOO_LONG', frame: 2, byte: 1 },
        (peer) => [peer.text('good'), peer.frame(opcode, pattern(size))],
        (own) => [own.text('good')],
      ),
    ),
    rejects(
      '5.5',
      `opcode ${opcode} without FIN`,
      1002,
      { code: 'CONTROL_FRAME_FRAGMENTED', frame: 1, byte: 0 },
      (peer) => [peer.frame(opcode, '', { fin: false }), peer.more('')],
    ),
    rejects(
      '5.5',
      `opcode ${opcode} without FIN, within a message`,
      1002,
      { code: 'CONTROL_FRAME_FRAGMENTED', frame: 2, byte: 0 },
      (peer) => [peer.text('a', false), peer.frame(opcode, 'p', { fin: false }), peer.more('b')],
    ),
  ]),
]
