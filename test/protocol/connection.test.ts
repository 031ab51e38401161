import { describe, expect, test } from 'vitest'
import { CLOSING_TIMEOUT, LINGER_TIMEOUT } from '../../src/protocol/connection.ts'
import { ArgumentError, type Side, TimeoutError } from '../../src/protocol/error.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { Fixture } from './connection-fixture.ts'
import { bytes, join } from './frames.ts'

const SIDES: Side[] = ['client', 'server']

/** Sends a message as the socket above does: only while the connection is open. */
function send(fixture: Fixture, text: string): void {
  if (fixture.connection.state === 'open') fixture.connection.sender.message(Opcode.Text, text)
}

describe.each(SIDES)('the closing handshake of a %s', (side) => {
  test('begun here: the Close frame goes behind what was sent, and the peer answers', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    send(fixture, 'one')
    connection.close(4000, 'bye')
    expect(connection.state).toBe('closing')
    expect(fixture.told()).toEqual(['closing', 'deadline 30000', 'output'])
    connection.flush()
    expect(fixture.sent()).toEqual(['text "one"', 'close 4000 "bye"'])
    expect(fixture.told()).toEqual(['deadline 10000'])
    connection.receive(join(peer.text('late'), peer.close(4001, 'as you like')))
    expect(fixture.told()[0]).toBe('text "late"')
    // The server ends TCP first, the client waits for it.
    expect(wire.ended).toBe(side === 'server')
    connection.receiveEnd()
    expect(wire.ended).toBe(true)
    connection.transportClosed(false, undefined)
    expect(connection.state).toBe('closed')
    expect(fixture.infos).toEqual([
      {
        code: 4001,
        reason: 'as you like',
        wasClean: true,
        initiator: 'local',
        cause: 'local-close',
        sent: 4000,
        received: 4001,
        error: undefined,
      },
    ])
    expect(connection.deadline).toBe(Number.POSITIVE_INFINITY)
  })

  test("begun by the peer: answered with the peer's code, and without its reason", () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.receive(peer.close(1001, 'going'))
    expect(connection.state).toBe('closing')
    expect(fixture.told()).toEqual(['closing', 'deadline 30000', 'output'])
    expect(wire.ended).toBe(false)
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1001'])
    expect(fixture.told()).toEqual(['deadline 10000', ...(side === 'server' ? ['deadline 1000'] : [])])
    expect(wire.ended).toBe(side === 'server')
    connection.receiveEnd()
    expect(wire.ended).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.infos).toEqual([
      {
        code: 1001,
        reason: 'going',
        wasClean: true,
        initiator: 'peer',
        cause: 'peer-close',
        sent: 1001,
        received: 1001,
        error: undefined,
      },
    ])
  })

  test('a Close frame without a payload is answered with one', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    connection.receive(peer.close())
    connection.flush()
    expect(fixture.sent()).toEqual(['close'])
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ code: 1005, reason: '', wasClean: true, sent: 1005, received: 1005 })
  })

  test('close(1005) sends a Close frame without a payload', () => {
    const fixture = new Fixture(side)
    fixture.connection.close(1005, '')
    fixture.connection.flush()
    expect(fixture.sent()).toEqual(['close'])
  })

  test('crossed: both ends began, one Close frame goes each way', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.close(1000, 'mine')
    connection.flush()
    connection.receive(peer.close(1001, 'theirs'))
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1000 "mine"'])
    expect(wire.ended).toBe(side === 'server')
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ code: 1001, reason: 'theirs', wasClean: true, initiator: 'local', sent: 1000 })
  })

  test('crossed within a turn: the Close frame that was sent but not yet written is the one', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    connection.close(1000, 'mine')
    connection.receive(peer.close(1001))
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1000 "mine"'])
  })

  test('crossed while the wire holds: what waits is discarded, the Close frame goes out with its code and reason', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    send(fixture, 'waits')
    connection.close(4000, 'mine')
    connection.receive(peer.close(4001, 'theirs'))
    expect(wire.ended).toBe(false)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', 'close 4000 "mine"'])
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ code: 4001, sent: 4000, received: 4001, initiator: 'local', wasClean: true })
  })

  test('the peer closes while the wire holds: the answer goes out behind the frame under way', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    send(fixture, 'waits')
    connection.sender.ping(bytes('waits'))
    connection.receive(peer.close(1000))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', 'close 1000'])
    expect(wire.ended).toBe(side === 'server')
  })

  test('the peer closes in a turn in which more was sent than one write has: what the wire takes is not discarded', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    const large = new Uint8Array(60_000)
    for (let i = 0; i < 3; i++) connection.sender.message(Opcode.Binary, large)
    connection.receive(peer.close(1000))
    connection.flush()
    expect(fixture.sent()).toEqual(['binary(60000)', 'binary(60000)', 'binary(60000)', 'close 1000'])
  })

  test('crossed in such a turn: the Close frame that was waiting is the one', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    const large = new Uint8Array(60_000)
    for (let i = 0; i < 3; i++) connection.sender.message(Opcode.Binary, large)
    connection.close(4000, 'mine')
    connection.receive(peer.close(1000))
    connection.flush()
    expect(fixture.sent().slice(2)).toEqual(['binary(60000)', 'close 4000 "mine"'])
  })

  test('a second call of close changes nothing', () => {
    const fixture = new Fixture(side)
    const { connection } = fixture
    connection.close(1000, 'first')
    connection.close(4000, 'second')
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1000 "first"'])
    connection.transportClosed(false, undefined)
    connection.close(4000, 'third')
    expect(fixture.info).toMatchObject({ sent: 1000 })
  })

  test('close before open changes nothing', () => {
    const fixture = new Fixture(side, {}, false)
    fixture.connection.close(1000, '')
    expect(fixture.connection.state).toBe('connecting')
    expect(fixture.told()).toEqual([])
    fixture.connection.open()
    expect(fixture.connection.state).toBe('open')
    fixture.connection.transportClosed(false, undefined)
    fixture.connection.open()
    expect(fixture.connection.state).toBe('closed')
  })

  test.each([
    [1004, ''],
    [1006, ''],
    [1015, ''],
    [999, ''],
    [2999, ''],
    [5000, ''],
    [1000.5, ''],
    [Number.NaN, ''],
    [1005, 'a reason needs a code'],
    [1000, 'a'.repeat(124)],
    [1000, '€'.repeat(42)],
  ])('close(%d, %j) throws and changes nothing', (code, reason) => {
    const fixture = new Fixture(side)
    expect(() => fixture.connection.close(code, reason)).toThrow(ArgumentError)
    expect(fixture.connection.state).toBe('open')
    expect(fixture.told()).toEqual([])
    fixture.connection.flush()
    expect(fixture.wire.writes).toBe(0)
  })

  test('a Close frame that was held up is read by close: still one goes out, with the code asked for', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    connection.receiver.pause()
    connection.receive(join(peer.text('held'), peer.close(1001, 'held')))
    fixture.on = (event) => {
      if (event === 'closing') connection.receiver.resume()
    }
    connection.close(4000, 'mine')
    connection.flush()
    expect(fixture.sent()).toEqual(['close 4000 "mine"'])
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.infos).toMatchObject([
      { code: 1001, reason: 'held', wasClean: true, initiator: 'local', sent: 4000, received: 1001 },
    ])
  })

  test('a violation that was held up is read by close: one Close frame goes out, with the code of the violation', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.receiver.pause()
    connection.receive(peer.frame(3))
    fixture.on = (event) => {
      if (event === 'closing') connection.receiver.resume()
    }
    connection.close(4000, 'mine')
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1002 "reserved opcode"'])
    expect(wire.ended).toBe(true)
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({
      code: 1006,
      sent: 1002,
      received: undefined,
      error: { code: 'RESERVED_OPCODE' },
    })
  })
})

describe.each(SIDES)('failing, as a %s', (side) => {
  test('a violation: one Close frame that says which, and the transport ends at once', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.receive(join(peer.text('good'), peer.frame(0xb), peer.text('never read')))
    expect(connection.state).toBe('closing')
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1002 "reserved opcode"'])
    expect(wire.ended).toBe(true)
    expect(fixture.dueIn).toBe(LINGER_TIMEOUT)
    connection.receive(peer.close(1000))
    connection.receiveEnd()
    connection.transportClosed(false, undefined)
    expect(fixture.events.filter((event) => event.startsWith('text'))).toEqual(['text "good"'])
    expect(fixture.infos).toMatchObject([
      {
        code: 1006,
        reason: '',
        wasClean: false,
        initiator: 'local',
        cause: 'protocol-error',
        sent: 1002,
        received: undefined,
        error: { code: 'RESERVED_OPCODE', side: peer.side, frameNumber: 2, offset: peer.text('good').length },
      },
    ])
  })

  test.each([
    ['over maxPayload', (fixture: Fixture) => fixture.peer.header(0x82, 127, '00000000 00100001'), 'MESSAGE_TOO_LARGE'],
    [
      'over 2^53 - 1',
      (fixture: Fixture) => fixture.peer.header(0x82, 127, '00200000 00000000'),
      'LENGTH_UNREPRESENTABLE',
    ],
  ])('a length %s is reported as a message too large', (_, header, code) => {
    const fixture = new Fixture(side)
    fixture.connection.receive(header(fixture))
    fixture.connection.flush()
    expect(fixture.sent()).toEqual([`close 1009 "${code.toLowerCase().replaceAll('_', ' ')}"`])
    fixture.connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'message-too-large', error: { code } })
  })

  test('discards the messages that wait, but not the frame under way', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    for (let i = 0; i < 10; i++) send(fixture, `waits ${i}`)
    const error = new Error('a handler threw')
    connection.fail(1011, 'internal error', 'handler-error', error)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', 'close 1011 "internal error"'])
    expect(wire.ended).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'handler-error', error, sent: 1011 })
  })

  test('replaces a Close frame that has not been encoded yet', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    connection.close(1000, '')
    connection.fail(1011, 'broken', 'handler-error', new Error('late'))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', 'close 1011 "broken"'])
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: 1011, error: { message: 'late' } })
  })

  test('does not follow a Close frame with another', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.close(1000, '')
    connection.flush()
    connection.receive(peer.frame(3))
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1000'])
    // The peer's Close frame will not be read any more, so there is nothing to wait for.
    expect(wire.ended).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: 1000, received: undefined, wasClean: false })
    expect(fixture.info?.error).toMatchObject({ code: 'RESERVED_OPCODE' })
  })

  test('happens once; what happened first is reported', () => {
    const fixture = new Fixture(side)
    const { connection } = fixture
    connection.fail(1011, 'first', 'handler-error', new Error('first'))
    connection.fail(1013, 'second', 'slow-consumer', new Error('second'))
    connection.flush()
    expect(fixture.sent()).toEqual(['close 1011 "first"'])
    connection.transportClosed(false, undefined)
    connection.fail(1013, 'third', 'slow-consumer', new Error('third'))
    expect(fixture.infos).toMatchObject([{ cause: 'handler-error', error: { message: 'first' } }])
  })

  test('with a reason that does not fit throws and changes nothing', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    expect(() => connection.fail(1011, 'a'.repeat(124), 'handler-error', new Error())).toThrow(ArgumentError)
    expect(connection.state).toBe('open')
    connection.receive(peer.text('still read'))
    connection.fail(1011, '', 'handler-error', new Error())
    connection.flush()
    expect(fixture.told()).toContain('text "still read"')
    expect(fixture.sent()).toEqual(['close 1011'])
  })

  test('works before the connection is open', () => {
    const fixture = new Fixture(side, {}, false)
    fixture.connection.fail(1011, '', 'rejected', new Error('refused'))
    fixture.connection.flush()
    expect(fixture.sent()).toEqual(['close 1011'])
    expect(fixture.wire.ended).toBe(true)
  })
})

describe.each(SIDES)('the end of the transport, for a %s', (side) => {
  test('without a Close frame it is abnormal', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    connection.receiveEnd()
    expect(connection.state).toBe('closing')
    expect(wire.ended).toBe(true)
    expect(fixture.dueIn).toBe(LINGER_TIMEOUT)
    connection.transportClosed(false, undefined)
    expect(fixture.infos).toEqual([
      {
        code: 1006,
        reason: '',
        wasClean: false,
        initiator: 'peer',
        cause: 'eof',
        sent: undefined,
        received: undefined,
        error: undefined,
      },
    ])
  })

  test('what was sent in the turn in which the peer ended is still written, and nothing after the end', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    send(fixture, 'answer')
    connection.receiveEnd()
    expect(fixture.sent()).toEqual(['text "answer"'])
    expect(wire.ended).toBe(true)
    connection.fail(1011, '', 'handler-error', new Error('too late to be told'))
    connection.flush()
    expect(connection.sender.bufferedAmount).toBe(0)
    connection.transportClosed(false, undefined)
    expect(fixture.sent()).toEqual([])
    expect(fixture.info).toMatchObject({ cause: 'eof', sent: undefined })
  })

  test('what waits while the wire holds is discarded', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    send(fixture, 'waits')
    connection.close(1000, '')
    connection.receiveEnd()
    expect(wire.ended).toBe(true)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"'])
    expect(connection.sender.bufferedAmount).toBe(0)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: undefined, wasClean: false })
  })

  test('a Close frame that the wire held counts as sent once it was taken, and does not move the deadline', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    connection.close(1000, '')
    connection.flush()
    connection.receiveEnd()
    expect(fixture.dueIn).toBe(LINGER_TIMEOUT)
    fixture.release()
    expect(fixture.dueIn).toBe(LINGER_TIMEOUT)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ sent: 1000, received: undefined, wasClean: false })
  })

  test('a Close frame that was not written was not sent', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    connection.receive(peer.close(1000))
    connection.transportClosed(true, new Error('reset'))
    connection.flush()
    expect(fixture.wire.writes).toBe(0)
    expect(fixture.info).toMatchObject({ code: 1000, received: 1000, sent: undefined, wasClean: false })
  })

  test.each([
    [false, undefined, 'eof'],
    [true, undefined, 'reset'],
    [true, new Error('ECONNRESET'), 'reset'],
    [false, new Error('ETIMEDOUT'), 'transport-error'],
  ])('when it is gone at once (reset: %s, error: %s) the cause is %s', (reset, error, cause) => {
    const fixture = new Fixture(side)
    fixture.connection.transportClosed(reset, error)
    expect(fixture.connection.state).toBe('closed')
    expect(fixture.infos).toEqual([
      {
        code: 1006,
        reason: '',
        wasClean: false,
        initiator: 'peer',
        cause,
        sent: undefined,
        received: undefined,
        error,
      },
    ])
  })

  test('is told once', () => {
    const fixture = new Fixture(side)
    fixture.connection.transportClosed(false, undefined)
    fixture.connection.transportClosed(true, new Error('again'))
    expect(fixture.infos).toMatchObject([{ cause: 'eof' }])
  })

  test('a reset while closing leaves the cause, and is the error', () => {
    const fixture = new Fixture(side)
    const error = new Error('ECONNRESET')
    fixture.connection.close(1000, '')
    fixture.connection.flush()
    fixture.connection.transportClosed(true, error)
    expect(fixture.info).toMatchObject({ cause: 'local-close', initiator: 'local', sent: 1000, wasClean: false, error })
  })

  test('nothing is told after it', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    wire.holding = true
    connection.sender.ping(bytes('x'))
    connection.close(1000, '')
    connection.flush()
    connection.transportClosed(true, undefined)
    fixture.told()
    fixture.release()
    connection.receive(peer.text('x'))
    connection.flush()
    connection.tick()
    connection.terminate('terminated')
    expect(fixture.told()).toEqual([])
    expect(wire.ended).toBe(false)
    expect(wire.destroyed).toBe(false)
  })
})

describe.each(SIDES)('terminate, as a %s', (side) => {
  test('ends the transport without a Close frame', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    send(fixture, 'lost')
    connection.terminate('terminated')
    expect(wire.destroyed).toBe(true)
    expect(connection.state).toBe('closing')
    connection.flush()
    connection.transportClosed(false, undefined)
    expect(wire.writes).toBe(0)
    expect(fixture.info).toMatchObject({ code: 1006, cause: 'terminated', initiator: 'local', sent: undefined })
  })

  test('loses a Close frame that was not written, and reports none', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    connection.close(1000, '')
    connection.terminate('terminated')
    connection.flush()
    expect(wire.writes).toBe(0)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: undefined, wasClean: false })
  })

  test('a Close frame that the wire held then is not reported as sent', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    connection.close(1000, '')
    connection.flush()
    connection.terminate('terminated')
    expect(connection.sender.bufferedAmount).toBe(0)
    fixture.release()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: undefined })
  })

  test('is no drain', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.terminate('heartbeat', new Error('silent'))
    // A stream that was destroyed calls back for its writes.
    fixture.release()
    connection.flush()
    expect(fixture.told()).toEqual(['closing', 'deadline 30000'])
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'heartbeat', error: { message: 'silent' } })
  })

  test('reads nothing more', () => {
    const fixture = new Fixture(side)
    fixture.connection.terminate('terminated')
    fixture.connection.receive(fixture.peer.text('late'))
    expect(fixture.told()).toEqual(['closing', 'deadline 30000'])
  })

  test('after it nothing can be sent', () => {
    const fixture = new Fixture(side)
    const { connection } = fixture
    connection.terminate('terminated')
    connection.fail(1011, '', 'handler-error', new Error('late'))
    connection.flush()
    expect(fixture.wire.writes).toBe(0)
    expect(connection.sender.bufferedAmount).toBe(0)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'terminated', sent: undefined })
  })
})

describe.each(SIDES)('deadlines of a %s', (side) => {
  test('the peer has the time that was set to answer, from when the wire took the Close frame', () => {
    const fixture = new Fixture(side, { closeTimeout: 7_000 })
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.close(1000, '')
    // Only a message in fragments would be left for the Close frame then.
    expect(fixture.dueIn).toBe(7_000)
    fixture.time += 7_000
    connection.tick()
    expect(wire.destroyed).toBe(false)
    fixture.release()
    expect(fixture.dueIn).toBe(7_000)
    fixture.time += 6_999
    connection.tick()
    expect(wire.destroyed).toBe(false)
    fixture.time += 1
    connection.tick()
    expect(wire.destroyed).toBe(true)
    expect(connection.deadline).toBe(Number.POSITIVE_INFINITY)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ code: 1006, cause: 'local-close', sent: 1000, wasClean: false })
    expect(fixture.info?.error).toEqual(
      new TimeoutError('CLOSE_TIMEOUT', 'The peer did not answer the Close frame within 7000 ms.'),
    )
  })

  test('30 seconds in all', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.close(1000, '')
    fixture.time += 25_000
    fixture.release()
    expect(fixture.dueIn).toBe(5_000)
    fixture.time += 5_000
    connection.tick()
    expect(wire.destroyed).toBe(true)
  })

  test('a Close frame that cannot be delivered is given up', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.close(1000, '')
    fixture.time += 30_000
    connection.tick()
    expect(wire.destroyed).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'local-close', sent: undefined })
    expect(fixture.info?.error).toEqual(
      new TimeoutError('CLOSE_TIMEOUT', 'The Close frame could not be delivered within 30000 ms.'),
    )
  })

  test('a Close frame that is under way when its message in fragments would be given up has its 30 seconds', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.close(1000, '')
    fixture.time += 9_999
    wire.release()
    connection.wireWritten()
    expect(connection.sender.closeSent).toBe(true)
    fixture.time += 1
    connection.tick()
    expect(wire.destroyed).toBe(false)
    expect(fixture.dueIn).toBe(10_000)
    fixture.time += 19_999
    connection.tick()
    expect(wire.destroyed).toBe(false)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "held"', 'close 1000'])
    // What is left of the 30 seconds.
    expect(fixture.dueIn).toBe(1)
    fixture.time += 1
    connection.tick()
    expect(wire.destroyed).toBe(true)
  })

  test('a client waits for the server to end the transport, a server lingers for a second', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.receive(peer.close(1000))
    connection.flush()
    expect(fixture.dueIn).toBe(side === 'server' ? LINGER_TIMEOUT : 10_000)
    fixture.time += fixture.dueIn
    connection.tick()
    expect(wire.destroyed).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ code: 1000, wasClean: true, error: undefined })
  })

  test('after a failure the transport lingers for a second', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    connection.receive(peer.frame(3))
    connection.flush()
    fixture.time += 999
    connection.tick()
    expect(wire.destroyed).toBe(false)
    fixture.time += 1
    connection.tick()
    expect(wire.destroyed).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ sent: 1002, error: { code: 'RESERVED_OPCODE' } })
  })

  test('after the end of the peer the transport lingers for a second, which is no error', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    connection.receiveEnd()
    fixture.time += LINGER_TIMEOUT
    connection.tick()
    expect(wire.destroyed).toBe(true)
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ cause: 'eof', error: undefined })
  })

  test('a failure that cannot be delivered is reported as what it was', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    wire.holding = true
    send(fixture, 'held')
    connection.flush()
    connection.receive(peer.frame(3))
    expect(fixture.dueIn).toBe(CLOSING_TIMEOUT)
    fixture.time += CLOSING_TIMEOUT
    connection.tick()
    connection.transportClosed(false, undefined)
    expect(fixture.info).toMatchObject({ sent: undefined, error: { code: 'RESERVED_OPCODE' } })
  })

  test('closeTimeout can be changed until the Close frame is taken', () => {
    const fixture = new Fixture(side)
    fixture.connection.closeTimeout = 50
    fixture.connection.close(1000, '')
    fixture.connection.flush()
    expect(fixture.dueIn).toBe(50)
  })

  test('there is none while the connection is open', () => {
    const fixture = new Fixture(side)
    expect(fixture.connection.deadline).toBe(Number.POSITIVE_INFINITY)
    fixture.connection.tick()
    expect(fixture.connection.state).toBe('open')
    expect(fixture.wire.destroyed).toBe(false)
  })
})

describe.each(SIDES)('what a %s tells', (side) => {
  test('messages, pieces, pings and pongs', () => {
    const fixture = new Fixture(side)
    const { connection, peer } = fixture
    connection.receive(join(peer.text('t'), peer.binary([1, 2]), peer.ping('a'), peer.pong('b')))
    connection.receiver.inPieces = true
    connection.receive(join(peer.binary([3], false), peer.more([4])))
    expect(fixture.told()).toEqual(['text "t"', 'binary 0102', 'ping a', 'pong b', 'piece 2 03', 'piece 2 04 last'])
  })

  test('that a ping was taken, once for all of a write', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    connection.sender.ping(bytes('1'))
    connection.sender.ping(bytes('2'))
    connection.flush()
    expect(fixture.told()).toEqual(['ping taken'])
    wire.holding = true
    connection.sender.ping(bytes('3'))
    connection.flush()
    expect(fixture.told()).toEqual([])
    fixture.release()
    expect(fixture.told()).toEqual(['ping taken', 'drained'])
  })

  test('that all was drained, only after the wire had held some back', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    send(fixture, 'a')
    connection.flush()
    expect(fixture.told()).toEqual([])
    wire.holding = true
    send(fixture, 'b')
    connection.flush()
    send(fixture, 'c')
    wire.release()
    // The second message is held in its turn.
    connection.wireWritten()
    expect(fixture.told()).toEqual([])
    fixture.release()
    expect(fixture.told()).toEqual(['drained'])
    connection.flush()
    expect(fixture.told()).toEqual([])
    expect(fixture.sent()).toEqual(['text "a"', 'text "b"', 'text "c"'])
  })

  test('that all was drained, once what waits for a message in fragments has gone too', () => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    const { sender } = connection
    sender.beginFragments(() => {})
    sender.fragment(Opcode.Text, 'a', false)
    wire.holding = true
    connection.flush()
    send(fixture, 'waits')
    fixture.release()
    expect(fixture.told()).toEqual([])
    sender.fragment(Opcode.Continuation, 'b', true)
    connection.flush()
    expect(fixture.told()).toEqual(['drained'])
    expect(fixture.sent()).toEqual(['text "a"...', 'continuation "b"', 'text "waits"'])
  })

  test.each([
    { name: 'fails', end: ({ connection }: Fixture) => connection.fail(1013, '', 'slow-consumer', new Error('slow')) },
    { name: 'is closed by the peer', end: ({ connection, peer }: Fixture) => connection.receive(peer.close(1000)) },
  ])('nothing of a drain, when messages were discarded because it $name', ({ end }) => {
    const fixture = new Fixture(side)
    const { connection, wire } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    send(fixture, 'discarded')
    end(fixture)
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', expect.stringMatching(/^close /)])
    expect(connection.sender.bufferedAmount).toBe(0)
    expect(fixture.told()).not.toContain('drained')
  })

  test('nothing of a drain, when the last fragment of a message was discarded', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    const { sender } = connection
    sender.beginFragments(() => {})
    sender.fragment(Opcode.Text, 'a', false)
    wire.holding = true
    connection.flush()
    sender.fragment(Opcode.Continuation, 'b', true)
    connection.receive(peer.close(1000))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "a"...', 'close 1000'])
    expect(fixture.told()).not.toContain('drained')
  })

  test('that all was drained, when the peer closed while the last message was under way', () => {
    const fixture = new Fixture(side)
    const { connection, wire, peer } = fixture
    wire.holding = true
    send(fixture, 'under way')
    connection.flush()
    connection.close(4000, '')
    connection.receive(peer.close(1000))
    fixture.release()
    expect(fixture.sent()).toEqual(['text "under way"', 'close 4000'])
    expect(fixture.told()).toContain('drained')
  })

  test('text as bytes, where that was asked for', () => {
    const fixture = new Fixture(side, { text: 'bytes' })
    const texts: (string | Uint8Array)[] = []
    fixture.onText = (text) => void texts.push(text)
    fixture.connection.receive(fixture.peer.text('ä'))
    expect(texts).toEqual([Buffer.from('ä')])
  })
})
