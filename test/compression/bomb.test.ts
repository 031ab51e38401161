import { constants, deflateRawSync } from 'node:zlib'
import { type CloseInfo, createServer, Opcode, type ProtocolError } from 'heartwire'
import { expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'

const MIB = 1024 * 1024

/** A mebibyte or so of compressed data that comes to a gibibyte: a full flush lets its parts be put together. */
function bomb(): Uint8Array {
  const part = deflateRawSync(Buffer.alloc(16 * MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  const whole = Buffer.concat(Array<Buffer>(64).fill(part))
  return whole.subarray(0, whole.length - 4)
}

test.each([
  ['all of it', 1],
  ['as little of it as is begun at once', 32],
])('a bomb costs no more memory than the cap, and ends with 1009: %s', async (_, share) => {
  const whole = bomb()
  expect(whole.length).toBeLessThan(1.1 * MIB)
  // Whatever is left of it ends inside of a block, but that is not looked at.
  const payload = whole.subarray(0, Math.floor(whole.length / share))
  const closed = new Mailbox<CloseInfo>()
  const server = createServer({
    compression: 'takeover',
    message: () => expect.unreachable('a message came'),
    close: (_, info) => closed.put(info),
  })
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  const peers = await Promise.all(
    Array.from({ length: 8 }, () => RawPeer.open(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })),
  )
  const before = process.resourceUsage().maxRSS
  for (const peer of peers) peer.send(Opcode.Binary, payload, { rsv1: true })
  for (const peer of peers) {
    expect(await peer.closeFrame()).toEqual([1009, 'message too large'])
    peer.stream.end()
  }
  for (const { cause, error } of await closed.take(peers.length)) {
    expect(cause).toBe('message-too-large')
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'MESSAGE_TOO_LARGE' })
    expect((error as ProtocolError).message).toContain(
      'of compressed data that come to more than 1048576, the limit (maxPayload)',
    )
  }
  // In KiB. Eight of them, of which four are in the thread pool at a time, each with what it has taken in and given out.
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(100)
})
