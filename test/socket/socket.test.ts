import { setTimeout } from 'node:timers/promises'
import { ArgumentError, ConnectionClosedError, prepare, type ServerSocket, SlowConsumerError } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { closePayload, masked } from '../support/raw-peer.ts'
import { rawPair, wsClosed, wsPair } from '../support/servers.ts'

const MiB = 1024 * 1024

/** Sends until the kernel has had enough; the peer must not read. */
function fill(socket: ServerSocket<undefined>): void {
  const chunk = Buffer.alloc(256 * 1024, 1)
  while (socket.send(chunk) === 'ok');
}

describe('send', () => {
  test.each([
    { what: 'a string', message: 'Grüße 😀', arrives: 'Grüße 😀' },
    { what: 'an empty string', message: '', arrives: '' },
    { what: 'a Buffer', message: Buffer.from([0, 255]), arrives: Buffer.from([0, 255]) },
    { what: 'a Uint8Array', message: Uint8Array.of(1, 2), arrives: Buffer.from([1, 2]) },
    { what: 'an ArrayBuffer', message: Uint8Array.of(3, 4).buffer, arrives: Buffer.from([3, 4]) },
    {
      what: 'a part of one',
      message: new DataView(Uint8Array.of(5, 6, 7, 8).buffer, 1, 2),
      arrives: Buffer.from([6, 7]),
    },
    { what: 'wider numbers', message: Uint16Array.of(0x0201), arrives: Buffer.from([1, 2]) },
    { what: 'a prepared text', message: prepare('twice'), arrives: 'twice' },
    { what: 'prepared bytes', message: prepare(Uint8Array.of(9)), arrives: Buffer.from([9]) },
  ])('takes $what', async ({ message, arrives }) => {
    const { socket, messages } = await wsPair()
    expect(socket.send(message)).toBe('ok')
    expect(socket.send(message)).toBe('ok')
    expect(await messages.take(2)).toEqual([arrives, arrives])
  })

  test('sends a string as binary, and bytes as text, where it is told to', async () => {
    const { socket, messages } = await wsPair()
    socket.send('bytes', 'binary')
    socket.send(Buffer.from('text'), 'text')
    socket.send(prepare('bytes', 'binary'))
    socket.send(prepare(Buffer.from('text'), 'text'))
    expect(await messages.take(4)).toEqual([Buffer.from('bytes'), 'text', Buffer.from('bytes'), 'text'])
  })

  test.each([
    { message: undefined, what: 'undefined' },
    { message: null, what: 'null' },
    { message: 7, what: 'number' },
    { message: { a: 1 }, what: '[object Object]' },
    { message: [1, 2], what: '[object Array]' },
  ])('throws for $message, and the connection stays open', async ({ message, what }) => {
    const { socket, messages } = await wsPair()
    // @ts-expect-error: no message
    expect(() => socket.send(message)).toThrow(
      new ArgumentError(`A message is a string, a Uint8Array, an ArrayBuffer or a view of one, not ${what}.`),
    )
    expect(socket.send('next')).toBe('ok')
    expect(await messages.next()).toBe('next')
  })

  test('copies what is prepared', async () => {
    const { socket, messages } = await wsPair()
    const bytes = Buffer.from('before')
    const prepared = prepare(bytes)
    bytes.fill('x')
    socket.send(prepared)
    expect(await messages.next()).toEqual(Buffer.from('before'))
  })

  test('leaves the bytes that it is given alone', async () => {
    const { socket, messages } = await wsPair()
    const bytes = Buffer.alloc(300_000, 0xa5)
    socket.send(bytes)
    await messages.next()
    expect(bytes.equals(Buffer.alloc(300_000, 0xa5))).toBe(true)
  })

  test('all of one turn of the event loop in one write', async () => {
    const { socket, peer } = await rawPair()
    let chunks = 0
    peer.stream.on('data', () => chunks++)
    for (let i = 0; i < 500; i++) socket.send(`message ${i}`)
    for (let i = 0; i < 500; i++) expect(await peer.text()).toEqual([Opcode.Text, `message ${i}`])
    expect(chunks).toBe(1)
  })

  test("answers 'slow' above the high-water mark, and tells when it has drained", async () => {
    const drains = new Mailbox<ServerSocket<undefined>>()
    const { socket, peer } = await rawPair({ highWaterMark: 100_000, drain: drains.put })
    peer.stream.pause()
    fill(socket)
    expect(socket.bufferedAmount).toBeGreaterThan(100_000)
    expect(socket.send('more')).toBe('slow')
    const drained = socket.drained()
    expect(drains.all).toEqual([])
    peer.discard()
    expect(await drains.next()).toBe(socket)
    await drained
    expect(socket.bufferedAmount).toBe(0)
    expect(socket.send('again')).toBe('ok')
    await setTimeout(20)
    expect(drains.all).toHaveLength(1)
  })

  test("answers 'ok' for a large message that the kernel takes at once", async () => {
    const { socket, messages } = await wsPair({ highWaterMark: 1000 })
    expect(socket.send(Buffer.alloc(100_000))).toBe('ok')
    expect(await messages.next()).toHaveLength(100_000)
  })

  test("answers 'dropped' once, closes with 1013, and then answers 'closed'", async () => {
    const { socket, peer } = await rawPair({ maxBuffered: 2 * MiB })
    const chunk = Buffer.alloc(256 * 1024, 1)
    // The kernel takes this at once, and of what follows only a part.
    const results = new Set<string>([socket.send('first')])
    expect(await peer.text()).toEqual([Opcode.Text, 'first'])
    peer.stream.pause()
    let result = socket.send(chunk)
    for (; result !== 'dropped'; result = socket.send(chunk)) results.add(result)
    expect([...results]).toEqual(['ok', 'slow'])
    expect(socket.state).toBe('closing')
    expect(socket.send('x')).toBe('closed')
    // The frame under way is finished, what waited is gone, and the Close frame follows.
    peer.stream.resume()
    let code = 0
    while (code === 0) {
      const { opcode, payload } = await peer.frame()
      if (opcode === Opcode.Close) code = Buffer.from(payload).readUInt16BE(0)
      else expect(payload.length).toBe(chunk.length)
    }
    expect(code).toBe(1013)
    peer.stream.end()
    const info = await socket.closed
    expect(info).toMatchObject({ cause: 'slow-consumer', initiator: 'local', sent: 1013, received: undefined })
    expect(info.error).toBeInstanceOf(SlowConsumerError)
    expect(info.error?.message).toMatch(
      /^The peer reads too slowly: \d+ bytes are queued for it, and with this message it would be 2097\d+, more than maxBuffered, 2097152\.$/,
    )
  })

  test('takes one message of any size into an empty queue', async () => {
    const { socket, peer } = await rawPair({ maxBuffered: 1000 })
    peer.stream.pause()
    expect(socket.send(Buffer.alloc(20 * MiB, 1))).toBe('slow')
    expect(socket.state).toBe('open')
    peer.discard()
    await socket.drained()
    expect(socket.state).toBe('open')
  })

  test("answers 'closed' while closing and when closed", async () => {
    const { socket, client } = await wsPair()
    const closed = wsClosed(client)
    socket.close()
    expect(socket.state).toBe('closing')
    expect(socket.send('x')).toBe('closed')
    await socket.closed
    expect(socket.state).toBe('closed')
    expect(socket.send('x')).toBe('closed')
    await closed
  })
})

describe('drained', () => {
  test('resolves at once when nothing is queued', async () => {
    const { socket } = await rawPair()
    await socket.drained()
    socket.send('x')
    expect(socket.bufferedAmount).toBeGreaterThan(0)
    await socket.drained()
    expect(socket.bufferedAmount).toBe(0)
  })

  test("rejects with the signal's reason, and waits on for others", async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    fill(socket)
    const controller = new AbortController()
    const aborted = socket.drained({ signal: controller.signal })
    const other = socket.drained()
    const reason = new Error('no more patience')
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await expect(socket.drained({ signal: controller.signal })).rejects.toBe(reason)
    peer.discard()
    await other
  })

  test('rejects when the connection ends', async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    fill(socket)
    const drained = socket.drained()
    peer.stream.resetAndDestroy()
    const error = await drained.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect((error as ConnectionClosedError).info).toBe(await socket.closed)
    await expect(socket.drained()).rejects.toBeInstanceOf(ConnectionClosedError)
  })

  test('rejects when the connection is failed', async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    fill(socket)
    const drained = socket.drained()
    socket.terminate()
    await expect(drained).rejects.toBeInstanceOf(ConnectionClosedError)
  })
})

describe('ping', () => {
  test('resolves with the round-trip time, which is the latency from then on', async () => {
    const { socket } = await wsPair()
    expect(socket.latency).toBeUndefined()
    const roundTrip = await socket.ping()
    expect(roundTrip).toBeGreaterThan(0)
    expect(roundTrip).toBeLessThan(1000)
    expect(socket.latency).toBe(roundTrip)
  })

  test('has a payload of its own each time, or the one given', async () => {
    const { socket, peer } = await rawPair()
    void socket.ping()
    void socket.ping()
    void socket.ping('mine')
    void socket.ping(Uint8Array.of(1, 2))
    const payloads = []
    for (let i = 0; i < 4; i++) payloads.push((await peer.text())[1])
    expect(new Set(payloads).size).toBe(4)
    expect(payloads.slice(2)).toEqual(['mine', '\x01\x02'])
  })

  test('is answered by the pong to a later one as well', async () => {
    const { socket, peer } = await rawPair()
    const both = Promise.all([socket.ping('a'), socket.ping('b')])
    peer.send(Opcode.Pong, 'nobody asked')
    peer.send(Opcode.Pong, 'b')
    const [first, second] = await both
    expect(first).toBeGreaterThanOrEqual(second)
  })

  test('rejects when the connection ends first, which nobody has to notice', async () => {
    const rejections = new Mailbox<unknown>()
    process.on('unhandledRejection', rejections.put)
    const { socket, peer } = await rawPair()
    void socket.ping()
    const waited = socket.ping()
    peer.stream.resetAndDestroy()
    const error = await waited.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConnectionClosedError)
    await expect(socket.ping()).rejects.toBeInstanceOf(ConnectionClosedError)
    void socket.ping()
    await setTimeout(10)
    process.off('unhandledRejection', rejections.put)
    expect(rejections.all).toEqual([])
  })

  test.each(['ping', 'pong'] as const)('%s throws for more than 125 bytes', async (what) => {
    const { socket, peer } = await rawPair()
    const error = new ArgumentError(`A ${what} carries at most 125 bytes, not 126 (RFC 6455 section 5.5).`)
    expect(() => void socket[what]('x'.repeat(126))).toThrow(error)
    expect(() => void socket[what]('é'.repeat(63))).toThrow(error)
    expect(() => void socket[what](new Uint8Array(126))).toThrow(error)
    void socket[what](new Uint8Array(125))
    expect((await peer.frame()).payload).toHaveLength(125)
    expect(peer.bytes).toHaveLength(0)
  })
})

test('pong sends one that nobody asked for', async () => {
  const { socket, peer } = await rawPair()
  socket.pong()
  socket.pong('here')
  expect(await peer.text()).toEqual([Opcode.Pong, ''])
  expect(await peer.text()).toEqual([Opcode.Pong, 'here'])
  socket.close()
  socket.pong('too late')
  expect(await peer.closeFrame()).toEqual([1000, ''])
  peer.sendClose(1000)
  expect(await peer.rest()).toBe('')
})

describe('close', () => {
  test.each([
    { name: 'no arguments', args: [], seen: { code: 1000, reason: '' } },
    { name: 'a code', args: [3000], seen: { code: 3000, reason: '' } },
    { name: 'a code and a reason', args: [4999, 'Schluß'], seen: { code: 4999, reason: 'Schluß' } },
    {
      name: 'the longest reason',
      args: [1011, 'x'.repeat(123)],
      seen: { code: 1011, reason: 'x'.repeat(123) },
    },
    { name: 'no code at all', args: [1005], seen: { code: 1005, reason: '' } },
  ] as { name: string; args: [number?, string?]; seen: { code: number; reason: string } }[])(
    'with $name',
    async ({ args, seen }) => {
      const { socket, client } = await wsPair()
      const closed = wsClosed(client)
      socket.close(...args)
      expect(await closed).toEqual(seen)
      expect(await socket.closed).toEqual({
        code: seen.code,
        // The `ws` package answers with the reason that it got.
        reason: seen.reason,
        wasClean: true,
        initiator: 'local',
        cause: 'local-close',
        sent: seen.code,
        received: seen.code,
        error: undefined,
      })
    },
  )

  test('delivers what was sent before', async () => {
    const { socket, client, messages } = await wsPair()
    const closed = wsClosed(client)
    socket.send('text')
    socket.send(Buffer.alloc(5 * MiB))
    socket.close()
    expect(await closed).toEqual({ code: 1000, reason: '' })
    expect(messages.all.map((message) => message.length)).toEqual([4, 5 * MiB])
  })

  test.each([0, 999, 1004, 1006, 1015, 1016, 2999, 5000, Number.NaN, -1])('throws for the code %d', async (code) => {
    const { socket } = await rawPair()
    expect(() => socket.close(code)).toThrow(ArgumentError)
    expect(socket.state).toBe('open')
  })

  test('throws for a reason that does not fit, open or closed', async () => {
    const { socket } = await wsPair()
    const error = new ArgumentError(
      'The close reason takes 124 bytes of UTF-8, more than the 123 that fit a Close frame.',
    )
    expect(() => socket.close(1000, 'é'.repeat(62))).toThrow(error)
    expect(socket.state).toBe('open')
    socket.close()
    expect(() => socket.close(1000, 'é'.repeat(62))).toThrow(error)
    await socket.closed
    expect(() => socket.close(1000, 'é'.repeat(62))).toThrow(error)
    socket.close(4000, 'does nothing')
    expect((await socket.closed).sent).toBe(1000)
  })

  test('is over when the peer never answers, after closeTimeout', async () => {
    const { socket, peer } = await rawPair({ closeTimeout: 60 })
    socket.close()
    const before = performance.now()
    const info = await socket.closed
    expect(performance.now() - before).toBeGreaterThanOrEqual(55)
    expect(performance.now() - before).toBeLessThan(1000)
    expect(info).toMatchObject({ code: 1006, wasClean: false, cause: 'local-close', sent: 1000, received: undefined })
    expect(info.error).toMatchObject({
      code: 'CLOSE_TIMEOUT',
      message: 'The peer did not answer the Close frame within 60 ms.',
    })
    expect(peer.stream.destroyed).toBe(false)
  })

  test('as the end of a block', async () => {
    const { socket, client } = await wsPair()
    const closed = wsClosed(client)
    {
      await using disposed = socket
      expect(disposed.state).toBe('open')
    }
    expect(socket.state).toBe('closed')
    expect(await closed).toEqual({ code: 1000, reason: '' })
  })
})

test('terminate ends at once, without a Close frame', async () => {
  const closes = new Mailbox<unknown>()
  const { socket, peer } = await rawPair({ close: (_socket, info) => closes.put(info) })
  socket.send('never flushed')
  socket.terminate()
  socket.terminate()
  const info = await socket.closed
  expect(info).toEqual({
    code: 1006,
    reason: '',
    wasClean: false,
    initiator: 'local',
    cause: 'terminated',
    sent: undefined,
    received: undefined,
    error: undefined,
  })
  expect(await socket.closed).toBe(info)
  expect(await peer.rest()).toBe('')
  expect(closes.all).toEqual([info])
})

describe('pause', () => {
  test('holds messages back until resume; TCP holds the peer back', async () => {
    const messages = new Mailbox<string | Uint8Array>()
    const { socket, client } = await wsPair({
      maxPayload: 2 * MiB,
      message: (_socket, message) => messages.put(message),
    })
    socket.pause()
    socket.pause()
    for (let i = 0; i < 64; i++) client.send(Buffer.alloc(MiB, i))
    await setTimeout(100)
    expect(messages.all).toEqual([])
    expect(client.bufferedAmount).toBeGreaterThan(40 * MiB)
    socket.resume()
    await messages.reach(64)
    expect(messages.all.map((message) => message[0])).toEqual([...new Array(64).keys()])
  })

  test('stops in the middle of what one read has brought', async () => {
    const messages = new Mailbox<string | Uint8Array>()
    const { socket, peer } = await rawPair({
      message(socket, message) {
        messages.put(message)
        if (message === 'b') socket.pause()
      },
    })
    peer.stream.cork()
    for (const text of ['a', 'b', 'c', 'd']) peer.send(Opcode.Text, text)
    peer.stream.uncork()
    await messages.reach(2)
    await setTimeout(20)
    expect(messages.all).toEqual(['a', 'b'])
    socket.resume()
    expect(messages.all).toEqual(['a', 'b', 'c', 'd'])
  })

  test('loses nothing when the peer ends meanwhile', async () => {
    const messages = new Mailbox<string | Uint8Array>()
    const { socket, peer } = await rawPair({ message: (_socket, message) => messages.put(message) })
    socket.pause()
    peer.send(Opcode.Text, 'a')
    peer.send(Opcode.Text, 'b')
    peer.sendClose(4001, 'bye')
    peer.stream.end()
    await setTimeout(30)
    expect(messages.all).toEqual([])
    expect(socket.state).toBe('open')
    socket.resume()
    expect(await messages.take(2)).toEqual(['a', 'b'])
    expect(await socket.closed).toMatchObject({ code: 4001, reason: 'bye', wasClean: true, cause: 'peer-close' })
  })

  test.each([
    { end: 'a Close frame and FIN', bytes: masked(Opcode.Close, closePayload(4001, 'bye')), code: 4001 },
    { end: 'FIN alone', bytes: new Uint8Array(0), code: 1006 },
  ])('loses nothing of what had been read when $end came behind it', async ({ bytes, code }) => {
    const messages = new Mailbox<string | Uint8Array>()
    const { socket, peer } = await rawPair({
      message(socket, message) {
        messages.put(message)
        if (message === 'a') socket.pause()
      },
    })
    peer.write(Buffer.concat([masked(Opcode.Text, 'a'), masked(Opcode.Text, 'b'), bytes]))
    await messages.reach(1)
    peer.stream.end()
    await setTimeout(30)
    expect(messages.all).toEqual(['a'])
    expect(socket.state).toBe('open')
    socket.resume()
    expect(messages.all).toEqual(['a', 'b'])
    expect((await socket.closed).code).toBe(code)
  })

  test('does not keep close from being over: what was held back is discarded', async () => {
    const messages = new Mailbox<string | Uint8Array>()
    const { socket, client } = await wsPair({ message: (_socket, message) => messages.put(message) })
    socket.pause()
    client.send('held back')
    await setTimeout(20)
    socket.close()
    expect(await socket.closed).toMatchObject({ code: 1000, wasClean: true })
    expect(messages.all).toEqual([])
  })

  test('for longer than maxPause closes with 1011', async () => {
    const { socket, client } = await wsPair({ maxPause: 50, message() {} })
    const closed = wsClosed(client)
    socket.pause()
    const before = performance.now()
    expect(await closed).toEqual({ code: 1011, reason: 'paused for too long' })
    expect(performance.now() - before).toBeGreaterThanOrEqual(49)
    expect(await socket.closed).toMatchObject({
      cause: 'pause-timeout',
      error: { code: 'PAUSE_TIMEOUT', message: 'Nothing was read for 50 ms (maxPause): the socket was paused.' },
    })
  })

  test('for ever where maxPause is false; resume starts anew', async () => {
    const { socket, messages } = await wsPair({ maxPause: false, message() {} })
    socket.pause()
    await setTimeout(60)
    socket.resume()
    socket.send('still here')
    expect(await messages.next()).toBe('still here')
  })
})

describe('what is known of the connection', () => {
  test('state, remoteAddress, protocol, maxPayload', async () => {
    const { socket } = await rawPair({ maxPayload: 5 })
    expect(socket.state).toBe('open')
    expect(socket.remoteAddress).toBe('127.0.0.1')
    expect(socket.protocol).toBe('')
    expect(socket.maxPayload).toBe(5)
    expect(socket.data).toBeUndefined()
  })

  test('maxPayload can be raised for one socket', async () => {
    const { socket, client } = await wsPair({ maxPayload: 5 })
    socket.maxPayload = 10
    client.send('1234567890')
    expect(await socket.receive()).toBe('1234567890')
    const closed = wsClosed(client)
    client.send('1234567890-')
    expect(await closed).toEqual({ code: 1009, reason: 'message too large' })
    expect(await socket.closed).toMatchObject({ cause: 'message-too-large', sent: 1009 })
    for (const bad of [-1, 1.5, Number.NaN]) {
      expect(() => {
        socket.maxPayload = bad
      }).toThrow(ArgumentError)
    }
  })
})
