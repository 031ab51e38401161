import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type DiagnosticsEvents, prepare, UpgradeRejected } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { expect, onTestFinished, test } from 'vitest'
import {
  closeChannel,
  errorChannel,
  messageChannel,
  openChannel,
  refusedChannel,
} from '../../src/socket/diagnostics.ts'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve } from '../support/servers.ts'

/** What is published to a channel from here on. */
function listen<Name extends keyof DiagnosticsEvents>(name: Name): Mailbox<DiagnosticsEvents[Name]> {
  const events = new Mailbox<DiagnosticsEvents[Name]>()
  const put = (message: unknown) => events.put(message as DiagnosticsEvents[Name])
  subscribe(name, put)
  onTestFinished(() => {
    unsubscribe(name, put)
  })
  return events
}

test('the opening and the end of each connection, of a server and of a client, before the handlers are told', async () => {
  const open = listen('heartwire.open')
  const close = listen('heartwire.close')
  const order: string[] = []
  const { url } = await serve({
    open: () => order.push(`open ${open.all.length}`),
    close: () => order.push(`close ${close.all.length}`),
  })
  const client = await connect(url)
  client.close(4000)
  const info = await client.closed
  const [theirs, ours] = open.all
  expect(open.all).toHaveLength(2)
  expect(ours?.socket).toBe(client)
  expect(await close.take(2)).toEqual(
    expect.arrayContaining([
      { socket: client, info },
      { socket: theirs?.socket, info: await theirs?.socket.closed },
    ]),
  )
  expect(order).toEqual(['open 1', expect.stringMatching(/^close [12]$/)])
})

test('messages both ways, as they are sent and as they arrive', async () => {
  const messages = listen('heartwire.message')
  const { socket, peer } = await rawPair({ message() {}, autoResponse: { request: 'ping', response: 'pong' } })
  const seen = async (count: number) =>
    (await messages.take(count)).map(({ direction, data, type, socket: of }) => [
      direction,
      typeof data === 'string' ? data : [...data],
      type,
      of === socket,
    ])
  socket.send('a')
  socket.send(prepare('b'))
  socket.send(prepare(Uint8Array.of(1)))
  socket.send(Uint8Array.of(2).buffer)
  socket.send('c', 'binary')
  expect(await seen(5)).toEqual([
    ['out', 'a', 'text', true],
    ['out', 'b', 'text', true],
    ['out', [1], 'binary', true],
    ['out', [2], 'binary', true],
    ['out', 'c', 'binary', true],
  ])
  peer.write(masked(Opcode.Text, 'd'))
  peer.write(masked(Opcode.Binary, Uint8Array.of(3)))
  peer.write(masked(Opcode.Text, 'ping'))
  expect(await seen(4)).toEqual([
    ['in', 'd', 'text', true],
    ['in', [3], 'binary', true],
    ['in', 'ping', 'text', true],
    ['out', 'pong', 'text', true],
  ])
  socket.close()
  socket.send('not sent')
  expect(messages.all).toHaveLength(9)
})

test('what handlers throw', async () => {
  const errors = listen('heartwire.error')
  const failure = new Error('failed')
  const { socket, peer } = await rawPair({
    message() {
      throw failure
    },
    error() {},
  })
  peer.write(masked(Opcode.Text, 'a'))
  expect(await errors.next()).toEqual({ error: failure, socket })
})

test('refused handshakes, without the query', async () => {
  const refused = listen('heartwire.refused')
  const { port } = await serve({
    upgrade() {
      throw new UpgradeRejected(401, 'Who are you?')
    },
  })
  for (const line of ['GET /chat?token=secret HTTP/1.1', 'GET http://server.example/x?secret HTTP/1.1']) {
    const peer = await RawPeer.dial(port)
    peer.write(handshake({}, line))
    await peer.head()
  }
  const peer = await RawPeer.dial(port)
  peer.write(handshake({ Origin: 'http://evil.example' }, 'GET /other?secret HTTP/1.1'))
  await peer.head()
  const rejected = { code: 'UPGRADE_REJECTED', status: 401, message: 'Who are you?', remoteAddress: '127.0.0.1' }
  expect(await refused.reach(3)).toEqual([
    { ...rejected, path: '/chat' },
    { ...rejected, path: '/x' },
    {
      code: 'ORIGIN_REFUSED',
      status: 403,
      message:
        'Origin "http://evil.example" is not allowed: it is not the host asked for, "server.example". Add it to the `origins` option to allow it.',
      remoteAddress: '127.0.0.1',
      path: '/other',
    },
  ])
})

test('nobody listens unless somebody has subscribed', () => {
  const channels = [openChannel, closeChannel, messageChannel, errorChannel, refusedChannel]
  expect(channels.map((channel) => channel.hasSubscribers)).toEqual([false, false, false, false, false])
})

test('a subscriber that throws does not touch the connection: Node has an uncaught exception of it', async () => {
  const failure = new Error('failed')
  const uncaught = new Mailbox<unknown>()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', uncaught.put)
  const fail = () => {
    throw failure
  }
  subscribe('heartwire.open', fail)
  subscribe('heartwire.message', fail)
  onTestFinished(() => {
    unsubscribe('heartwire.open', fail)
    unsubscribe('heartwire.message', fail)
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
  })
  const { socket, peer } = await rawPair({ message: (one, message) => void one.send(message) })
  peer.write(masked(Opcode.Text, 'hello'))
  expect(await peer.text()).toEqual([Opcode.Text, 'hello'])
  expect(socket.state).toBe('open')
  expect(await uncaught.reach(3)).toEqual([failure, failure, failure])
})
