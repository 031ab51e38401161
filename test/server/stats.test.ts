import { type CloseInfo, createServer, type RoundTrips, type ServerStats, sendBudget, UpgradeRejected } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { memoryPair } from 'heartwire/testing'
import { describe, expect, test } from 'vitest'
import { Statistics } from '../../src/server/stats.ts'
import { Mailbox } from '../support/mailbox.ts'
import { closePayload, handshake, masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve } from '../support/servers.ts'

const NO_ROUND_TRIPS: RoundTrips = {
  buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY].map((upTo) => ({
    upTo,
    count: 0,
  })),
  count: 0,
  sum: 0,
}

const NOTHING: ServerStats = {
  connections: { handshakes: 0, open: 0, closing: 0 },
  opened: 0,
  closed: { total: 0, byCode: {}, byCause: {} },
  refused: { total: 0, byReason: {} },
  messages: {
    in: 0,
    out: 0,
    dropped: { 'max-buffered': 0, 'max-queue-age': 0, 'message-rate': 0, 'byte-rate': 0 },
    coalesced: 0,
  },
  bytes: { in: 0, out: 0, queued: 0 },
  roundTrip: NO_ROUND_TRIPS,
  sendBudget: { limit: sendBudget.limit, used: 0 },
  transport: createServer().transport,
}

describe('server.stats()', () => {
  test('of a server on which nothing has happened', async () => {
    const { server } = await serve({ message() {} })
    expect(server.stats()).toEqual(NOTHING)
  })

  test('counts what goes through a connection while it is there, and when it is gone', async () => {
    const ended = new Mailbox<CloseInfo>()
    const messages = new Mailbox<unknown>()
    const { server, socket, peer } = await rawPair({
      message: (_socket, message) => messages.put(message),
      close: (_socket, info) => ended.put(info),
    })
    peer.write(masked(Opcode.Text, 'hi'))
    peer.write(masked(Opcode.Binary, 'abc'))
    await messages.take(2)
    socket.send('hello')
    await peer.frame()
    const messagesNow = { ...NOTHING.messages, in: 2, out: 1 }
    expect(server.stats()).toEqual({
      ...NOTHING,
      connections: { handshakes: 0, open: 1, closing: 0 },
      opened: 1,
      messages: messagesNow,
      // Two bytes of header and four of mask from the peer, two of header to it.
      bytes: { in: 6 + 2 + 6 + 3, out: 2 + 5, queued: 0 },
    })

    socket.close(4000)
    expect(server.stats().connections).toEqual({ handshakes: 0, open: 0, closing: 1 })
    expect((await peer.frame()).opcode).toBe(Opcode.Close)
    peer.write(masked(Opcode.Close, closePayload(4000)))
    peer.stream.end()
    await ended.next()
    expect(server.stats()).toEqual({
      ...NOTHING,
      opened: 1,
      closed: { total: 1, byCode: { 4000: 1 }, byCause: { 'local-close': 1 } },
      messages: messagesNow,
      bytes: { in: 17 + 8, out: 7 + 4, queued: 0 },
    })
  })

  test('counts refusals by reason, and the connections that exist to tell a close code as opened', async () => {
    const { server, port } = await serve({
      upgrade({ path }) {
        if (path === '/no') throw new UpgradeRejected(403, 'no')
        if (path === '/code') throw new UpgradeRejected(403, 'no', { closeCode: 4403 })
        throw new Error('failed')
      },
      error() {},
    })
    for (const [headers, line] of [
      [{ 'Sec-WebSocket-Version': '8' }, undefined],
      [{ Origin: 'http://evil.example' }, undefined],
      [{}, 'GET /no HTTP/1.1'],
      [{}, 'GET /no HTTP/1.1'],
      [{}, 'GET /fails HTTP/1.1'],
      [{}, 'GET /code HTTP/1.1'],
    ] as const) {
      const peer = await RawPeer.dial(port)
      peer.write(handshake(headers, line))
      await peer.head()
      peer.stream.destroy()
    }
    const { refused, opened } = server.stats()
    expect(refused).toEqual({
      total: 6,
      byReason: { UNSUPPORTED_VERSION: 1, ORIGIN_REFUSED: 1, UPGRADE_REJECTED: 3, SERVER_FAILED: 1 },
    })
    expect(opened).toBe(1)
  })

  test('sees handshakes under way', async () => {
    const asked = new Mailbox<void>()
    const { server, port } = await serve({
      upgrade: () => {
        asked.put()
        return new Promise<never>(() => {})
      },
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    await asked.next()
    expect(server.stats().connections).toEqual({ handshakes: 1, open: 0, closing: 0 })
    expect(server.stats().opened).toBe(0)
  })

  test('counts round-trip times', async () => {
    const { server, socket, peer } = await rawPair()
    const roundTrip = socket.ping('x')
    const { opcode, payload } = await peer.frame()
    expect(opcode).toBe(Opcode.Ping)
    peer.write(masked(Opcode.Pong, payload))
    const milliseconds = await roundTrip
    // One that nobody asked for.
    peer.write(masked(Opcode.Pong, 'unasked'))
    peer.write(masked(Opcode.Ping, 'last'))
    await peer.frame()
    expect(server.stats().roundTrip).toEqual({
      buckets: NO_ROUND_TRIPS.buckets.map(({ upTo }) => ({ upTo, count: milliseconds <= upTo ? 1 : 0 })),
      count: 1,
      sum: milliseconds,
    })
  })

  test('counts what limits drop, by the limit', async () => {
    const { server, socket, peer } = await rawPair({ overflow: 'drop', maxBuffered: 1_000 })
    peer.stream.pause()
    const chunk = 'x'.repeat(100_000)
    while (socket.send(chunk) !== 'dropped') {}
    expect(server.stats().messages.dropped).toEqual({ ...NOTHING.messages.dropped, 'max-buffered': 1 })
    expect(server.stats().bytes.queued).toBe(socket.bufferedAmount)
    expect(server.stats().sendBudget.used).toBeGreaterThan(0)
    socket.terminate()
    await socket.closed
    expect(server.stats().messages.dropped['max-buffered']).toBe(1)
    expect(server.stats().bytes.queued).toBe(0)
  })

  test('is a copy', async () => {
    const { server, socket } = await rawPair()
    const before = server.stats()
    socket.terminate()
    await socket.closed
    expect(before).toEqual({ ...NOTHING, connections: { handshakes: 0, open: 1, closing: 0 }, opened: 1 })
  })
})

test('peers cannot make the statistics large with codes of their own', () => {
  const statistics = new Statistics()
  const { server } = memoryPair()
  for (let code = 3000; code < 5000; code++) {
    statistics.noteClosed(server, { code, cause: 'peer-close' } as CloseInfo)
  }
  statistics.noteClosed(server, { code: 3000, cause: 'peer-close' } as CloseInfo)
  const { byCode, total } = statistics.read([], 0, 'node').closed
  expect(Object.keys(byCode)).toHaveLength(101)
  expect(byCode).toMatchObject({ 3000: 2, 3099: 1, other: 1900 })
  expect(total).toBe(2001)
})

test('a round trip is counted in the first bucket that it fits, and all behind it', () => {
  const statistics = new Statistics()
  for (const time of [0.2, 1, 1.1, 10_000, 10_001]) statistics.noteRoundTrip(time)
  const { buckets, count, sum } = statistics.read([], 0, 'node').roundTrip
  expect(buckets.map((bucket) => bucket.count)).toEqual([2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5])
  expect({ count, sum }).toEqual({ count: 5, sum: 20_003.3 })
})
