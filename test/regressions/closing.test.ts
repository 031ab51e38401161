import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type CloseInfo, connect, createServer } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { describe, expect, it, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, masked } from '../support/raw-peer.ts'

const tls = { key: fixture('server.key'), cert: fixture('server.crt') }

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))
}

describe('a server that closes when an upgrade hook has just decided opens no connection any more', () => {
  test('within the hook', async () => {
    const server = createServer({ log() {}, upgrade: () => void server.close() })
    const { url } = await server.listen({ host: '127.0.0.1' })
    await expect(connect(url)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status: 503 })
    await server.close()
  })

  test.each([0, 1, 2, 3, 4, 5])('%i promises later', async (promises) => {
    const asked = new Mailbox<void>()
    const decided = new Mailbox<void>()
    const server = createServer({
      log() {},
      upgrade() {
        asked.put()
        return decided.next()
      },
    })
    const { url } = await server.listen({ host: '127.0.0.1' })
    const connecting = connect(url).then(
      (socket) => socket.closed.then(({ code }) => code),
      (error) => error.status,
    )
    await asked.next()
    decided.put()
    for (let i = 0; i < promises; i++) await undefined
    await server.close()
    // One that was opened before it closed is told so; one that was not is refused.
    expect([503, 1001]).toContain(await connecting)
  })
})

it('a connection on which nobody begins TLS is cut by the deadline', async () => {
  const server = createServer({ message() {} })
  const { port } = await server.listen({ host: '127.0.0.1', tls })
  const peer = connectTcp(port, '127.0.0.1')
  peer.on('error', () => {})
  await once(peer, 'connect')
  await setTimeout(50)
  const start = performance.now()
  await server.close({ deadline: 100 })
  expect(performance.now() - start).toBeLessThan(3_000)
  peer.destroy()
})

test.each(['ws', 'wss'])(
  'a peer that ends its half behind its Close frame gets the message under way: %s',
  async (scheme) => {
    const closed = new Mailbox<CloseInfo>()
    const received = new Mailbox<void>()
    const server = createServer({
      message(socket) {
        socket.send(new Uint8Array(8_000_000))
        received.put()
      },
      close: (_socket, info) => closed.put(info),
    })
    const secure = scheme === 'wss'
    const { port } = await server.listen({ host: '127.0.0.1', ...(secure && { tls }) })
    const options = { port, host: '127.0.0.1', allowHalfOpen: true }
    const peer = secure ? connectTls({ ...options, ca: fixture('ca.crt') }) : connectTcp(options)
    await once(peer, secure ? 'secureConnect' : 'connect')
    peer.write(handshake())
    await once(peer, 'readable')
    peer.pause()
    peer.write(masked(Opcode.Text, 'go'))
    await received.next()
    peer.end(masked(Opcode.Close))
    await setTimeout(100)
    let size = 0
    peer.on('data', (chunk: Buffer) => {
      size += chunk.length
    })
    peer.resume()
    await once(peer, 'end')
    expect((await closed.next()).error).toBeUndefined()
    expect(size).toBeGreaterThan(8_000_000)
    await server.close()
  },
)
