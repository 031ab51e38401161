import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import type { Side } from '../../src/protocol/error.ts'
import { decodeFrame } from '../../src/protocol/frame.ts'
import { Opcode, opcodeName } from '../../src/protocol/opcode.ts'
import { PreparedMessage, prepareMessage } from '../../src/protocol/prepared.ts'
import type { Sendable } from '../../src/protocol/send-queue.ts'
import { Sender } from '../../src/protocol/sender.ts'
import { Fixture } from './connection-fixture.ts'
import { FakeWire, freshShared } from './fake-wire.ts'
import { reversed, SlowCodec } from './slow-codec.ts'

const SIDES: Side[] = ['server', 'client']
const LONG = 'long '.repeat(30)

/** Frames in words: a message that was encoded has a star. */
function wordsOf(stream: Uint8Array, side: Side): string[] {
  const words: string[] = []
  for (let at = 0; at < stream.length; ) {
    const frame = decodeFrame(stream, at, side)
    if (frame === undefined) throw new Error(`The bytes from ${at} are no whole frame.`)
    const { opcode, payload, rsv1, fin, length } = frame
    const text = Buffer.from(rsv1 ? reversed(payload) : payload).toString()
    const shown = opcode === Opcode.Close ? Buffer.from(payload).readUInt16BE() : text.slice(0, 12).trim()
    words.push(`${opcodeName(opcode)}${rsv1 ? '*' : ''} ${shown}${fin ? '' : '...'}`)
    at += length
  }
  return words
}

function lengthOf(message: Sendable): number {
  return message instanceof PreparedMessage ? message.payload.length : message.length
}

class Writer {
  readonly codec = new SlowCodec()
  readonly wire = new FakeWire()
  readonly sender: Sender
  readonly side: Side
  readonly shared = freshShared()
  told = 0

  constructor(side: Side = 'server') {
    this.side = side
    this.sender = new Sender(this.shared, this.wire, side === 'client')
    this.sender.encoder = this.codec.encoder
    this.sender.encodedListener = () => this.told++
  }

  text(text: string, key?: string): void {
    this.sender.message(Opcode.Text, text, key)
  }

  /** What goes out when it is flushed. */
  sent(): string[] {
    this.sender.flush()
    return wordsOf(this.wire.news(), this.side)
  }

  /** The wire lets go of what it holds. */
  release(): string[] {
    this.wire.holding = false
    this.wire.release()
    this.sender.written()
    return this.sent()
  }
}

describe.each(SIDES)('as %s', (side) => {
  test('messages are encoded; control frames, fragments and what is to go as it is are not', () => {
    const writer = new Writer(side)
    const { sender } = writer
    writer.text('text')
    sender.message(Opcode.Binary, Buffer.from('bytes'))
    sender.message(Opcode.Text, prepareMessage(nodePlatform, 'prepared'))
    sender.message(Opcode.Text, 'as it is', undefined, true)
    sender.ping(Buffer.from('ping'))
    sender.beginFragments(() => {
      sender.fragment(Opcode.Text, 'part', false)
      sender.fragment(Opcode.Continuation, 'rest', true)
    })
    sender.close(Buffer.of(3, 232))
    expect(writer.sent()).toEqual([
      'text* text',
      'binary* bytes',
      'text* prepared',
      'text as it is',
      'ping ping',
      'text part...',
      'continuation rest',
      'close 1000',
    ])
  })

  test('the encoder may write over what it gave, of any size', () => {
    const writer = new Writer(side)
    const scratch = Buffer.alloc(40_000)
    writer.sender.encoder = {
      reservedBit: 0x40,
      isLong: () => false,
      encode: (message) => scratch.fill(lengthOf(message) & 0xff).subarray(0, lengthOf(message)),
      encodeLater: () => expect.unreachable(),
    }
    const sizes = [10, 100, 20_001, 16_000, 30_002]
    for (const size of sizes) writer.sender.message(Opcode.Binary, Buffer.alloc(size))
    writer.sender.flush()
    const stream = writer.wire.news()
    let at = 0
    for (const size of sizes) {
      const frame = decodeFrame(stream, at, side)!
      expect(Buffer.from(frame.payload).equals(Buffer.alloc(size, size & 0xff))).toBe(true)
      at += frame.length
    }
  })

  describe('a message that takes long to encode', () => {
    test('others wait behind it, and pings do not', () => {
      const writer = new Writer(side)
      const { sender } = writer
      writer.text('before')
      writer.text(LONG)
      writer.text('behind')
      sender.ping(Buffer.from('ahead'))
      expect(writer.sent()).toEqual(['text* before', 'ping ahead'])
      expect(sender.blocked).toBe(true)
      expect(sender.bufferedAmount).toBe(LONG.length + 'behind'.length)
      writer.codec.finishEncoding()
      expect(writer.told).toBe(1)
      expect(writer.sent()).toEqual(['text* long long lo', 'text* behind'])
      expect(sender).toMatchObject({ bufferedAmount: 0, load: 0, blocked: false, closeSent: false })
      sender.ping(Buffer.from('after'))
      sender.close(Buffer.of(3, 232))
      expect(writer.sent()).toEqual(['ping after', 'close 1000'])
      expect(sender.closeSent).toBe(true)
    })

    test('several, one after the other, with what comes from the queue', () => {
      const writer = new Writer(side)
      for (const text of ['1', LONG, '2', LONG, LONG, '3']) writer.text(text)
      const all = writer.sent()
      while (writer.codec.encoding.length > 0) {
        expect(writer.codec.encoding.length).toBe(1)
        writer.codec.finishEncoding()
        all.push(...writer.sent())
      }
      expect(all).toEqual([
        'text* 1',
        'text* long long lo',
        'text* 2',
        'text* long long lo',
        'text* long long lo',
        'text* 3',
      ])
    })

    test('done while the wire holds something, it goes before what waits', () => {
      const writer = new Writer(side)
      writer.wire.holding = true
      writer.text('held')
      writer.text(LONG)
      writer.text('behind')
      expect(writer.sent()).toEqual([])
      writer.codec.finishEncoding()
      writer.sender.ping(Buffer.from('p'))
      expect(writer.sender.bufferedAmount).toBeGreaterThan(LONG.length)
      expect(writer.release()).toEqual(['text* held', 'text* long long lo', 'ping p', 'text* behind'])
      expect(writer.sender.bufferedAmount).toBe(0)
    })

    test('fragments and a Close frame wait behind it', () => {
      const writer = new Writer(side)
      const { sender } = writer
      writer.text(LONG)
      sender.beginFragments(() => sender.fragment(Opcode.Text, 'all', true))
      sender.close(Buffer.of(3, 232))
      writer.text('too late')
      expect(writer.sent()).toEqual([])
      writer.codec.finishEncoding()
      expect(writer.sent()).toEqual(['text* long long lo', 'text all', 'close 1000'])
    })

    test('it is not replaced by one with the same key, and those behind it are', () => {
      const writer = new Writer(side)
      writer.text(LONG, 'key')
      writer.text('older', 'key')
      writer.text('newer', 'key')
      expect(writer.sender.coalesced).toBe(1)
      writer.codec.finishEncoding()
      expect(writer.sent()).toEqual(['text* long long lo', 'text* newer'])
    })

    test('what replaces another with the same key is encoded or not as it says itself', () => {
      const writer = new Writer(side)
      writer.text(LONG)
      writer.sender.message(Opcode.Text, 'older', 'key', true)
      writer.sender.message(Opcode.Text, 'newer', 'key', false)
      writer.codec.finishEncoding()
      expect(writer.sent()).toEqual(['text* long long lo', 'text* newer'])
    })

    test('one that is better sent as it is', () => {
      const writer = new Writer(side)
      writer.text(LONG)
      writer.text('behind')
      const [job] = writer.codec.encoding.splice(0)
      job?.done(undefined)
      expect(writer.sent()).toEqual(['text long long lo', 'text* behind'])
    })

    test('discarded, it is given up, and that shows', () => {
      const writer = new Writer(side)
      writer.text(LONG)
      const [job] = writer.codec.encoding
      writer.sender.discard()
      expect(writer.codec.encoding).toEqual([])
      expect(writer.sender).toMatchObject({ hasDiscarded: true, bufferedAmount: 0, blocked: false })
      job?.done(Buffer.from('x'))
      writer.sender.close(Buffer.of(3, 232))
      expect(writer.sent()).toEqual(['close 1000'])
    })

    test('done while the wire holds something, and then discarded', () => {
      const writer = new Writer(side)
      writer.wire.holding = true
      writer.text('held')
      writer.text(LONG)
      writer.sent()
      writer.codec.finishEncoding()
      writer.sender.discard()
      expect(writer.sender.hasDiscarded).toBe(true)
      expect(writer.release()).toEqual(['text* held'])
    })

    test('after the end nothing comes of it, and the slab is free', () => {
      const writer = new Writer(side)
      writer.text('before')
      writer.text(LONG)
      const [job] = writer.codec.encoding
      writer.sender.end()
      job?.done(Buffer.from('x'))
      expect(writer.sent()).toEqual([])
      expect(writer.told).toBe(0)
      expect(writer.shared.slabs.withRoom(0).users).toBe(0)
    })
  })
})

describe('a connection with a codec', () => {
  function connected() {
    const codec = new SlowCodec()
    const fixture = new Fixture('server', { codec })
    const { connection, wire } = fixture
    const send = (text: string) => connection.sender.message(Opcode.Text, text)
    const receive = (text: string) =>
      connection.receive(fixture.peer.frame(Opcode.Text, reversed(Buffer.from(text)), { rsv1: true }))
    return { codec, fixture, connection, send, receive, sent: () => wordsOf(wire.news(), 'server') }
  }

  test('drained is told once a long message has been encoded and has gone', () => {
    const { codec, fixture, connection, send, sent } = connected()
    send(LONG)
    connection.flush()
    expect(fixture.told()).toEqual([])
    codec.finishEncoding()
    expect(fixture.told()).toEqual(['output'])
    connection.flush()
    expect(fixture.told()).toEqual(['drained'])
    expect(sent()).toEqual(['text* long long lo'])
  })

  test('close waits for it', () => {
    const { codec, connection, send, sent } = connected()
    send(LONG)
    connection.close(1000, '')
    connection.flush()
    expect(sent()).toEqual([])
    codec.finishEncoding()
    connection.flush()
    expect(sent()).toEqual(['text* long long lo', 'close 1000'])
  })

  test("the peer's Close frame discards it", () => {
    const { codec, fixture, connection, send, sent } = connected()
    send(LONG)
    connection.receive(fixture.peer.close(1000))
    connection.flush()
    expect(sent()).toEqual(['close 1000'])
    expect(codec.encoding).toEqual([])
  })

  test('failing and terminating give up both directions', () => {
    for (const end of ['fail', 'terminate'] as const) {
      const { codec, fixture, connection, send, receive, sent } = connected()
      send(LONG)
      receive(LONG)
      if (end === 'fail') connection.fail(1011, '', 'handler-error', new Error('failed'))
      else connection.terminate('terminated')
      connection.flush()
      expect([codec.encoding, codec.decoding]).toEqual([[], []])
      expect(sent()).toEqual(end === 'fail' ? ['close 1011'] : [])
      expect(fixture.info).toBeUndefined()
    }
  })

  test('failed while a message is decoded: the transport is to go on, so that what comes is discarded', () => {
    const { fixture, connection, receive } = connected()
    receive(LONG)
    connection.close(1000, '')
    connection.flush()
    fixture.told()
    connection.fail(1011, '', 'handler-error', new Error('failed'))
    expect(fixture.told()).toContain('decoded')
  })
})
