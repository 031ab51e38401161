import { Opcode } from '../../../src/protocol/opcode.ts'
import { accepts, type Rule, rejects } from '../case.ts'
import { pattern } from './framing.ts'

const TWO_WRITERS = /Two writers may be sending on the same connection/

/** Section 5.4: messages in fragments. */
export const FRAGMENTATION: Rule[] = [
  accepts(
    '5.4',
    'a text in two fragments',
    (peer) => [peer.text('Hello, ', false), peer.more('world')],
    (own) => [own.text('Hello, world')],
  ),
  accepts(
    '5.4',
    'binary in two fragments',
    (peer) => [peer.binary([1], false), peer.more([2])],
    (own) => [own.binary([1, 2])],
  ),
  accepts(
    '5.4',
    'empty fragments: first, in the middle, last, all',
    (peer) => [
      ...[peer.text('', false), peer.more('a', false), peer.more('b')],
      ...[peer.text('c', false), peer.more('', false), peer.more('d')],
      ...[peer.text('e', false), peer.more('f', false), peer.more('')],
      ...[peer.text('', false), peer.more('', false), peer.more('')],
      ...[peer.binary('', false), peer.more('')],
    ],
    (own) => [own.text('ab'), own.text('cd'), own.text('ef'), own.text(''), own.binary('')],
  ),
  accepts(
    '5.4',
    'a ping between fragments is answered before the message',
    (peer) => [peer.text('frag', false), peer.ping('between'), peer.more('ment')],
    (own) => [own.pong('between'), own.text('fragment')],
  ),
  accepts(
    '5.4',
    'pings and pongs between all fragments',
    (peer) => [
      peer.ping('0'),
      peer.text('a', false),
      peer.ping('1'),
      peer.pong('unasked'),
      peer.more('b', false),
      peer.ping('2'),
      peer.ping('3'),
      peer.more('c'),
      peer.ping('4'),
    ],
    (own) => [own.pong('0'), own.pong('1'), own.pong('2'), own.pong('3'), own.text('abc'), own.pong('4')],
  ),
  ...[1, 2, 3, 7, 125, 126, 1_000, 1_300].map((size) =>
    accepts(
      '5.4',
      `2,600 bytes in fragments of ${size}`,
      (peer) => inFragments(peer.frame.bind(peer), Opcode.Binary, pattern(2_600), size),
      (own) => [own.binary(pattern(2_600))],
    ),
  ),
  accepts(
    '5.4',
    '65,536 bytes of text in fragments of 1,300',
    (peer) => inFragments(peer.frame.bind(peer), Opcode.Text, new Uint8Array(65_536).fill(0x2a), 1_300),
    (own) => [own.text('*'.repeat(65_536))],
  ),
  accepts(
    '5.4',
    'several messages in fragments, of both kinds',
    (peer) => [
      peer.text('a', false),
      peer.more('b'),
      peer.binary('c', false),
      peer.more('d'),
      peer.text('e', false),
      peer.more('f'),
    ],
    (own) => [own.text('ab'), own.binary('cd'), own.text('ef')],
  ),
  {
    ...accepts('5.4', '', () => []),
    name: 'a Close frame between fragments: the message is never finished',
    input: (peer) => [peer.text('frag', false), peer.close(1000), peer.more('ment')],
    output: (own) => [own.close(1000)],
  },

  ...(
    [
      ['the first frame of all', 0],
      ['after a whole message', 1],
    ] as const
  ).flatMap(([name, before]) =>
    [true, false].map((fin) =>
      rejects(
        '5.4',
        `a continuation of nothing, ${name}, ${fin ? 'with' : 'without'} FIN`,
        1002,
        { code: 'UNEXPECTED_CONTINUATION', frame: before + 1, byte: 0, hint: TWO_WRITERS },
        (peer) => [...(before === 0 ? [] : [peer.text('good')]), peer.more('orphan', fin), peer.text('ignored')],
        (own) => (before === 0 ? [] : [own.text('good')]),
      ),
    ),
  ),
  rejects(
    '5.4',
    'a continuation after the last fragment',
    1002,
    { code: 'UNEXPECTED_CONTINUATION', frame: 3, byte: 0, hint: TWO_WRITERS },
    (peer) => [peer.text('a', false), peer.more('b'), peer.more('c')],
    (own) => [own.text('ab')],
  ),
  rejects(
    '5.4',
    'a continuation of nothing, after a ping',
    1002,
    { code: 'UNEXPECTED_CONTINUATION', frame: 2, byte: 0, hint: TWO_WRITERS },
    (peer) => [peer.ping('p'), peer.more('orphan')],
    (own) => [own.pong('p')],
  ),
  ...[Opcode.Text, Opcode.Binary].flatMap((first) =>
    [Opcode.Text, Opcode.Binary].flatMap((second) =>
      [true, false].map((fin) =>
        rejects(
          '5.4',
          `opcode ${second}, FIN ${fin}, within a message of opcode ${first}`,
          1002,
          { code: 'EXPECTED_CONTINUATION', frame: 3, byte: 0, hint: TWO_WRITERS },
          (peer) => [
            peer.frame(first, 'a', { fin: false }),
            peer.ping('p'),
            peer.frame(second, 'b', { fin }),
            peer.more('c'),
          ],
          (own) => [own.pong('p')],
        ),
      ),
    ),
  ),
]

type MakeFrame = (opcode: number, payload: Uint8Array, fields: { fin: boolean }) => Uint8Array

/** A message in fragments of this many bytes. */
export function inFragments(make: MakeFrame, opcode: number, payload: Uint8Array, size: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < payload.length; at += size) {
    frames.push(
      make(at === 0 ? opcode : Opcode.Continuation, payload.subarray(at, at + size), {
        fin: at + size >= payload.length,
      }),
    )
  }
  return frames
}
