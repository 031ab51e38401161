import { once } from 'node:events'
import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type CloseInfo, createServer, UpgradeRejected } from 'heartwire'
import { encodeFrame, Opcode } from 'heartwire/protocol'
import { MemoryTransport, memoryPair, openSocket } from 'heartwire/testing'
import { expect, it } from 'vitest'
import { MessageStream } from '../../src/socket/message-stream.ts'
import { rawPair } from '../support/servers.ts'

const REQUEST =
  'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

it('what still comes while a connection closes is not kept once nobody takes it', async () => {
  const { socket, peer } = await rawPair()
  socket.close(1000)
  for (let i = 0; i < 100; i++) peer.send(Opcode.Binary, new Uint8Array(10_000))
  peer.sendClose(1000)
  await socket.closed
  let kept = 0
  for await (const message of socket) kept += message.length
  expect(kept).toBeGreaterThan(0)
  expect(kept).toBeLessThanOrEqual(80_000)
})

it('a client that was refused with a close code can send what it likes, and nothing of it is kept', async () => {
  const errors: unknown[] = []
  const server = createServer({
    closeTimeout: 200,
    upgrade() {
      throw new UpgradeRejected(401, 'sign in first', { closeCode: 4401 })
    },
    error: (error) => errors.push(error),
  })
  const { port } = await server.listen({ host: '127.0.0.1' })
  const peer: TcpSocket = connectTcp(port, '127.0.0.1')
  peer.on('error', () => {})
  const frame = encodeFrame({ opcode: Opcode.Binary, maskingKey: new Uint8Array(4), payload: new Uint8Array(100_000) })
  peer.write(REQUEST)
  const ended = once(peer, 'close')
  peer.resume()
  for (let i = 0; i < 50; i++) peer.write(frame)
  await ended
  expect(errors).toEqual([])
  await server.close()
})

it('empty messages that wait count for what they take, and not only for their payload', async () => {
  const [near] = MemoryTransport.pair()
  let resolve: (info: CloseInfo) => void = () => {}
  const closed = new Promise<CloseInfo>((done) => {
    resolve = done
  })
  // The far end is never started, so nothing is read there.
  const socket = openSocket('server', near, { maxBuffered: 100_000, close: (_socket, info) => resolve(info) })
  socket.send(new Uint8Array(200_000))
  const answers = new Set<string>()
  for (let i = 0; i < 10_000; i++) answers.add(socket.send(''))
  expect([...answers]).toEqual(['dropped', 'closed'])
  socket.terminate()
  expect((await closed).cause).toBe('slow-consumer')
})

it('an open handler can read the messages itself, and the end that it is told is not a failure', async () => {
  const errors: unknown[] = []
  const got: unknown[] = []
  let resolve: (info: CloseInfo) => void = () => {}
  const closed = new Promise<CloseInfo>((done) => {
    resolve = done
  })
  const { client } = memoryPair({
    server: {
      async open(socket) {
        for await (const message of socket) {
          got.push(message)
          client.terminate()
        }
      },
      close: (_socket, info) => resolve(info),
      error: (error) => errors.push(error),
    },
  })
  client.send('one')
  expect((await closed).cause).toBe('eof')
  await new Promise((done) => setImmediate(done))
  expect(got).toEqual(['one'])
  expect(errors).toEqual([])
})

it('a message that is read in pieces holds the peer back by what its pieces take, however small they are', () => {
  const stream = new MessageStream('binary', () => {})
  let kept = 0
  for (; !stream.full; kept++) stream.push(new Uint8Array(1), false)
  expect(kept).toBeLessThan(4_000)
})

it('fragments that wait count for what they take, and not only for their payload', async () => {
  const [near] = MemoryTransport.pair()
  // The far end is never started, so nothing is read there.
  const socket = openSocket('server', near, { highWaterMark: 200_000 })
  let asked = 0
  async function* parts() {
    yield new Uint8Array(100_000)
    await setTimeout(10)
    for (; asked < 20_000; asked++) yield new Uint8Array(0)
  }
  const done = socket.sendFragments(parts())
  await setTimeout(300)
  socket.terminate()
  await done
  expect(asked).toBeLessThan(4_000)
})

it("what was written to a stream over a socket is the writer's own again", async () => {
  const [near, far] = MemoryTransport.pair()
  const stream = openSocket('server', near, { highWaterMark: 1_000_000 }).duplex()
  const chunk = new Uint8Array(20_000)
  for (let i = 1; i <= 20; i++) await new Promise((resolve) => stream.write(chunk.fill(i), resolve))
  chunk.fill(0)
  const peer = openSocket('client', far)
  for (let i = 1; i <= 20; i++) expect(Buffer.alloc(20_000, i).equals((await peer.receive()) as Uint8Array)).toBe(true)
  stream.destroy()
})
