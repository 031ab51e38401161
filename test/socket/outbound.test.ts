import { setTimeout as sleep } from 'node:timers/promises'
import {
  ConnectionClosedError,
  type DroppedMessage,
  type Handlers,
  Opcode,
  SlowConsumerError,
  type Socket,
  type SocketOptions,
  sendBudget,
} from 'heartwire'
import { type MemoryPair, memoryPair } from 'heartwire/testing'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve } from '../support/servers.ts'

/** Enough to fill what the pair in memory takes before its writer has to wait. */
const FILLER = Buffer.alloc(70_000, 1)
const FILLED = FILLER.length + 10

/** A pair whose client reads nothing until `resume`, and whose server's end can send no more at once. */
function stuckPair(options: SocketOptions & Handlers<Socket>): MemoryPair & { dropped: Mailbox<DroppedMessage> } {
  const dropped = new Mailbox<DroppedMessage>()
  const pair = memoryPair({ server: { dropped: (_socket, message) => dropped.put(message), ...options } })
  onTestFinished(async () => {
    pair.reset()
    await pair.server.closed
  })
  pair.client.pause()
  expect(pair.server.send(FILLER)).toBe('slow')
  expect(pair.server.bufferedAmount).toBe(FILLED)
  return { ...pair, dropped }
}

describe("overflow: 'drop'", () => {
  test('drops the newest message, and says so', async () => {
    const { client, server, dropped } = stuckPair({ maxBuffered: 100_000, overflow: 'drop' })
    // A message that waits counts for 64 bytes more than it has.
    const fits = Buffer.alloc(100_000 - FILLED - 64, 2)
    expect(server.send(fits)).toBe('slow')
    expect(server.send('one more')).toBe('dropped')
    expect(server.send(Buffer.from('text'), 'text')).toBe('dropped')
    expect(dropped.all).toEqual([
      { direction: 'out', why: 'max-buffered', data: 'one more', type: 'text' },
      { direction: 'out', why: 'max-buffered', data: Buffer.from('text'), type: 'text' },
    ])
    expect(server.counts).toMatchObject({ messagesOut: 2, dropped: { 'max-buffered': 2 } })
    client.resume()
    await server.drained()
    expect(server.send('room again')).toBe('ok')
    expect([await client.receive(), await client.receive(), await client.receive()]).toEqual([
      FILLER,
      fits,
      'room again',
    ])
    expect(server.state).toBe('open')
  })

  test('an empty queue takes a message of any size', async () => {
    const { client, server } = memoryPair({ server: { maxBuffered: 10, overflow: 'drop' } })
    expect(server.send(FILLER)).toBe('slow')
    expect(server.send('x')).toBe('dropped')
    expect(await client.receive()).toEqual(FILLER)
  })

  test('control frames and the Close frame are not dropped', async () => {
    const { client, server } = stuckPair({ maxBuffered: FILLED, overflow: 'drop' })
    expect(server.send('x')).toBe('dropped')
    const pong = server.ping('still there')
    server.close(4000, 'done')
    client.resume()
    expect(await client.receive()).toEqual(FILLER)
    expect(await pong).toBeGreaterThan(0)
    expect(await client.closed).toMatchObject({ received: 4000, reason: 'done', wasClean: true })
  })
})

describe("overflow: 'close'", () => {
  test('closes with 1013, and says how much was queued', async () => {
    const { client, server, dropped } = stuckPair({ maxBuffered: 100_000 })
    expect(server.send(Buffer.alloc(30_000))).toBe('dropped')
    expect(server.state).toBe('closing')
    client.resume()
    const info = await server.closed
    expect(info).toMatchObject({ cause: 'slow-consumer', sent: 1013 })
    expect(info.error).toBeInstanceOf(SlowConsumerError)
    expect(info.error?.message).toBe(
      `The peer reads too slowly: ${FILLED} bytes are queued for it, and with this message it would be ${FILLED + 30_064}, more than maxBuffered, 100000.`,
    )
    expect(dropped.all).toEqual([])
  })

  test('what was discarded has not been drained', async () => {
    const drains = new Mailbox<void>()
    const { client, server } = stuckPair({ maxBuffered: 100_000, drain: () => drains.put() })
    server.send('discarded')
    const before = server.drained()
    const rejected = expect(before).rejects.toThrow(ConnectionClosedError)
    expect(server.send(Buffer.alloc(30_000))).toBe('dropped')
    client.resume()
    expect(await client.receive()).toEqual(FILLER)
    expect((await client.closed).received).toBe(1013)
    const after = server.drained()
    await expect(after).rejects.toThrow(ConnectionClosedError)
    await rejected
    expect(drains.all).toEqual([])
  })

  test('a message above maxBuffered is slow, though highWaterMark is above it', async () => {
    const { client, server, reset } = memoryPair({ server: { maxBuffered: 10_000, highWaterMark: 1_000_000 } })
    onTestFinished(reset)
    client.pause()
    expect(server.send(FILLER)).toBe('slow')
  })

  test('highWaterMark can be above maxBuffered, which counts all the same', async () => {
    const { client, server, reset } = memoryPair({ server: { maxBuffered: 80_000, highWaterMark: 1_000_000 } })
    onTestFinished(reset)
    client.pause()
    expect([server.send(FILLER), server.send(FILLER), server.send('x')]).toEqual(['ok', 'dropped', 'closed'])
  })
})

test.each(['close', 'terminate'] as const)('a message for which a handler calls %s is not sent', async (end) => {
  const { server } = stuckPair({
    maxQueueAge: 1,
    maxBuffered: FILLED + 80,
    dropped: (socket) => void socket[end](),
  })
  expect(server.send('0123456789')).toBe('slow')
  await sleep(20)
  expect(server.send('9876543210')).toBe('closed')
  expect(server.counts.messagesOut).toBe(2)
})

describe('maxQueueAge', () => {
  test('drops what has waited for too long, the oldest first', async () => {
    const { client, server, dropped } = stuckPair({ maxQueueAge: 30 })
    server.send('stale')
    server.send(Buffer.from('stale too'))
    await sleep(60)
    server.send('fresh')
    client.resume()
    expect(await client.receive()).toEqual(FILLER)
    expect(await client.receive()).toBe('fresh')
    expect(dropped.all).toEqual([
      { direction: 'out', why: 'max-queue-age', data: 'stale', type: 'text' },
      { direction: 'out', why: 'max-queue-age', data: Buffer.from('stale too'), type: 'binary' },
    ])
    expect(server.counts.dropped['max-queue-age']).toBe(2)
  })

  test('makes room in a full queue', async () => {
    const { server, dropped } = stuckPair({ maxQueueAge: 30, maxBuffered: FILLED + 80 })
    expect(server.send('0123456789')).toBe('slow')
    await sleep(60)
    expect(server.send('9876543210')).toBe('slow')
    expect(dropped.all.map(({ data }) => data)).toEqual(['0123456789'])
    expect(server.state).toBe('open')
  })

  test('a send that has to wait drops it, though there is room', async () => {
    const { server, dropped } = stuckPair({ maxQueueAge: 30 })
    expect(server.send('0123456789')).toBe('slow')
    await sleep(60)
    expect(dropped.all).toEqual([])
    expect(server.send('9876543210')).toBe('slow')
    expect(dropped.all.map(({ data }) => data)).toEqual(['0123456789'])
    expect(server.bufferedAmount).toBe(FILLED + 10)
  })

  test('a handler that sends something for each that is dropped', async () => {
    const { server, dropped } = stuckPair({
      maxQueueAge: 30,
      dropped: (socket, message) => {
        dropped.put(message)
        socket.send('instead')
      },
    })
    for (let i = 0; i < 20_000; i++) server.send('x')
    await sleep(60)
    server.send('y')
    expect(dropped.all.filter(({ data }) => data === 'x')).toHaveLength(20_000)
    expect(server.state).toBe('open')
  })

  test('can be set on an open socket', async () => {
    const { client, server, dropped } = stuckPair({})
    server.setLimits({ maxQueueAge: 30 })
    server.send('stale')
    await sleep(60)
    server.setLimits({ maxQueueAge: false })
    server.setLimits({ maxQueueAge: 30 })
    client.resume()
    expect(await client.receive()).toEqual(FILLER)
    await server.drained()
    expect(dropped.all.map(({ data }) => data)).toEqual(['stale'])
  })
})

/** The messages of a raw peer up to and with `last`, without those of `FILLER`. */
async function readUntil(peer: RawPeer, last: string): Promise<string[]> {
  peer.stream.resume()
  const messages: string[] = []
  while (messages.at(-1) !== last) {
    const { opcode, payload } = await peer.frame()
    if (opcode === Opcode.Text) messages.push(Buffer.from(payload).toString())
  }
  return messages
}

/** A subscriber that reads nothing, and takes nothing more. */
async function stuckSubscriber(options: SocketOptions) {
  const dropped = new Mailbox<DroppedMessage>()
  const { server, socket, peer } = await rawPair({
    ...options,
    dropped: (_socket, message) => dropped.put(message),
  })
  peer.stream.pause()
  socket.subscribe('prices')
  socket.subscribe('other')
  while (socket.send(FILLER) !== 'slow' || socket.bufferedAmount < 300_000) {
    // The kernel takes some of it.
  }
  return { server, socket, peer, dropped }
}

describe("overflow: 'coalesce'", () => {
  test('a slow reader gets the latest of each key, where the first one stood', async () => {
    const { server, socket, peer } = await stuckSubscriber({ overflow: 'coalesce' })
    for (let i = 0; i < 100; i++) {
      expect(server.publish('prices', `EUR ${i}`, { key: 'EUR' })).toBe(1)
      server.publish('prices', `USD ${i}`, { key: 'USD' })
      server.publish('other', `EUR of another topic ${i}`, { key: 'EUR' })
      if (i < 2) server.publish('prices', `no key ${i}`)
    }
    socket.send('last')
    expect(await readUntil(peer, 'last')).toEqual([
      'EUR 99',
      'USD 99',
      'EUR of another topic 99',
      'no key 0',
      'no key 1',
      'last',
    ])
    expect(socket.counts.coalesced).toBe(297)
  })

  test('a reader that keeps up gets them all', async () => {
    const { server, socket, peer } = await rawPair({ overflow: 'coalesce' })
    socket.subscribe('prices')
    for (let i = 0; i < 3; i++) server.publish('prices', `EUR ${i}`, { key: 'EUR' })
    expect(await readUntil(peer, 'EUR 2')).toEqual(['EUR 0', 'EUR 1', 'EUR 2'])
  })

  test('in a full queue the newest of a key still takes the place of the one that waits; others are dropped', async () => {
    const { server, socket, peer, dropped } = await stuckSubscriber({ overflow: 'coalesce' })
    server.publish('prices', 'EUR 1', { key: 'EUR' })
    socket.setLimits({ maxBuffered: 100_000 })
    expect(server.publish('prices', 'EUR 2', { key: 'EUR' })).toBe(0)
    socket.setLimits({ maxBuffered: 16 * 1024 * 1024 })
    expect(server.publish('prices', 'EUR 3', { key: 'EUR' })).toBe(1)
    socket.send('last')
    expect(await readUntil(peer, 'last')).toEqual(['EUR 3', 'last'])
    expect(dropped.all).toEqual([{ direction: 'out', why: 'max-buffered', data: 'EUR 2', type: 'text' }])
  })

  test("a key means nothing with another policy, nor in 'socket.publish' to others", async () => {
    const { socket, peer, server } = await stuckSubscriber({})
    for (const text of ['a', 'b']) server.publish('prices', text, { key: 'EUR' })
    socket.publish('prices', 'not to itself', { key: 'EUR' })
    socket.send('last')
    expect(await readUntil(peer, 'last')).toEqual(['a', 'b', 'last'])
    expect(socket.counts.coalesced).toBe(0)
  })
})

describe('the budget of all queues', () => {
  const limit = sendBudget.limit
  afterEach(() => {
    sendBudget.limit = limit
  })

  test('is 512 MiB, or a tenth of the memory where that is less', () => {
    expect(limit).toBeGreaterThan(1024 * 1024)
    expect(limit).toBeLessThanOrEqual(512 * 1024 * 1024)
  })

  test('counts what waits for peers that do not take it, and no longer when they do', async () => {
    const { client, server } = stuckPair({})
    expect(sendBudget.used).toBe(FILLED)
    server.send('0123456789')
    expect(sendBudget.used).toBe(FILLED + 74)
    client.resume()
    await server.drained()
    expect(sendBudget.used).toBe(0)
  })

  test('counts nothing for a connection that has ended', async () => {
    const { server, reset } = stuckPair({})
    reset()
    await server.closed
    expect(sendBudget.used).toBe(0)
  })

  test('closes those who are furthest behind first, and nobody else', async () => {
    const pairs = [0, 1, 2].map((extra) => {
      const pair = stuckPair({})
      for (let i = 0; i < extra; i++) pair.server.send(FILLER)
      return pair
    })
    const [least, middle, most] = pairs.map(({ server }) => server)
    sendBudget.limit = sendBudget.used - 1
    expect([least, middle, most].map((server) => server?.state)).toEqual(['open', 'open', 'closing'])
    for (const { client } of pairs) client.resume()
    const info = await most?.closed
    expect(info).toMatchObject({ cause: 'slow-consumer', sent: 1013 })
    expect(info?.error?.message).toMatch(
      /^The peer reads too slowly: 2\d+ bytes are queued for it, and 4\d+ for all, more than sendBudget\.limit, 4\d+\.$/,
    )
  })

  test('closes no more than it takes, though the frames under way are only free when they are gone', async () => {
    const pairs = [stuckPair({}), stuckPair({}), stuckPair({})]
    const closing = () => pairs.filter(({ server }) => server.state !== 'open').length
    sendBudget.limit = sendBudget.used - 1
    expect(closing()).toBe(1)
    // The Close frame that waits does not fit: the one that is closing already is cut for it.
    sendBudget.limit = 3 * FILLED
    expect(closing()).toBe(1)
    expect(sendBudget.used).toBe(2 * FILLED)
  })

  test('cuts one that is closing already, when that is not enough', async () => {
    const { server } = stuckPair({})
    sendBudget.limit = 1
    expect(server.state).toBe('closing')
    // The frame under way still takes room.
    const closeFrame = 64 + 2 + 'reads too slowly'.length
    expect(sendBudget.used).toBe(FILLED + closeFrame)
    sendBudget.limit = 0
    const info = await server.closed
    expect(info).toMatchObject({ cause: 'slow-consumer', wasClean: false, sent: undefined })
    expect(sendBudget.used).toBe(0)
  })

  test('a message for which its own socket is evicted was dropped', async () => {
    const { server } = stuckPair({})
    sendBudget.limit = sendBudget.used + 100
    expect(server.send('0123456789')).toBe('slow')
    expect(server.send('0123456789')).toBe('dropped')
    expect(server.state).toBe('closing')
    expect(server.counts.messagesOut).toBe(2)
  })

  test('has to be a number of bytes', () => {
    expect(() => {
      sendBudget.limit = -1
    }).toThrow('The option sendBudget.limit is a whole number of 0 or more, or Infinity, not -1.')
  })
})

test('a publish is not held up by one that does not read', async () => {
  const received = new Mailbox<string>()
  const { server, url, port } = await serve({
    open: (socket) => void socket.subscribe('all'),
    maxBuffered: 1024 * 1024,
  })
  const { connect } = await import('heartwire')
  const { RawPeer: Peer } = await import('../support/raw-peer.ts')
  const stuck = await Peer.open(port)
  stuck.stream.pause()
  const reader = await connect(url, { message: (_socket, message) => received.put(String(message).slice(0, 9)) })
  onTestFinished(() => reader.terminate())
  const filler = 'x'.repeat(100_000)
  for (let i = 0; i < 200; i++) {
    server.publish('all', `${String(i).padStart(8, '0')} ${filler}`)
    // The one that reads has its message before the next one, whatever the other does.
    expect(await received.next()).toBe(`${String(i).padStart(8, '0')} `)
  }
  expect(server.subscriberCount('all')).toBeLessThanOrEqual(2)
})
