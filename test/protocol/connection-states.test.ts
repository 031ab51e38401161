import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CloseInfo } from '../../src/protocol/close-info.ts'
import { ProtocolError, type Side } from '../../src/protocol/error.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { Fixture } from './connection-fixture.ts'
import { bytes, framesOf } from './frames.ts'

// The connection's states, and everything that can happen, in every order of up to three.

type Setup = (fixture: Fixture) => void

/** Each state, finer than `ConnectionState`, by how it is reached. */
const STATES: Record<string, Setup> = {
  connecting: () => {},
  open: ({ connection }) => connection.open(),
  'open, the wire holds': (fixture) => {
    fixture.connection.open()
    block(fixture)
  },
  'open, the receiver is paused with a Close frame': ({ connection, peer }) => {
    connection.open()
    connection.receiver.pause()
    connection.receive(peer.close(1001))
  },
  'the Close frame waits': (fixture) => {
    fixture.connection.open()
    block(fixture)
    fixture.connection.close(4000, 'mine')
  },
  'the Close frame is in the batch': ({ connection }) => {
    connection.open()
    connection.close(4000, 'mine')
  },
  'the wire holds the Close frame': ({ connection, wire }) => {
    connection.open()
    wire.holding = true
    connection.close(4000, 'mine')
    connection.flush()
  },
  'the Close frame was sent': ({ connection }) => {
    connection.open()
    connection.close(4000, 'mine')
    connection.flush()
  },
  'a Close frame was received': ({ connection, peer }) => {
    connection.open()
    connection.receive(peer.close(4001))
  },
  'both Close frames went': ({ connection, peer }) => {
    connection.open()
    connection.receive(peer.close(4001))
    connection.flush()
  },
  failed: ({ connection, peer }) => {
    connection.open()
    connection.receive(peer.frame(3))
  },
  'failed, and the Close frame was sent': ({ connection, peer }) => {
    connection.open()
    connection.receive(peer.frame(3))
    connection.flush()
  },
  'the peer ended TCP': ({ connection }) => {
    connection.open()
    connection.receiveEnd()
  },
  'the peer ended TCP while the wire holds': (fixture) => {
    fixture.connection.open()
    block(fixture)
    fixture.connection.receiveEnd()
  },
  terminated: ({ connection }) => {
    connection.open()
    connection.terminate('terminated')
  },
  closed: ({ connection }) => {
    connection.open()
    connection.transportClosed(false, undefined)
  },
}

/** The wire holds a message, and another one waits. */
function block({ connection, wire }: Fixture): void {
  wire.holding = true
  connection.sender.message(Opcode.Text, 'held')
  connection.flush()
  connection.sender.message(Opcode.Text, 'waits')
}

/** What can happen. Nothing comes from a transport that is gone, or from a direction that has ended. */
const EVENTS: Record<string, Setup> = {
  'a text comes': (fixture) => receive(fixture, fixture.peer.text('text')),
  'a ping comes': (fixture) => receive(fixture, fixture.peer.ping('ping')),
  'a Close frame comes': (fixture) => receive(fixture, fixture.peer.close(4001, 'theirs')),
  'a rule is broken': (fixture) => receive(fixture, fixture.peer.frame(0xf)),
  'the peer ends TCP': (fixture) => {
    if (fixture.connection.state !== 'closed' && !ended.has(fixture)) fixture.connection.receiveEnd()
    ended.add(fixture)
  },
  'TCP is gone': ({ connection }) => connection.transportClosed(false, undefined),
  'TCP is reset': ({ connection }) => connection.transportClosed(true, new Error('ECONNRESET')),
  'a message is sent': ({ connection }) => {
    if (connection.state === 'open') connection.sender.message(Opcode.Text, 'sent')
  },
  close: ({ connection }) => connection.close(4002, 'called'),
  fail: ({ connection }) => connection.fail(1011, 'failed', 'handler-error', new Error('handler')),
  terminate: ({ connection }) => connection.terminate('terminated'),
  flush: ({ connection, wire }) => {
    if (!wire.holds) wire.holding = false
    connection.flush()
  },
  'the wire lets go': (fixture) => {
    if (fixture.wire.holds) fixture.release()
  },
  'the deadline comes': (fixture) => {
    fixture.time = Math.max(fixture.time, Math.min(fixture.connection.deadline, fixture.time + 60_000))
    fixture.connection.tick()
  },
}

/** Whose peer has ended TCP. */
const ended = new WeakSet<Fixture>()

function receive(fixture: Fixture, chunk: Uint8Array): void {
  if (!ended.has(fixture) && fixture.connection.state !== 'closed') fixture.connection.receive(chunk)
}

const ORDER = ['connecting', 'open', 'closing', 'closed']

/** A fixture in which every answer to a ping is sent, as the socket above does, and states are seen to go forward. */
function begin(side: Side): Fixture {
  const fixture = new Fixture(side, {}, false)
  const { connection } = fixture
  let state = 0
  fixture.on = (event) => {
    if (event === 'ping ping') connection.sender.answerPing(bytes('ping'))
    if (event === 'closing' && !connection.receiver.holds) connection.receiver.resume()
    const now = ORDER.indexOf(connection.state)
    expect(now).toBeGreaterThanOrEqual(state)
    state = now
  }
  return fixture
}

/** Ends whatever is left as the transport would, and holds all that went out and was told against the rules. */
function audit(fixture: Fixture): CloseInfo {
  const { connection, wire } = fixture
  const { side } = connection
  const open = connection.state === 'open' || connection.state === 'connecting'
  expect(Number.isFinite(connection.deadline) || open || wire.destroyed || connection.state === 'closed').toBe(true)
  if (wire.holds) fixture.release()
  wire.holding = false
  connection.flush()
  if (connection.state !== 'closed' && !ended.has(fixture)) connection.receiveEnd()
  expect(connection.state === 'closed' || wire.ended || wire.destroyed).toBe(true)
  connection.transportClosed(false, undefined)
  connection.transportClosed(true, new Error('again'))

  expect(connection.state).toBe('closed')
  expect(connection.deadline).toBe(Number.POSITIVE_INFINITY)
  expect(connection.sender.bufferedAmount).toBe(0)
  expect(fixture.infos.length).toBe(1)
  expect(fixture.events.filter((event) => event === 'closing').length).toBe(1)
  expect(fixture.events.at(-1)).toBe('closed')
  const info = fixture.infos[0]!
  const sent = auditFrames(wire.bytes, side)
  // A Close frame that the wire still held at the end may have gone, but nobody knows.
  if (info.sent !== undefined) expect(info.sent).toBe(sent)
  expect(info.wasClean).toBe(info.sent !== undefined && info.received !== undefined)
  expect(info.code).toBe(info.received ?? 1006)
  return info
}

/** One Close frame at most, with a code that may be sent, and nothing behind it. Returns its code. */
function auditFrames(stream: Uint8Array, side: Side): number | undefined {
  const frames = framesOf(stream, side)
  const at = frames.findIndex(({ opcode }) => opcode === Opcode.Close)
  if (at < 0) return undefined
  expect(at).toBe(frames.length - 1)
  const { payload } = frames[at]!
  if (payload.length === 0) return 1005
  const code = payload[0]! * 256 + payload[1]!
  expect([1005, 1006, 1015]).not.toContain(code)
  return code
}

const SIDES: Side[] = ['client', 'server']

describe.each(SIDES)('a %s', (side) => {
  const pending = ['connecting', 'open', 'open, the wire holds', 'open, the receiver is paused with a Close frame']

  /** The state that an event leads to. */
  function follows(state: string, event: string): string {
    if (state === 'closed' || event === 'TCP is gone' || event === 'TCP is reset') return 'closed'
    if (!pending.includes(state)) return 'closing'
    const kept = [
      'a text comes',
      'a ping comes',
      'a message is sent',
      'flush',
      'the wire lets go',
      'the deadline comes',
    ]
    if (kept.includes(event)) return state === 'connecting' ? 'connecting' : 'open'
    if (state === 'connecting' && event === 'close') return 'connecting'
    // A paused receiver reads nothing.
    if (state.includes('paused') && (event === 'a Close frame comes' || event === 'a rule is broken')) return 'open'
    return 'closing'
  }

  describe.each(Object.keys(STATES))('%s', (state) => {
    test.each(Object.keys(EVENTS))('%s', (event) => {
      const fixture = begin(side)
      STATES[state]?.(fixture)
      if (state.startsWith('the peer ended TCP')) ended.add(fixture)
      EVENTS[event]?.(fixture)
      expect(fixture.connection.state).toBe(follows(state, event))
      audit(fixture)
    })
  })

  test('any two events in any state, and the first decides what is reported', () => {
    for (const [state, setUp] of Object.entries(STATES)) {
      for (const first of Object.values(EVENTS)) {
        const alone = begin(side)
        setUp(alone)
        if (state.startsWith('the peer ended TCP')) ended.add(alone)
        first(alone)
        const closing = alone.connection.state === 'closing'
        const { cause, initiator } = audit(alone)
        for (const second of Object.values(EVENTS)) {
          const fixture = begin(side)
          setUp(fixture)
          if (state.startsWith('the peer ended TCP')) ended.add(fixture)
          first(fixture)
          second(fixture)
          const info = audit(fixture)
          if (closing) expect(info).toMatchObject({ cause, initiator })
        }
      }
    }
  })

  test('any events at all', () => {
    const events = fc.array(fc.constantFrom(...Object.keys(EVENTS)), { maxLength: 12 })
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(STATES)), events, fc.boolean(), (state, names, holding) => {
        const fixture = begin(side)
        STATES[state]?.(fixture)
        if (state.startsWith('the peer ended TCP')) ended.add(fixture)
        for (const name of names) {
          if (holding && !fixture.wire.holds) fixture.wire.holding = true
          EVENTS[name]?.(fixture)
        }
        audit(fixture)
      }),
      { numRuns: 800 },
    )
  })
})

// Two connections with each other

type Step = { who: 0 | 1; do: string; size: number }

const STEPS = [
  'send',
  'send',
  'send large',
  'ping',
  'flush',
  'flush',
  'deliver',
  'deliver',
  'deliver',
  'hold',
  'let go',
]
const ENDS = ['close', 'fail', 'terminate', 'wait']

/** One end: a connection, what it has sent and was told, and how much of it has arrived at the other end. */
class End {
  readonly fixture: Fixture
  readonly sent: string[] = []
  arrived = 0
  endTold = false

  constructor(side: Side) {
    this.fixture = new Fixture(side)
    const { connection } = this.fixture
    this.fixture.on = (event) => {
      if (event.startsWith('ping ') && event !== 'ping taken') connection.sender.answerPing(bytes(event.slice(5)))
    }
  }

  get received(): string[] {
    return this.fixture.events.filter((event) => event.startsWith('text '))
  }

  /** Takes up to `size` bytes of what the other end's wire has taken. */
  hear(other: End, size: number): void {
    const { connection } = this.fixture
    const chunk = other.fixture.wire.bytes.slice(this.arrived, this.arrived + size)
    if (connection.state === 'closed' || this.endTold) return
    if (chunk.length > 0) {
      this.arrived += chunk.length
      connection.receive(chunk)
    } else if (other.fixture.wire.ended || other.fixture.wire.destroyed) {
      this.endTold = true
      connection.receiveEnd()
    }
  }

  take({ do: what, size }: Step, other: End): void {
    const { connection, wire } = this.fixture
    const open = connection.state === 'open'
    if (what === 'send' || what === 'send large') {
      const text = what === 'send' ? `${this.sent.length}` : `${this.sent.length} ${'x'.repeat(size * 40)}`
      if (!open) return
      connection.sender.message(Opcode.Text, text)
      this.sent.push(`text ${JSON.stringify(text)}`)
    } else if (what === 'ping') {
      if (open) connection.sender.ping(bytes('p'))
    } else if (what === 'deliver') {
      this.hear(other, size)
    } else if (what === 'hold') {
      wire.holding = true
    } else if (what === 'let go') {
      if (wire.holds) this.fixture.release()
      wire.holding = false
    } else if (what === 'close') {
      connection.close(4000 + size, 'reason')
    } else if (what === 'wait') {
      this.fixture.time += 12_000
      connection.tick()
    } else {
      EVENTS[what]?.(this.fixture)
    }
  }

  /** Goes on until nothing more happens of itself. */
  settle(other: End): void {
    const { connection, wire } = this.fixture
    if (wire.holds) this.fixture.release()
    wire.holding = false
    if (!wire.destroyed) connection.flush()
    for (let i = 0; i < 100_000 && this.arrived < other.fixture.wire.bytes.length && !this.endTold; i++) {
      const before = this.arrived
      this.hear(other, 1_000)
      if (this.arrived === before) break
    }
    this.hear(other, 1_000)
    if (!wire.destroyed) connection.flush()
    if (wire.destroyed || (wire.ended && this.endTold)) connection.transportClosed(false, undefined)
  }
}

function run(steps: readonly Step[]): [End, End] {
  const ends: [End, End] = [new End('client'), new End('server')]
  for (const step of steps) ends[step.who].take(step, ends[1 - step.who] as End)
  const [client, server] = ends
  client.fixture.connection.close(1000, '')
  for (let round = 0; round < 20; round++) {
    client.settle(server)
    server.settle(client)
  }
  return ends
}

const stepOf = (names: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({
    who: fc.constantFrom(0 as const, 1 as const),
    do: fc.constantFrom(...names),
    size: fc.integer({ min: 1, max: 900 }),
  })

describe('two connections with each other', () => {
  test('that are only ever closed end cleanly, and lose nothing of what was sent before', () => {
    fc.assert(
      fc.property(fc.array(stepOf(STEPS), { maxLength: 40 }), (steps) => {
        const [client, server] = run(steps)
        for (const [one, other] of [
          [client, server],
          [server, client],
        ] as const) {
          expect(one.fixture.infos).toMatchObject([{ wasClean: true, code: 1000, sent: 1000, error: undefined }])
          expect(other.received).toEqual(one.sent)
          auditFrames(one.fixture.wire.bytes, one.fixture.connection.side)
        }
        expect([client.fixture.info?.initiator, server.fixture.info?.initiator]).toEqual(['local', 'peer'])
      }),
      { numRuns: 300 },
    )
  })

  test('never break a rule, whatever happens, and tell the same of what was sent', () => {
    fc.assert(
      fc.property(fc.array(stepOf([...STEPS, ...STEPS, ...ENDS]), { maxLength: 40 }), (steps) => {
        const [client, server] = run(steps)
        for (const [one, other] of [
          [client, server],
          [server, client],
        ] as const) {
          expect(one.fixture.infos.length).toBe(1)
          const info = one.fixture.infos[0]!
          expect(info.error).not.toBeInstanceOf(ProtocolError)
          const sent = auditFrames(one.fixture.wire.bytes, one.fixture.connection.side)
          if (info.sent !== undefined) expect(info.sent).toBe(sent)
          // What the other end received was sent, and was first to be sent.
          const received = other.fixture.info?.received
          if (received !== undefined) expect(received).toBe(sent)
          expect(one.sent.slice(0, other.received.length)).toEqual(other.received)
        }
      }),
      { numRuns: 600 },
    )
  })
})
