import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node.ts'
import type { ProtocolError, Side } from '../../src/protocol/error.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import type { Platform } from '../../src/protocol/platform.ts'
import { portablePlatform } from '../../src/protocol/portable.ts'
import { prepareMessage } from '../../src/protocol/prepared.ts'
import { Receiver, type ReceiverOptions, type ReceiverSink } from '../../src/protocol/receiver.ts'
import { Sender } from '../../src/protocol/sender.ts'
import { FakeWire, freshShared } from './fake-wire.ts'
import { bytes, FrameMaker, join } from './frames.ts'

const SIDES: Side[] = ['server', 'client']
const other = (side: Side): Side => (side === 'server' ? 'client' : 'server')

/** Everything that a receiver told, in order; what went wrong with where. */
class Log implements ReceiverSink {
  readonly events: string[] = []
  readonly receiver: Receiver
  private pieces: Uint8Array[] = []
  /** Called after every event. */
  after: () => void = () => {}

  constructor(side: Side, options: Partial<ReceiverOptions> = {}) {
    this.receiver = new Receiver(
      { side, platform: nodePlatform, maxPayload: 200_000, maxFragments: 50, text: 'string', ...options },
      this,
    )
  }

  onText(text: string | Uint8Array): void {
    this.put(`text ${digest(typeof text === 'string' ? bytes(text) : text)}`)
  }

  onBinary(payload: Uint8Array): void {
    this.put(`binary ${digest(payload)}`)
  }

  onPiece(opcode: number, piece: Uint8Array, last: boolean): void {
    this.pieces.push(piece)
    if (!last) return this.after()
    const whole = join(...this.pieces)
    this.pieces = []
    this.put(`${opcode === Opcode.Text ? 'text' : 'binary'} ${digest(whole)}`)
  }

  onPing(payload: Uint8Array): void {
    this.put(`ping ${digest(payload)}`)
  }

  onPong(payload: Uint8Array): void {
    this.put(`pong ${digest(payload)}`)
  }

  onClose(code: number, reason: string): void {
    this.put(`close ${code} ${reason}`)
  }

  onViolation({ code, offset, frameNumber, message }: ProtocolError): void {
    // The hint at the end may differ: it depends on how much has arrived.
    this.put(`violation ${code} ${offset} ${frameNumber} ${message.replace(/\)\..*/s, ')')}`)
  }

  private put(event: string): void {
    this.events.push(event)
    this.after()
  }
}

function digest(payload: Uint8Array): string {
  return payload.length < 100 ? Buffer.from(payload).toString('hex') : `${payload.length} ${nodePlatform.sha1(payload)}`
}

/** Reads a stream in chunks, each of which is spoilt when it has been read. */
function read(log: Log, stream: Uint8Array, sizes: readonly number[]): string[] {
  let turn = 0
  for (let at = 0; at < stream.length; ) {
    const size = sizes.length === 0 ? stream.length : sizes[turn++ % sizes.length]!
    const chunk = Uint8Array.from(stream.subarray(at, at + size))
    log.receiver.receive(chunk)
    chunk.fill(0xaa)
    at += size
  }
  return log.events
}

// What is generated

const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3_000 })), {
  minLength: 1,
  maxLength: 12,
})
/** Texts of every kind of character, and of the lengths at which encodings change. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  fc.string({ unit: 'binary-ascii', maxLength: 140 }),
  fc.tuple(fc.constantFrom('a', 'ä', '€', '😀'), fc.integer({ min: 0, max: 300 })).map(([one, n]) => one.repeat(n)),
  fc.tuple(fc.constantFrom('a', '€'), fc.integer({ min: 5_400, max: 22_000 })).map(([one, n]) => one.repeat(n)),
)
const payload = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  fc.integer({ min: 0, max: 70_000 }).map((length) => Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8))),
)
const short = fc.uint8Array({ maxLength: 125 })

type Message = { kind: 'text'; data: string } | { kind: 'binary'; data: Uint8Array }
const message: fc.Arbitrary<Message> = fc.oneof(
  text.map((data) => ({ kind: 'text' as const, data })),
  payload.map((data) => ({ kind: 'binary' as const, data })),
)

/** A message in fragments that are cut anywhere, with control frames between them. */
interface Fragmented {
  message: Message
  /** Where it is cut, as parts of its whole; twice the same is an empty fragment. */
  cuts: number[]
  between: { ping: boolean; payload: Uint8Array }[]
}
const fragmented: fc.Arbitrary<Fragmented> = fc.record({
  message,
  cuts: fc
    .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })
    .map((cuts) => cuts.sort((a, b) => a - b)),
  between: fc.array(fc.record({ ping: fc.boolean(), payload: short }), { maxLength: 4 }),
})

/** The frames of such a message, and what a receiver has to tell of them. */
function framesAndEvents(peer: FrameMaker, { message, cuts, between }: Fragmented): [Uint8Array[], string[]] {
  const whole = typeof message.data === 'string' ? bytes(message.data) : message.data
  const first = message.kind === 'text' ? Opcode.Text : Opcode.Binary
  const borders = [0, ...cuts.map((cut) => Math.round(cut * whole.length)), whole.length]
  const frames: Uint8Array[] = []
  const events: string[] = []
  for (let i = 0; i + 1 < borders.length; i++) {
    const opcode = i === 0 ? first : Opcode.Continuation
    frames.push(peer.frame(opcode, whole.subarray(borders[i], borders[i + 1]), { fin: i + 2 === borders.length }))
    const control = i + 2 < borders.length ? between[i] : undefined
    if (control === undefined) continue
    frames.push(control.ping ? peer.ping(control.payload) : peer.pong(control.payload))
    events.push(`${control.ping ? 'ping' : 'pong'} ${digest(control.payload)}`)
  }
  events.push(`${message.kind} ${digest(whole)}`)
  return [frames, events]
}

/** Sides and platforms by which a receiver can differ without what it tells being any different. */
const manner = fc.record({
  platform: fc.constantFrom<Platform>(nodePlatform, portablePlatform),
  text: fc.constantFrom('string' as const, 'bytes' as const),
  inPieces: fc.boolean(),
  watched: fc.boolean(),
})

function logOf(
  side: Side,
  { platform, text, inPieces, watched }: typeof manner extends fc.Arbitrary<infer T> ? T : never,
) {
  const log = new Log(side, { platform, text })
  log.receiver.inPieces = inPieces
  if (watched) log.receiver.frameListener = () => {}
  return log
}

/** A stream that is mostly good, and goes wrong in some way that a change of a few bytes can bring about. */
function spoilt(peer: FrameMaker): fc.Arbitrary<Uint8Array> {
  const good = fc
    .array(fragmented, { maxLength: 4 })
    .map((messages) => join(...messages.flatMap((one) => framesAndEvents(peer, one)[0])))
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), byte: fc.nat(255) })
  return fc.oneof(
    fc.tuple(good, fc.array(change, { minLength: 1, maxLength: 5 })).map(([stream, changes]) => {
      for (const { at, byte } of changes) stream[Math.floor(at * stream.length)] = byte
      return stream
    }),
    fc.tuple(good, fc.uint8Array({ maxLength: 60 })).map(([stream, rest]) => join(stream, rest)),
    fc.tuple(good, fc.nat(15), fc.nat(7), fc.boolean(), short).map(([stream, opcode, bits, fin, rest]) => {
      const fields = { fin, rsv1: bits === 1, rsv2: bits === 2, rsv3: bits === 3 }
      return join(stream, peer.frame(opcode, rest, fields), peer.text('never read, or else the end'))
    }),
    fc.tuple(good, fc.integer({ min: 0, max: 65_535 }), short).map(([stream, code, reason]) => {
      return join(stream, peer.close(code, reason.subarray(0, 123)), peer.text('never read'))
    }),
    fc.uint8Array({ maxLength: 200 }),
  )
}

describe.each(SIDES)('a receiver that is a %s', (side) => {
  const peer = new FrameMaker(other(side))

  test('tells the same messages under any fragmentation, any chunking and in any manner', () => {
    fc.assert(
      fc.property(fc.array(fragmented, { maxLength: 6 }), chunkSizes, manner, (messages, sizes, how) => {
        const made = messages.map((one) => framesAndEvents(peer, one))
        const stream = join(...made.flatMap(([frames]) => frames), peer.close(1000, 'end'))
        const expected = [...made.flatMap(([, events]) => events), 'close 1000 end']
        expect(read(logOf(side, how), stream, sizes)).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })

  test('tells the same error at the same offset under any chunking, and never throws', () => {
    fc.assert(
      fc.property(spoilt(peer), chunkSizes, manner, (stream, sizes, how) => {
        const whole = read(logOf(side, { ...how, inPieces: false }), stream, [])
        expect(read(logOf(side, { ...how, inPieces: false }), stream, sizes)).toEqual(whole)
        expect(read(logOf(side, { ...how, inPieces: false }), stream, [1])).toEqual(whole)
        expect(read(logOf(side, how), stream, sizes)).toEqual(whole)
        const ends = whole.filter((event) => /^(violation|close)/.test(event))
        expect(ends.length).toBeLessThanOrEqual(1)
        if (ends.length === 1) expect(whole.at(-1)).toBe(ends[0])
      }),
      { numRuns: 200 },
    )
  })

  test('can be paused and resumed at any message: nothing is lost, doubled or moved', () => {
    fc.assert(
      fc.property(
        spoilt(peer),
        chunkSizes,
        fc.array(fc.boolean(), { minLength: 1 }),
        manner,
        (stream, sizes, pauses, how) => {
          const whole = read(logOf(side, { ...how, inPieces: false }), stream, [])
          const log = logOf(side, how)
          let turn = 0
          const pause = () => pauses[turn++ % pauses.length] === true
          log.after = () => {
            if (pause()) log.receiver.pause()
          }
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = sizes[i % sizes.length]!
            const chunk = Uint8Array.from(stream.subarray(at, at + size))
            log.receiver.receive(chunk)
            chunk.fill(0xaa)
            at += size
            if (!pause()) log.receiver.resume()
          }
          while (log.receiver.holds) log.receiver.resume()
          expect(log.events).toEqual(whole)
        },
      ),
      { numRuns: 200 },
    )
  })
})

// What is sent, over a wire that holds some of it

type Step =
  | { do: 'message'; message: Message; prepared: boolean }
  | { do: 'fragments'; text: boolean }
  | { do: 'part'; data: string; fin: boolean }
  | { do: 'ping' | 'pong' | 'answer'; payload: Uint8Array }
  | { do: 'flush' | 'hold' | 'release' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('message' as const), message, prepared: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fragments' as const), text: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('part' as const),
      data: fc.string({ unit: 'grapheme', maxLength: 50 }),
      fin: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('ping' as const, 'pong' as const, 'answer' as const), payload: short }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'hold' as const, 'release' as const) }) },
)

/** Drives senders that share one slab, and keeps what the receivers have to tell. */
class Driver {
  readonly wire = new FakeWire()
  readonly messages: string[] = []
  readonly controls: string[] = []
  readonly log: Log
  private readonly sender: Sender
  /** The message that is being sent in fragments: its place among the messages, and what there is of it. */
  private open: { place: number; kind: string; parts: string[]; begun: boolean } | undefined

  constructor(side: Side, shared: ReturnType<typeof freshShared>) {
    this.sender = new Sender(shared, this.wire, side === 'client')
    this.log = new Log(other(side), { maxFragments: Number.POSITIVE_INFINITY, maxPayload: Number.POSITIVE_INFINITY })
  }

  take(step: Step): void {
    const { sender, wire } = this
    switch (step.do) {
      case 'message': {
        const { kind, data } = step.message
        const opcode = kind === 'text' ? Opcode.Text : Opcode.Binary
        sender.message(opcode, step.prepared ? prepareMessage(nodePlatform, data) : data)
        this.messages.push(`${kind} ${digest(typeof data === 'string' ? bytes(data) : data)}`)
        break
      }
      case 'fragments': {
        if (this.open !== undefined) break
        const open = { place: this.messages.push('') - 1, kind: step.text ? 'text' : 'binary', parts: [], begun: false }
        this.open = open
        sender.beginFragments(() => {
          open.begun = true
        })
        break
      }
      case 'part':
        this.part(step.data, step.fin)
        break
      case 'ping':
        sender.ping(step.payload)
        this.controls.push(`ping ${digest(step.payload)}`)
        break
      case 'pong':
        sender.pong(step.payload)
        this.controls.push(`pong ${digest(step.payload)}`)
        break
      case 'answer':
        // So few are pending that each is answered.
        sender.answerPing(step.payload)
        this.controls.push(`pong ${digest(step.payload)}`)
        break
      case 'flush':
        sender.flush()
        break
      case 'hold':
        wire.holding = true
        break
      case 'release':
        this.release()
    }
  }

  /** Lets everything out, and gives what came in at the other end. */
  finish(sizes: readonly number[]): string[] {
    while (this.wire.holds) this.release()
    this.wire.holding = false
    for (let i = 0; i < 2; i++) {
      this.sender.flush()
      this.part('', true)
    }
    this.sender.flush()
    expect(this.sender.bufferedAmount).toBe(0)
    return read(this.log, this.wire.bytes, sizes)
  }

  private part(data: string, fin: boolean): void {
    const { open } = this
    if (open?.begun !== true) return
    const first = open.kind === 'text' ? Opcode.Text : Opcode.Binary
    this.sender.fragment(open.parts.length === 0 ? first : Opcode.Continuation, data, fin)
    open.parts.push(data)
    if (!fin) return
    this.messages[open.place] = `${open.kind} ${digest(bytes(open.parts.join('')))}`
    this.open = undefined
  }

  private release(): void {
    const { wire, sender } = this
    wire.holding = false
    if (!wire.holds) return
    wire.release()
    sender.written()
    sender.flush()
  }
}

test('whatever senders that share a slab send arrives: messages in their order, control frames in theirs', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), step), { maxLength: 60 }), chunkSizes, (steps, sizes) => {
      const shared = freshShared()
      const drivers = [new Driver('server', shared), new Driver('client', shared), new Driver('server', shared)]
      for (const [who, one] of steps) drivers[who]!.take(one)
      for (const driver of drivers) {
        const events = driver.finish(sizes)
        expect(events.filter((event) => /^(text|binary)/.test(event))).toEqual(driver.messages)
        expect(events.filter((event) => !/^(text|binary)/.test(event))).toEqual(driver.controls)
      }
      // Everything was taken, so that the slab begins anew.
      expect(shared.slabs.withRoom(1)).toMatchObject({ at: 0, users: 0 })
    }),
    { numRuns: 200 },
  )
})
