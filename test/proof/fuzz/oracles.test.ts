import { describe, expect, test } from 'vitest'
import { readByFrames } from '../../../proof/fuzz/targets/by-frames.ts'
import { compareWithWs } from '../../../proof/fuzz/targets/by-ws.ts'
import { MemoryWatch, mustHoldNothing } from '../../../proof/fuzz/targets/memory.ts'
import { nodePlatform } from '../../../src/platform/node.ts'
import { Receiver, type ReceiverSink } from '../../../src/protocol/receiver.ts'
import { FrameMaker, join } from '../../protocol/frames.ts'

// What is found depends on what would be noticed.

const client = new FrameMaker('client')
const limits = { maxPayload: 1_000, maxFragments: 10 }
const sink: ReceiverSink = {
  onText() {},
  onBinary() {},
  onPiece() {},
  onPing() {},
  onPong() {},
  onClose() {},
  onViolation() {},
}

describe('by frames', () => {
  const start = [client.text('a', false), client.ping('p'), client.more('b')]

  test.each<[string, Uint8Array[], string[]]>([
    ['a fragmented message', start, ['ping 70', 'text 6162']],
    ['a Close frame ends it', [client.close(1000, 'x'), client.ping()], ['close 1000 78']],
    [
      'a reserved bit',
      [client.ping(), client.frame(1, '', { rsv1: true })],
      ['ping ', 'violation RESERVED_BITS frame 2'],
    ],
    ['a cut text that can be UTF-8', [client.text('€').slice(0, -1)], []],
    ['a cut text that cannot', [client.text([0xe2, 0x28, 0xa1]).slice(0, -1)], ['violation INVALID_UTF8 frame 1']],
    [
      'one fragment too many',
      Array(11)
        .fill(client.text('', false))
        .map((one, i) => (i === 0 ? one : client.more('', false))),
      ['violation TOO_MANY_FRAGMENTS frame 11'],
    ],
    ['a message too large', [client.header(0x82, 126, '03e9')], ['violation MESSAGE_TOO_LARGE frame 1']],
  ])('%s', (_, frames, events) => {
    expect(readByFrames(join(...frames), 'server', limits)).toEqual(events)
  })
})

describe('by ws', () => {
  const hello = client.text('hi')

  test.each<[string, Uint8Array, string[], string | undefined]>([
    ['the same', hello, ['text 6869'], undefined],
    ['another message', hello, ['text 6868'], 'ws: event 0 is "text 6869", not "text 6868"'],
    ['no message', hello, [], 'ws: event 0 is "text 6869", not "undefined"'],
    [
      'a refusal of what is right',
      hello,
      ['text 6869', 'violation RESERVED_BITS frame 2'],
      'ws takes what is refused here with RESERVED_BITS',
    ],
    ['acceptance of what is wrong', client.frame(3), [], 'ws refuses with WS_ERR_INVALID_OPCODE what is taken here'],
    ['a known difference', client.header(0x82, 126, '0001'), ['violation LENGTH_NOT_MINIMAL frame 1'], undefined],
  ])('%s', (_, stream, events, complaint) => {
    const compare = () => compareWithWs(stream, 'server', limits, events)
    if (complaint === undefined) compare()
    else expect(compare).toThrow(complaint)
  })
})

describe('memory', () => {
  const idle = new Receiver({ side: 'server', platform: nodePlatform, ...limits, text: 'string' }, sink)

  test.each([
    ['what a header announces, before it has arrived', 1_000_000, 14, 300, 500_000],
    ['more than the limit', 1_000, 5_000, 1_000, 1_001],
  ])('an allocation of %s is noticed', (_, maxPayload, arrived, right, wrong) => {
    const watch = new MemoryWatch(nodePlatform, maxPayload)
    watch.arrived = arrived
    watch.platform.allocate(right)
    watch.check(idle)
    watch.platform.allocate(wrong)
    expect(() => watch.check(idle)).toThrow(`${wrong} bytes were allocated where ${arrived} have arrived`)
  })

  test('what a receiver keeps is seen, and that it keeps it behind its end', () => {
    const watch = new MemoryWatch(nodePlatform, 1_000)
    const receiver = new Receiver({ side: 'server', platform: watch.platform, ...limits, text: 'string' }, sink)
    receiver.receive(client.binary('abc', false))
    watch.arrived = 9
    watch.check(receiver)
    expect(() => mustHoldNothing(receiver)).toThrow('a receiver that has ended keeps its message')
    receiver.receive(Uint8Array.of(0))
    expect(() => mustHoldNothing(receiver)).toThrow('keeps its headerStart, message')
    receiver.pause()
    receiver.receive(Uint8Array.of(0, 0))
    expect(() => mustHoldNothing(receiver)).toThrow('keeps its headerStart, message, held')
    watch.arrived = 1
    expect(() => watch.check(receiver)).toThrow('more is held than has arrived')
    receiver.end()
    mustHoldNothing(receiver)
    const other = new Receiver({ side: 'server', platform: nodePlatform, ...limits, text: 'string' }, sink)
    other.receive(client.ping('cut').slice(0, -1))
    expect(() => mustHoldNothing(other)).toThrow('keeps its frame')
  })
})
