import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type CloseInfo, createServer } from 'heartwire'
import { memoryPair } from 'heartwire/testing'
import { expect, it } from 'vitest'

it('a frame is not overwritten by what is sent from the observer that sees it', async () => {
  const log = memoryPair()
  const { client, server } = memoryPair({
    server: {
      observeFrames(_socket, frame) {
        if (frame.direction === 'out') log.server.send('x'.repeat(Number(frame.payloadLength)))
      },
    },
  })
  server.send('short')
  server.send(new Uint8Array(20_000).fill(7))
  expect(await client.receive()).toBe('short')
  expect(await client.receive()).toEqual(Buffer.alloc(20_000, 7))
  expect(await log.client.receive()).toBe('xxxxx')
  expect(await log.client.receive()).toBe('x'.repeat(20_000))
})

it('an application that pings all the time does not keep a dead peer alive', async () => {
  let resolve: (info: CloseInfo) => void = () => {}
  const promise = new Promise<CloseInfo>((done) => {
    resolve = done
  })
  const server = createServer({
    heartbeat: { interval: 100, timeout: 100 },
    open(socket) {
      const timer = setInterval(() => void socket.ping(), 20)
      void socket.closed.then(() => clearInterval(timer))
    },
    close: (_socket, info) => resolve(info),
  })
  const { port } = await server.listen({ host: '127.0.0.1' })
  const peer = connectTcp(port, '127.0.0.1')
  peer.resume()
  peer.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  expect((await promise).cause).toBe('heartbeat')
  await once(peer, 'close')
  await server.close()
})
