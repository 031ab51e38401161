import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import { Written } from '../../src/protocol/batch.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { prepareMessage } from '../../src/protocol/prepared.ts'
import { Sender, type SenderShared } from '../../src/protocol/sender.ts'
import { SLAB_SIZE } from '../../src/protocol/slab.ts'
import { FakeWire, freshShared } from './fake-wire.ts'
import { bytes, framesOf, inWords } from './frames.ts'

const { Text, Binary, Continuation } = Opcode

/** A sender on a fake wire. */
class Fixture {
  readonly wire = new FakeWire()
  readonly sender: Sender
  readonly side: 'client' | 'server'

  constructor(side: 'client' | 'server' = 'server', shared: SenderShared = freshShared()) {
    this.side = side
    this.sender = new Sender(shared, this.wire, side === 'client')
  }

  /** The wire lets go of what it held, and takes the rest. */
  release(): number {
    this.wire.holding = false
    this.wire.release()
    return this.sender.written() | this.sender.flush()
  }

  /** What the wire has taken since this was asked last. */
  sent(): string[] {
    return inWords(this.wire.news(), this.side)
  }

  /** Sends a message, which the wire holds. */
  block(text = 'held'): void {
    this.wire.holding = true
    this.sender.message(Text, text)
    this.sender.flush()
  }
}

describe('a turn', () => {
  test('of small messages is one write', () => {
    const { sender, wire } = new Fixture()
    sender.message(Text, 'Hello')
    sender.message(Binary, bytes([1, 2, 3]))
    sender.ping(bytes('p'))
    sender.answerPing(bytes('q'))
    expect(wire.writes).toBe(0)
    expect(sender.flush()).toBe(Written.Ping)
    expect(wire.writes).toBe(1)
    expect(Buffer.from(wire.bytes).toString('hex')).toBe('810548656c6c6f8203010203890170' + '8a0171')
    expect(sender.bufferedAmount).toBe(0)
  })

  test('of nothing is no write', () => {
    const { sender, wire } = new Fixture()
    expect(sender.flush()).toBe(0)
    expect(wire.writes).toBe(0)
  })

  test('is one write for each sender, when several write to the slab in turns', () => {
    const shared = freshShared()
    const one = new Fixture('server', shared)
    const two = new Fixture('client', shared)
    const three = new Fixture('server', shared)
    for (let i = 0; i < 5; i++) {
      one.sender.message(Text, `one ${i}`)
      two.sender.message(Text, `two ${i}`)
      if (i > 2) three.sender.message(Text, `three ${i}`)
      one.sender.message(Binary, bytes([i]))
    }
    for (const { sender } of [one, two, three]) sender.flush()
    expect([one, two, three].map(({ wire }) => wire.writes)).toEqual([1, 1, 1])
    expect(one.sent()).toEqual([0, 1, 2, 3, 4].flatMap((i) => [`text "one ${i}"`, `binary 0${i}`]))
    expect(two.sent()).toEqual([0, 1, 2, 3, 4].map((i) => `text "two ${i}"`))
    expect(three.sent()).toEqual(['text "three 3"', 'text "three 4"'])
  })

  test('that fills the slab goes on in another', () => {
    const shared = freshShared()
    const { sender, wire, side } = new Fixture('server', shared)
    const other = new Fixture('server', shared)
    const payload = new Uint8Array(10_000).fill(7)
    for (let i = 0; i < 6; i++) {
      sender.message(Binary, payload)
      other.sender.message(Text, `other ${i}`)
    }
    sender.flush()
    other.sender.flush()
    expect(inWords(wire.bytes, side)).toEqual(new Array(6).fill('binary(10000)'))
    expect(framesOf(wire.bytes, 'server').every((frame) => frame.payload.every((byte) => byte === 7))).toBe(true)
    expect(other.sent()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `text "other ${i}"`))
    expect(sender.bufferedAmount).toBe(0)
  })

  test('of more than 64 KiB is written in batches, so that control frames can go ahead of the rest', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    const payload = new Uint8Array(16_000)
    wire.holding = true
    for (let i = 0; i < 20; i++) sender.message(Binary, payload)
    expect(sender.bufferedAmount).toBe(5 * 16_004 + 15 * 16_000)
    sender.flush()
    sender.ping(bytes('ahead'))
    fixture.release()
    expect(fixture.sent()).toEqual([
      ...new Array(5).fill('binary(16000)'),
      'ping "ahead"',
      ...new Array(15).fill('binary(16000)'),
    ])
    expect(wire.writes).toBeGreaterThan(2)
  })
})

describe('the slab', () => {
  test('has room for what a text can take at most, wherever it ends', () => {
    for (let rest = 0; rest <= 330; rest++) {
      const shared = freshShared()
      const { sender, wire } = new Fixture('client', shared)
      const slab = shared.slabs.withRoom(1)
      sender.message(Text, 'first')
      slab.at = SLAB_SIZE - rest
      sender.message(Text, '€'.repeat(100))
      sender.message(Binary, new Uint8Array(100))
      sender.flush()
      const [, text, binary] = framesOf(wire.bytes, 'client')
      expect(Buffer.from(text!.payload).toString()).toBe('€'.repeat(100))
      expect(binary!.payload.length).toBe(100)
    }
  })

  test('is filled from the start again when all was taken', () => {
    const shared = freshShared()
    const one = new Fixture('server', shared)
    const two = new Fixture('server', shared)
    const slab = shared.slabs.withRoom(1)
    one.sender.message(Text, 'one')
    two.sender.message(Text, 'two')
    one.sender.flush()
    expect(slab).toMatchObject({ at: 10, users: 1 })
    two.sender.flush()
    expect(slab).toMatchObject({ at: 0, users: 0 })
    expect(shared.slabs.withRoom(SLAB_SIZE)).toBe(slab)
  })

  test('is not written over while a wire holds some of it', () => {
    const shared = freshShared()
    const slow = new Fixture('server', shared)
    const fast = new Fixture('server', shared)
    slow.block('slow')
    for (let i = 0; i < 3; i++) {
      fast.sender.message(Text, 'over')
      fast.sender.flush()
    }
    slow.release()
    expect(slow.sent()).toEqual(['text "slow"'])
    expect(shared.slabs.withRoom(1)).toMatchObject({ at: 0, users: 0 })
  })

  test('is not written over when its sender ends while the wire holds some of it', () => {
    const shared = freshShared()
    const dying = new Fixture('server', shared)
    const living = new Fixture('server', shared)
    dying.sender.ping(bytes('!'))
    dying.block('dying')
    dying.sender.end()
    expect(dying.sender.bufferedAmount).toBe(0)
    living.sender.message(Text, 'alive')
    living.sender.flush()
    dying.wire.release()
    expect(dying.sent()).toEqual(['ping "!"', 'text "dying"'])
    expect(shared.slabs.withRoom(1).users).toBe(1)
    // The wire has let go of it after all.
    expect(dying.sender.written()).toBe(0)
    expect(shared.slabs.withRoom(1)).toMatchObject({ at: 0, users: 0 })
  })

  test('is given back by a sender that ends with an unwritten batch', () => {
    const shared = freshShared()
    const { sender, wire } = new Fixture('server', shared)
    sender.message(Text, 'lost')
    sender.end()
    expect(shared.slabs.withRoom(1)).toMatchObject({ at: 0, users: 0 })
    sender.message(Text, 'dropped')
    sender.ping(bytes('dropped'))
    sender.answerPing(bytes('dropped'))
    sender.close(bytes([3, 232]))
    sender.beginFragments(() => expect.unreachable())
    expect(sender.flush()).toBe(0)
    expect(wire.writes).toBe(0)
    expect(sender.bufferedAmount).toBe(0)
    expect(shared.slabs.withRoom(1)).toMatchObject({ at: 0, users: 0 })
  })

  test('works on any platform', () => {
    const fixture = new Fixture('client', freshShared(portablePlatform))
    fixture.sender.message(Text, '€'.repeat(60))
    fixture.sender.message(Text, 'x'.repeat(20_000))
    fixture.sender.flush()
    const [short, long] = framesOf(fixture.wire.bytes, 'client')
    expect(Buffer.from(short!.payload).toString()).toBe('€'.repeat(60))
    expect(Buffer.from(long!.payload).toString()).toBe('x'.repeat(20_000))
  })
})

describe('while the wire holds', () => {
  test('messages queue, in order, and go out in one write', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    fixture.block()
    expect(sender.blocked).toBe(true)
    sender.message(Text, 'a')
    sender.message(Binary, bytes([1]))
    sender.message(Text, prepared('c'))
    expect(sender.flush()).toBe(0)
    expect(wire.writes).toBe(1)
    fixture.release()
    expect(wire.writes).toBe(2)
    expect(fixture.sent()).toEqual(['text "held"', 'text "a"', 'binary 01', 'text "c"'])
    expect(sender.blocked).toBe(false)
  })

  test('control frames go ahead of the queue, in their order', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    sender.message(Text, 'waits')
    sender.ping(bytes('1'))
    sender.pong(bytes('2'))
    sender.answerPing(bytes('3'))
    expect(fixture.release()).toBe(Written.Ping)
    expect(fixture.sent()).toEqual(['text "held"', 'ping "1"', 'pong "2"', 'pong "3"', 'text "waits"'])
  })

  test('the Close frame stays behind the messages', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    sender.message(Text, 'before')
    sender.close(bytes([3, 232]))
    sender.ping(bytes('still before'))
    sender.message(Text, 'after')
    sender.beginFragments(() => expect.unreachable())
    sender.close(bytes([3, 233]))
    expect(sender.closeSent).toBe(false)
    expect(fixture.release()).toBe(Written.Ping | Written.Close)
    expect(sender.closeSent).toBe(true)
    expect(fixture.sent()).toEqual(['text "held"', 'ping "still before"', 'text "before"', 'close 1000'])
  })

  test('pongs: 64 wait, then only the newest does', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    for (let i = 0; i < 100; i++) sender.answerPing(bytes(`${i}`))
    expect(sender.bufferedAmount).toBe(6 + 10 + 54 * 2)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', ...Array.from({ length: 64 }, (_, i) => `pong "${i}"`), 'pong "99"'])
    // The count begins anew.
    sender.answerPing(bytes('next'))
    sender.answerPing(bytes('after'))
    sender.flush()
    expect(fixture.sent()).toEqual(['pong "next"', 'pong "after"'])
    // And again after a discard.
    fixture.block()
    for (let i = 0; i < 70; i++) sender.answerPing(bytes('discarded'))
    sender.discard()
    sender.answerPing(bytes('1'))
    sender.answerPing(bytes('2'))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', 'pong "1"', 'pong "2"'])
  })

  test('what comes between its letting go and the next flush stays behind what waited', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    sender.beginFragments(() => {})
    fixture.wire.holding = true
    sender.fragment(Text, 'a', false)
    sender.flush()
    sender.fragment(Continuation, 'b', false)
    for (let i = 0; i < 65; i++) sender.answerPing(bytes(`${i}`))
    wire.holding = false
    wire.release()
    sender.written()
    sender.fragment(Continuation, 'c', true)
    sender.ping(bytes('p'))
    sender.answerPing(bytes('newest'))
    sender.message(Text, 'd')
    sender.flush()
    const sent = fixture.sent()
    expect(sent.slice(0, 3)).toEqual(['text "a"...', 'continuation "b"...', 'pong "0"'])
    expect(sent.slice(-5)).toEqual(['pong "64"', 'continuation "c"', 'ping "p"', 'pong "newest"', 'text "d"'])
  })

  test('pongs that the wire holds count', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    wire.holding = true
    for (let i = 0; i < 40; i++) sender.answerPing(bytes(`${i}`))
    sender.flush()
    for (let i = 40; i < 80; i++) sender.answerPing(bytes(`${i}`))
    fixture.release()
    const pongs = Array.from({ length: 64 }, (_, i) => `pong "${i}"`)
    expect(fixture.sent()).toEqual([...pongs, 'pong "79"'])
  })

  test('the memory of a large payload is read when the wire reads it', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    const payload = new Uint8Array(16 * 1024 + 1)
    wire.holding = true
    sender.message(Binary, payload)
    sender.flush()
    payload.fill(9)
    fixture.release()
    expect(framesOf(wire.bytes, 'server')[0]?.payload.every((byte) => byte === 9)).toBe(true)
  })

  test('100,000 messages can wait', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    fixture.block('')
    for (let i = 0; i < 100_000; i++) sender.message(Binary, Uint8Array.of(i >> 16, i >> 8, i))
    expect(sender.bufferedAmount).toBe(2 + 300_000)
    fixture.release()
    expect(sender.bufferedAmount).toBe(0)
    const sent = Buffer.from(wire.bytes)
    expect(sent.length).toBe(2 + 500_000)
    for (let i = 0; i < 100_000; i++) {
      if (sent.readUIntBE(2 + i * 5, 5) !== 0x8203_000000 + i) expect.unreachable(`message ${i}`)
    }
  })

  test('messages that come while others wait keep their place, over many batches', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    const payload = (i: number) => Buffer.alloc(5_000, i)
    wire.holding = true
    for (let i = 0; i < 200; i++) {
      sender.message(Binary, payload(i))
      if (i % 20 === 0) {
        if (wire.holds) {
          wire.release()
          sender.written()
        }
        sender.flush()
      }
    }
    fixture.release()
    expect(framesOf(wire.bytes, 'server').map(({ payload }) => payload[0])).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    )
  })
})

describe.each(['server', 'client'] as const)('text of a %s', (side) => {
  /** Where the length field grows, in bytes; counted in characters of one, two, three and four bytes. */
  const lengths = [
    0, 1, 31, 32, 41, 42, 43, 62, 63, 124, 125, 126, 127, 128, 5460, 5461, 5462, 21845, 21846, 65535, 65536,
  ]
  test.each(['a', 'é', '€', '😀', '\ud800', 'a€'])('of %j, at every length where something changes', (character) => {
    const { sender, wire } = new Fixture(side)
    const texts = lengths.map((length) => character.repeat(length))
    for (const text of texts) {
      sender.message(Text, text)
      sender.flush()
    }
    const frames = framesOf(wire.bytes, side)
    expect(frames.length).toBe(texts.length)
    frames.forEach((frame, index) => {
      // A lone surrogate cannot be sent: it becomes U+FFFD.
      expect(Buffer.from(frame.payload).equals(Buffer.from(texts[index]!))).toBe(true)
      expect(frame).toMatchObject({ opcode: Text, fin: true })
    })
    expect(sender.bufferedAmount).toBe(0)
  })

  test('up to 5461 characters is copied into the slab, a longer one into memory of its own', () => {
    const shared = freshShared()
    const { sender } = new Fixture(side, shared)
    const slab = shared.slabs.withRoom(1)
    sender.message(Text, 'a'.repeat(5461))
    const header = side === 'client' ? 8 : 4
    expect(slab.at).toBe(5461 + header)
    sender.message(Text, 'a'.repeat(20_000))
    expect(slab.at).toBe(5461 + header + (side === 'client' ? 0 : header))
  })
})

describe('a large payload', () => {
  test('of a server is not copied', () => {
    const pieces: Uint8Array[] = []
    const wire = new FakeWire()
    wire.writeAll = (all) => {
      pieces.push(...all)
      return true
    }
    const sender = new Sender(freshShared(), wire, false)
    const small = new Uint8Array(16 * 1024)
    const large = new Uint8Array(16 * 1024 + 1)
    const message = prepareMessage(nodePlatform, large)
    sender.message(Text, 'a')
    sender.message(Binary, small)
    sender.message(Binary, large)
    sender.message(Text, 'b')
    sender.message(Binary, message)
    sender.flush()
    expect(pieces.map((piece) => piece.length)).toEqual([3 + 4 + 16384 + 4, 16385, 3, 4 + 16385])
    expect(pieces[1]).toBe(large)
    expect(pieces[3]).toBe(message.frame)
  })

  test('of a server alone is one piece of memory beside its header', () => {
    const { sender, wire } = new Fixture()
    sender.message(Binary, prepareMessage(nodePlatform, new Uint8Array(20_000)))
    sender.flush()
    expect(wire.writes).toBe(1)
    expect(inWords(wire.bytes, 'server')).toEqual(['binary(20000)'])
  })

  test('of a client is masked in a copy', () => {
    const fixture = new Fixture('client')
    const { sender, wire } = fixture
    const large = new Uint8Array(70_000).fill(5)
    sender.message(Binary, large)
    sender.message(Binary, prepareMessage(nodePlatform, large))
    sender.flush()
    expect(large.every((byte) => byte === 5)).toBe(true)
    const frames = framesOf(wire.bytes, 'client')
    expect(frames.map(({ payload }) => payload.every((byte) => byte === 5) && payload.length)).toEqual([70_000, 70_000])
    expect(frames[0]?.maskingKey).not.toEqual(frames[1]?.maskingKey)
  })

  test('of a client between small ones keeps its place', () => {
    const fixture = new Fixture('client')
    const { sender } = fixture
    sender.message(Text, 'before')
    sender.message(Binary, new Uint8Array(20_000))
    sender.message(Text, 'after')
    sender.flush()
    expect(fixture.sent()).toEqual(['text "before"', 'binary(20000)', 'text "after"'])
  })
})

describe('masking', () => {
  test('a server masks nothing, a client every frame, each with a key of its own', () => {
    const keys = new Set<string>()
    const fixture = new Fixture('client')
    const { sender, wire } = fixture
    const payload = new Uint8Array(300).fill(1)
    sender.message(Text, 'a')
    sender.message(Binary, payload)
    sender.message(Text, prepared('p'))
    sender.ping(bytes('ping'))
    sender.pong(new Uint8Array(0))
    sender.close(bytes([3, 232]))
    sender.flush()
    for (const { maskingKey } of framesOf(wire.bytes, 'client')) keys.add(String(maskingKey))
    expect(keys.size).toBe(6)
    expect(payload.every((byte) => byte === 1)).toBe(true)
  })
})

describe('a prepared message', () => {
  test('is written as it was prepared, small or large', () => {
    const { sender, wire } = new Fixture()
    sender.message(Text, prepared('small'))
    sender.message(Text, prepared('l'.repeat(20_000)))
    sender.flush()
    expect(inWords(wire.bytes, 'server')).toEqual(['text "small"', 'text(20000)'])
  })

  test('waits as any other', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    sender.message(Text, prepared('12345'))
    expect(sender.bufferedAmount).toBe(6 + 5)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', 'text "12345"'])
  })
})

describe('a message in fragments', () => {
  test('begins at once where nothing waits; other messages wait for its end, control frames do not', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    const begun: string[] = []
    sender.beginFragments(() => begun.push('first'))
    expect(begun).toEqual(['first'])
    expect(sender.takesFrames).toBe(true)
    sender.fragment(Text, 'a', false)
    sender.message(Text, 'other')
    sender.beginFragments(() => begun.push('second'))
    sender.ping(bytes('between'))
    sender.flush()
    expect(fixture.sent()).toEqual(['text "a"...', 'ping "between"'])
    sender.fragment(Continuation, 'b', false)
    sender.fragment(Continuation, bytes('c'), true)
    expect(sender.takesFrames).toBe(false)
    expect(begun).toEqual(['first'])
    sender.flush()
    expect(begun).toEqual(['first', 'second'])
    expect(fixture.sent()).toEqual(['continuation "b"...', 'continuation "c"', 'text "other"'])
    sender.fragment(Binary, 'whole', true)
    sender.message(Text, 'last')
    sender.flush()
    expect(fixture.sent()).toEqual(['binary 77686f6c65', 'text "last"'])
  })

  test('goes ahead of the queue while the wire holds', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.beginFragments(() => {})
    sender.fragment(Text, 'a', false)
    fixture.wire.holding = true
    sender.flush()
    sender.message(Text, 'other')
    sender.fragment(Continuation, 'b', false)
    sender.ping(bytes('p'))
    sender.fragment(Continuation, 'c', true)
    expect(sender.bufferedAmount).toBe(3 + 5 + 1 + 1 + 1)
    fixture.release()
    expect(fixture.sent()).toEqual([
      'text "a"...',
      'continuation "b"...',
      'ping "p"',
      'continuation "c"',
      'text "other"',
    ])
  })

  test('can be sent whole when its turn comes', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    sender.message(Text, 'before')
    sender.beginFragments(() => {
      sender.fragment(Text, 'a', false)
      sender.message(Text, 'behind')
      sender.fragment(Continuation, 'b', true)
    })
    sender.message(Text, 'after')
    fixture.release()
    expect(fixture.sent()).toEqual([
      'text "held"',
      'text "before"',
      'text "a"...',
      'continuation "b"',
      'text "after"',
      'text "behind"',
    ])
  })

  test('is given up by discard: none of it follows the Close frame, or goes on with a part missing', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.beginFragments(() => {})
    sender.fragment(Text, 'a', false)
    fixture.wire.holding = true
    sender.flush()
    sender.fragment(Continuation, 'b', false)
    sender.discard()
    sender.close(bytes([3, 232]))
    expect(sender.takesFrames).toBe(false)
    sender.fragment(Continuation, 'c', true)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "a"...', 'close 1000'])
  })

  test('is finished before the Close frame', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.beginFragments(() => {})
    sender.fragment(Text, 'a', false)
    sender.close(bytes([3, 232]))
    sender.flush()
    expect(sender.takesFrames).toBe(true)
    sender.fragment(Continuation, 'b', true)
    sender.flush()
    expect(fixture.sent()).toEqual(['text "a"...', 'continuation "b"', 'close 1000'])
  })

  test('is dropped where it was not begun', () => {
    const { sender, wire } = new Fixture()
    sender.fragment(Text, 'a', false)
    sender.flush()
    expect(wire.writes).toBe(0)
  })
})

describe('discard and close', () => {
  test('the Close frame follows the frames under way', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    fixture.block()
    sender.message(Text, 'discarded')
    sender.ping(bytes('discarded'))
    for (let i = 0; i < 70; i++) sender.answerPing(bytes('discarded'))
    sender.close(bytes([3, 233]))
    sender.discard()
    expect(sender.bufferedAmount).toBe(6)
    sender.close(bytes([3, 234]))
    expect(sender.bufferedAmount).toBe(6 + 2)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', 'close 1002'])
  })

  test('discards the rest of a queue that has been sent in part', () => {
    const fixture = new Fixture()
    const { sender, wire } = fixture
    fixture.block()
    for (let i = 0; i < 10; i++) sender.message(Binary, new Uint8Array(16_000))
    wire.release()
    sender.written()
    sender.flush()
    expect(sender.bufferedAmount).toBe(5 * 16_004 + 5 * 16_000)
    sender.discard()
    sender.close(bytes([3, 232]))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', ...new Array(5).fill('binary(16000)'), 'close 1000'])
  })

  test('what a turn has encoded is not discarded', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.message(Text, 'encoded')
    sender.discard()
    sender.close(bytes([3, 232]))
    sender.flush()
    expect(fixture.sent()).toEqual(['text "encoded"', 'close 1000'])
  })

  test('nothing follows the Close frame', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.close(bytes([3, 232]))
    sender.message(Text, 'late')
    sender.ping(bytes('late'))
    sender.pong(bytes('late'))
    sender.answerPing(bytes('late'))
    sender.beginFragments(() => expect.unreachable())
    sender.fragment(Text, 'late', true)
    sender.close(bytes([3, 233]))
    sender.discard()
    sender.close(bytes([3, 233]))
    expect(sender.flush()).toBe(Written.Close)
    expect(fixture.sent()).toEqual(['close 1000'])
    expect(sender.bufferedAmount).toBe(0)
  })

  test('the newest pong goes before the Close frame, and none after it', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    for (let i = 0; i < 70; i++) sender.answerPing(bytes(`${i}`))
    sender.close(bytes([3, 232]))
    sender.answerPing(bytes('newest'))
    sender.flush()
    sender.answerPing(bytes('late'))
    sender.flush()
    expect(fixture.sent().slice(-3)).toEqual(['pong "63"', 'pong "newest"', 'close 1000'])
  })
})

describe('bufferedAmount', () => {
  test('counts what the batch has, with its headers, what the wire holds, and the payloads that wait', () => {
    const fixture = new Fixture('client')
    const { sender } = fixture
    sender.message(Text, '€')
    expect(sender.bufferedAmount).toBe(9)
    sender.message(Binary, new Uint8Array(20_000))
    expect(sender.bufferedAmount).toBe(9 + 20_008)
    fixture.wire.holding = true
    sender.flush()
    expect(sender.bufferedAmount).toBe(9 + 20_008)
    sender.message(Text, '€€')
    sender.message(Text, prepared('abc'))
    sender.ping(bytes('p'))
    expect(sender.bufferedAmount).toBe(9 + 20_008 + 6 + 3 + 1)
    fixture.wire.release()
    sender.written()
    expect(sender.bufferedAmount).toBe(6 + 3 + 7)
    // The ping, and both messages, are written and held again.
    sender.flush()
    expect(sender.bufferedAmount).toBe(7 + 12 + 9)
    fixture.release()
    expect(sender.bufferedAmount).toBe(0)
  })
})

describe('the frame listener', () => {
  /** What a listener is told, which must not share memory with anything that is written over. */
  function listening(side: 'client' | 'server') {
    const fixture = new Fixture(side)
    const seen: [header: Uint8Array, payload: Uint8Array][] = []
    fixture.sender.frameListener = (header, payload) => seen.push([header, payload])
    return { ...fixture, seen }
  }

  test.each(['client', 'server'] as const)('of a %s sees every frame, unmasked, in memory of its own', (side) => {
    const { sender, wire, seen } = listening(side)
    const large = new Uint8Array(20_000).fill(3)
    const payload = Buffer.from('binary')
    for (let turn = 0; turn < 2; turn++) {
      sender.message(Text, turn === 0 ? 'text' : 'TEXT')
      sender.message(Binary, payload)
      sender.message(Binary, large)
      sender.message(Text, prepared('p'.repeat(20_000)))
      sender.ping(bytes('ping'))
      // The same slab is written again in the next turn.
      sender.flush()
    }
    payload.fill(0)
    large.fill(0)
    const frames = framesOf(wire.bytes, side)
    expect(seen.length).toBe(10)
    for (const [index, [header, shown]] of seen.entries()) {
      const { fin, opcode, payload, maskingKey } = frames[index]!
      expect(Buffer.from(header)).toEqual(
        Buffer.from(encodeFrame({ fin, opcode, payload, maskingKey }).subarray(0, header.length)),
      )
      expect(Buffer.compare(shown, payload)).toBe(0)
    }
  })
})

describe('a frame listener that acts', () => {
  /** Acts once, at the frame with this number. */
  function acting(number: number, act: (fixture: Fixture) => void): Fixture {
    const fixture = new Fixture()
    let seen = 0
    fixture.sender.frameListener = () => {
      if (++seen === number) act(fixture)
    }
    return fixture
  }

  /** Two fragments and a ping go ahead of a message while the wire holds. */
  function waiting(fixture: Fixture): void {
    const { sender, wire } = fixture
    sender.beginFragments(() => {})
    wire.holding = true
    sender.fragment(Text, 'a', false)
    sender.flush()
    sender.fragment(Continuation, 'b', false)
    sender.ping(bytes('p'))
    sender.fragment(Continuation, 'c', true)
    sender.message(Text, 'd')
  }

  const WAITED = ['text "a"...', 'continuation "b"...', 'ping "p"', 'continuation "c"', 'text "d"']

  test.each([1, 2, 3, 4, 5])('by sending, at frame %d: it goes behind what had been sent', (number) => {
    const fixture = acting(number, ({ sender }) => sender.message(Text, 'observed'))
    waiting(fixture)
    fixture.release()
    const sent = fixture.sent()
    expect(sent.filter((frame) => frame !== 'text "observed"')).toEqual(WAITED)
    expect(sent.indexOf('text "observed"')).toBeGreaterThan(sent.indexOf('continuation "c"'))
  })

  test.each([2, 3, 4, 5])('by flushing, at frame %d: what waits is not written twice, or mixed up', (number) => {
    const fixture = acting(number, ({ sender }) => {
      sender.message(Binary, new Uint8Array(100_000))
      sender.flush()
    })
    waiting(fixture)
    fixture.release()
    expect(fixture.sent()).toEqual([...WAITED, 'binary(100000)'])
    expect(fixture.sender.bufferedAmount).toBe(0)
  })

  test.each([2, 3, 4])('by closing, at frame %d: the Close frame is last', (number) => {
    const fixture = acting(number, ({ sender }) => sender.close(bytes([3, 232])))
    waiting(fixture)
    fixture.release()
    expect(fixture.sent()).toEqual([...WAITED, 'close 1000'])
  })

  test.each([2, 3, 4])('by discarding, at frame %d: nothing follows but the Close frame', (number) => {
    const fixture = acting(number, ({ sender }) => {
      sender.discard()
      sender.close(bytes([3, 232]))
    })
    waiting(fixture)
    fixture.release()
    expect(fixture.sent()).toEqual([...WAITED.slice(0, number), 'close 1000'])
    expect(fixture.sender.bufferedAmount).toBe(0)
  })

  test.each([1, 2, 3, 4, 5])('by ending, at frame %d: nothing more is written', (number) => {
    const fixture = acting(number, ({ sender }) => sender.end())
    waiting(fixture)
    if (fixture.wire.holds) fixture.release()
    expect(fixture.sent()).toEqual(number === 1 ? [] : WAITED.slice(0, 1))
    expect(fixture.sender.bufferedAmount).toBe(0)
  })

  test('by sending, at the Close frame: that is dropped', () => {
    const fixture = acting(1, ({ sender }) => {
      sender.message(Text, 'late')
      sender.ping(bytes('late'))
      sender.close(bytes([3, 233]))
    })
    fixture.sender.close(bytes([3, 232]))
    fixture.sender.flush()
    expect(fixture.sent()).toEqual(['close 1000'])
  })
})

test('load counts some more for every message that waits', () => {
  const fixture = new Fixture()
  const { sender } = fixture
  sender.message(Text, 'encoded')
  expect(sender.load).toBe(9)
  sender.flush()
  fixture.block('')
  for (let i = 0; i < 3; i++) sender.message(Text, 'ab')
  sender.ping(bytes('p'))
  expect(sender.bufferedAmount).toBe(2 + 3 * 2 + 1)
  expect(sender.load).toBe(2 + 3 * 2 + 1 + 4 * 64)
  fixture.release()
  expect(sender.load).toBe(0)
})

test('overfull tells messages that wait for a flush from those that wait for the wire', () => {
  const fixture = new Fixture()
  const { sender, wire } = fixture
  for (let i = 0; i < 6; i++) sender.message(Binary, new Uint8Array(16_000))
  expect(sender.overfull).toBe(true)
  wire.holding = true
  sender.flush()
  expect(sender.overfull).toBe(false)
  fixture.release()
  expect(sender.overfull).toBe(false)
})

function prepared(text: string) {
  return prepareMessage(nodePlatform, text)
}

describe('a key', () => {
  test('gives a message the place of the one that waits with it', () => {
    const { sender, sent, release, block } = bound(new Fixture())
    block()
    sender.message(Text, 'EUR 1', 'EUR')
    sender.message(Text, 'USD 1', 'USD')
    sender.message(Text, 'no key')
    sender.message(Binary, bytes([1, 2, 3]), 'EUR')
    expect(sender.coalesced).toBe(1)
    expect(sender.bufferedAmount).toBe(6 + 3 + 5 + 6)
    release()
    expect(sent()).toEqual(['text "held"', 'binary 010203', 'text "USD 1"', 'text "no key"'])
    expect(sender.bufferedAmount).toBe(0)
  })

  test('means nothing once its message has been encoded', () => {
    const { sender, sent, release, block } = bound(new Fixture())
    block()
    sender.message(Text, 'EUR 1', 'EUR')
    release()
    sender.message(Text, 'EUR 2', 'EUR')
    sender.message(Text, 'EUR 3', 'EUR')
    sender.flush()
    expect(sent()).toEqual(['text "held"', 'text "EUR 1"', 'text "EUR 2"', 'text "EUR 3"'])
    expect(sender.coalesced).toBe(0)
  })

  test('is forgotten with what is discarded', () => {
    const { sender, sent, release, block } = bound(new Fixture())
    block()
    sender.message(Text, 'EUR 1', 'EUR')
    sender.discard()
    sender.message(Text, 'EUR 2', 'EUR')
    release()
    expect(sent()).toEqual(['text "held"', 'text "EUR 2"'])
  })

  test('tells what the load would be', () => {
    const { sender, block } = bound(new Fixture())
    block()
    const before = sender.load
    expect(sender.loadWith('12345', 'EUR')).toBe(before + 5 + 64)
    sender.message(Text, '12345', 'EUR')
    expect(sender.load).toBe(before + 5 + 64)
    expect(sender.loadWith('1234567', 'EUR')).toBe(before + 7 + 64)
    expect(sender.loadWith('€', 'USD')).toBe(before + 5 + 64 + 3 + 64)
  })
})

describe('a message that has waited for longer than maxQueueAge', () => {
  function aging() {
    const clock = { now: 0 }
    const fixture = bound(
      new Fixture(
        'server',
        freshShared(nodePlatform, () => clock.now),
      ),
    )
    const stale: unknown[] = []
    const limitAge = (milliseconds: number) =>
      fixture.sender.limitAge(milliseconds, (opcode, data) => stale.push([opcode, data]))
    limitAge(100)
    return { ...fixture, clock, stale, limitAge }
  }

  test('is dropped when its turn comes, and told', () => {
    const { sender, block, release, sent, clock, stale } = aging()
    block()
    sender.message(Text, 'stale')
    clock.now = 50
    sender.message(Binary, bytes([1]))
    clock.now = 101
    release()
    expect(sent()).toEqual(['text "held"', 'binary 01'])
    expect(stale).toEqual([[Text, 'stale']])
    expect(sender.bufferedAmount).toBe(0)
  })

  test('is dropped from the head of the queue when it is asked for', () => {
    const { sender, block, clock, stale } = aging()
    block()
    const before = sender.load
    sender.message(Text, 'one')
    sender.message(Text, 'two')
    clock.now = 60
    sender.message(Text, 'three')
    clock.now = 120
    sender.dropStale()
    expect(stale).toEqual([
      [Text, 'one'],
      [Text, 'two'],
    ])
    expect(sender.load).toBe(before + 5 + 64)
  })

  test('is not hidden by one before it that was replaced, or is to come in fragments', () => {
    const { sender, block, release, sent, clock, stale } = aging()
    block()
    sender.beginFragments(() => sender.fragment(Text, 'a', true))
    sender.message(Text, 'EUR 1', 'EUR')
    sender.message(Text, 'USD 1', 'USD')
    sender.message(Text, 'no key')
    clock.now = 60
    sender.message(Text, 'EUR 2', 'EUR')
    const load = sender.load
    clock.now = 120
    sender.dropStale()
    expect(stale).toEqual([
      [Text, 'USD 1'],
      [Text, 'no key'],
    ])
    expect(sender.load).toBe(load - 11 - 2 * 64)
    sender.message(Text, 'USD 2', 'USD')
    sender.message(Text, 'EUR 3', 'EUR')
    release()
    expect(sent()).toEqual(['text "held"', 'text "a"', 'text "EUR 3"', 'text "USD 2"'])
  })

  test('is looked for a few times in its life, however often that is asked for', () => {
    const { sender, block, clock, stale } = aging()
    block()
    for (const at of [0, 1, 2]) {
      clock.now = at
      sender.message(Text, String(at))
    }
    clock.now = 101
    sender.dropStale()
    expect(stale).toEqual([[Text, '0']])
    clock.now = 113
    sender.dropStale()
    expect(stale).toHaveLength(1)
    clock.now = 114
    sender.dropStale()
    expect(stale).toHaveLength(3)
    expect(sender.overfull).toBe(false)
  })

  test('and is told of while a listener asks for others', () => {
    const { sender, block, clock } = aging()
    block()
    let depth = 0
    let deepest = 0
    sender.limitAge(100, () => {
      deepest = Math.max(deepest, ++depth)
      clock.now += 50
      sender.message(Text, 'instead')
      sender.dropStale()
      depth--
    })
    for (let i = 0; i < 10; i++) sender.message(Text, 'x')
    clock.now = 101
    sender.dropStale()
    expect(deepest).toBe(1)
  })

  test('counts anew when it was replaced', () => {
    const { sender, block, release, sent, clock, stale } = aging()
    block()
    sender.message(Text, 'EUR 1', 'EUR')
    clock.now = 90
    sender.message(Text, 'EUR 2', 'EUR')
    clock.now = 180
    release()
    expect(sent()).toEqual(['text "held"', 'text "EUR 2"'])
    expect(stale).toEqual([])
  })

  test('and began to wait before that was set has waited since then', () => {
    const { sender, block, release, sent, clock, stale, limitAge } = aging()
    limitAge(Number.POSITIVE_INFINITY)
    clock.now = 5000
    block()
    sender.message(Text, 'old')
    clock.now = 6000
    limitAge(100)
    sender.message(Text, 'new')
    clock.now = 6100
    sender.dropStale()
    expect(stale).toEqual([])
    clock.now = 6101
    release()
    expect(sent()).toEqual(['text "held"'])
    expect(stale).toEqual([
      [Text, 'old'],
      [Text, 'new'],
    ])
  })

  test('is no Close frame, no control frame, and no place of a message in fragments', () => {
    const { sender, block, release, sent, clock, stale } = aging()
    block()
    sender.beginFragments(() => {
      sender.fragment(Text, 'a', false)
      sender.fragment(Continuation, 'b', true)
    })
    sender.ping(bytes('p'))
    sender.close(bytes([3, 232]))
    clock.now = 1000
    sender.dropStale()
    release()
    expect(sent()).toEqual(['text "held"', 'ping "p"', 'text "a"...', 'continuation "b"', 'close 1000'])
    expect(stale).toEqual([])
  })
})

/** A fixture whose methods can be taken from it. */
function bound(fixture: Fixture) {
  return {
    sender: fixture.sender,
    sent: () => fixture.sent(),
    release: () => fixture.release(),
    block: () => fixture.block(),
  }
}

describe('a wire that gathers', () => {
  /** A sender on such a wire, and what it gathered. */
  function gathering(shared = freshShared()) {
    const fixture = new Fixture('server', shared)
    const gathered: string[] = []
    const gather = (slab: Uint8Array, from: number, to: number) => {
      gathered.push(...inWords(slab.slice(from, to), 'server'))
      return true
    }
    return { sender: fixture.sender, wire: Object.assign(fixture.wire, { gather }), gathered, fixture }
  }

  test('is given what lies in a slab, which counts as gone', () => {
    const { sender, gathered, fixture } = gathering()
    sender.message(Text, 'Hello')
    sender.message(Binary, bytes([1]))
    expect(sender.flush()).toBe(0)
    expect(gathered).toEqual(['text "Hello"', 'binary 01'])
    expect(fixture.sent()).toEqual([])
    expect([sender.bufferedAmount, sender.blocked, sender.bytesSent]).toEqual([0, false, 10])
  })

  test('is not given a Ping or a Close frame, nor what lies elsewhere', () => {
    const { sender, gathered, fixture } = gathering()
    sender.ping(bytes('p'))
    expect(sender.flush()).toBe(Written.Ping)
    sender.message(Binary, new Uint8Array(SLAB_SIZE))
    sender.flush()
    sender.close(bytes([]))
    expect(sender.flush()).toBe(Written.Close)
    expect(gathered).toEqual([])
    expect(fixture.sent()).toHaveLength(3)
  })

  test('and holds some of it after all: what is sent now waits for that', () => {
    const { sender, wire, gathered, fixture } = gathering()
    sender.message(Text, 'gathered')
    sender.flush()
    sender.held(4)
    sender.held(2)
    expect([sender.bufferedAmount, sender.blocked]).toEqual([6, true])
    sender.message(Text, 'later')
    expect(sender.flush()).toBe(0)
    expect(gathered).toEqual(['text "gathered"'])
    expect(sender.bufferedAmount).toBe(11)
    wire.gather = () => false
    sender.written()
    sender.flush()
    expect(fixture.sent()).toEqual(['text "later"'])
    expect([sender.bufferedAmount, sender.blocked]).toEqual([0, false])
  })

  test('and holds some of it when the next is encoded already: that is still sent', () => {
    const { sender, wire, gathered, fixture } = gathering()
    sender.message(Text, 'gathered')
    sender.flush()
    sender.message(Text, 'sent at once')
    sender.ping(bytes('p'))
    sender.held(4)
    sender.message(Text, 'later')
    expect(sender.flush()).toBe(0)
    expect(sender.bufferedAmount).toBe(4 + 14 + 3 + 5)
    wire.gather = () => false
    expect(sender.written()).toBe(0)
    expect(sender.flush()).toBe(Written.Ping)
    expect(gathered).toEqual(['text "gathered"'])
    expect(fixture.sent()).toEqual(['text "sent at once"', 'ping "p"', 'text "later"'])
    expect([sender.bufferedAmount, sender.blocked]).toEqual([0, false])
  })

  test('and holds some of a connection that is lost, which nobody waits for', () => {
    const { sender } = gathering()
    sender.message(Text, 'gathered')
    sender.flush()
    sender.end()
    sender.held(4)
    expect([sender.bufferedAmount, sender.blocked]).toEqual([0, false])
  })

  test('has slabs that are not written over until it has sent them', () => {
    const shared = freshShared()
    const [a, b] = [new Fixture('server', shared), new Fixture('server', shared)]
    const places: number[] = []
    for (const { wire } of [a, b])
      Object.assign(wire, { gather: (_: Uint8Array, from: number) => places.push(from) > 0 })
    const turn = () => {
      for (const { sender } of [a, b]) {
        sender.message(Binary, bytes([1]))
        sender.flush()
      }
    }
    shared.slabs.keep()
    turn()
    shared.slabs.reuse()
    turn()
    expect(places).toEqual([0, 3, 0, 0])
  })
})

describe('frames in their turn', () => {
  test('have the first byte that they are given, and wait like messages', () => {
    const fixture = new Fixture()
    fixture.block()
    fixture.sender.frame(Text, 'first ')
    fixture.sender.frame(0x80 | Opcode.Ping, bytes('in its turn'))
    fixture.sender.frame(0x80 | Continuation, bytes('last'))
    fixture.sender.ping(bytes('ahead'))
    fixture.release()
    expect(fixture.sent()).toEqual([
      'text "held"',
      'ping "ahead"',
      'text "first "...',
      'ping "in its turn"',
      'continuation "last"',
    ])
  })

  test('can be a Close frame, behind which nothing goes', () => {
    const fixture = new Fixture()
    fixture.sender.frame(0x80 | Opcode.Close, bytes([3, 232]))
    fixture.sender.ping(bytes('late'))
    expect(fixture.sender.flush()).toBe(Written.Close)
    expect(fixture.sender.closeSent).toBe(true)
    expect(fixture.sent()).toEqual(['close 1000'])
  })

  test.each(['server', 'client'] as const)('that a %s has encoded before go out as they are', (side) => {
    const fixture = new Fixture(side)
    const large = bytes('x'.repeat(20_000))
    const frame = encodeFrame({ opcode: Binary, payload: large })
    fixture.sender.encodedFrames([frame.subarray(0, 4), frame.subarray(4)])
    fixture.block()
    fixture.sender.encodedFrames([bytes([0x81, 2]), bytes('hi')])
    expect(fixture.sender.bufferedAmount).toBeGreaterThan(4)
    fixture.release()
    const all = Buffer.from(fixture.wire.bytes)
    expect(all.subarray(0, frame.length).equals(frame)).toBe(true)
    expect(all.subarray(-4).toString('latin1')).toBe('\x81\x02hi')
  })

  test('are counted with messages when the wire has taken them', () => {
    const fixture = new Fixture()
    const { sender } = fixture
    sender.message(Text, 'one')
    sender.answerPing(bytes('not counted'))
    expect(sender.taken).toBe(0)
    sender.flush()
    expect(sender.taken).toBe(1)
    fixture.block()
    sender.frame(0x80 | Opcode.Ping, bytes('p'))
    sender.encodedFrames([bytes([0x89, 0])])
    expect(sender.taken).toBe(1)
    fixture.release()
    expect(sender.taken).toBe(4)
  })
})
