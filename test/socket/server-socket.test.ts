import { setTimeout } from 'node:timers/promises'
import { ArgumentError, Opcode, prepare, type ServerSocket } from 'heartwire'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { shared } from '../../src/socket/runtime.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsClient } from '../support/servers.ts'

interface Member {
  socket: ServerSocket<undefined>
  client: WebSocket
  messages: Mailbox<string | Buffer>
}

/** A server with this many members, none of whom has subscribed to anything. */
async function members(count: number) {
  const opened = new Mailbox<ServerSocket<undefined>>()
  const { server, url, port } = await serve({ open: opened.put, maxBuffered: 1_000_000 })
  const all: Member[] = []
  for (let i = 0; i < count; i++) {
    const client = await wsClient(url)
    all.push({ ...client, socket: await opened.next() })
  }
  return { server, port, opened, all }
}

/** What everyone has got so far; each is asked in turn, so that what was sent before has arrived. */
async function got(all: Member[]): Promise<(string | Buffer)[][]> {
  for (const { socket, messages } of all) {
    socket.send('that was all')
    while (!messages.all.includes('that was all')) await messages.next()
  }
  return all.map(({ messages }) => messages.all.filter((message) => message !== 'that was all'))
}

test.each([
  [{ ky: 'a' }, 'There is no option "ky" of $whose. Did you mean key?'],
  [{ key: 5 }, 'The option key is a string, not 5.'],
  [{ key: null }, 'The option key is a string, not null.'],
  [{ type: 'txt' }, "The option type is 'text' or 'binary', not \"txt\"."],
  [null, '$whose takes an object of options, not null.'],
])('publish refuses %j', async (options, message) => {
  const { server, socket } = await rawPair({ open: (one) => void one.subscribe('news') })
  const error = (whose: string) => new ArgumentError(message.replace('$whose', whose))
  expect(() => server.publish('news', 'x', options as object)).toThrow(error('server.publish'))
  expect(() => socket.publish('news', 'x', options as object)).toThrow(error('socket.publish'))
  expect(socket.counts.messagesOut).toBe(0)
})

test('publish of a server has an option more than that of a socket', async () => {
  const { server, socket } = await rawPair({ open() {} })
  const except = (value: unknown) => ({ except: value }) as object
  expect(() => server.publish('news', 'x', except(5))).toThrow(
    new ArgumentError('The option except is the id of a socket, not 5.'),
  )
  expect(() => server.publish('news', 'x', except(socket))).toThrow(
    new ArgumentError('The option except is the id of a socket, not an object.'),
  )
  expect(() => socket.publish('news', 'x', except(socket.id))).toThrow(
    new ArgumentError('There is no option "except" of socket.publish.'),
  )
})

test('publish reaches those who have subscribed, but the one who publishes', async () => {
  const { server, all } = await members(3)
  const [a, b, c] = all.map(({ socket }) => socket)
  expect(a?.subscribe('news')).toBe(true)
  expect(a?.subscribe('news')).toBe(false)
  expect(b?.subscribe('news')).toBe(true)
  expect(server.subscriberCount('news')).toBe(2)
  expect(server.subscriberCount('other')).toBe(0)
  expect(a?.publish('news', 'from a')).toBe(1)
  expect(c?.publish('news', 'from c')).toBe(2)
  expect(c?.publish('other', 'nobody')).toBe(0)
  expect(server.publish('news', Buffer.from('from all'))).toBe(2)
  expect(server.publish('news', prepare('prepared'))).toBe(2)
  expect(server.publish('news', Buffer.from('as text'), { type: 'text' })).toBe(2)
  expect(await got(all)).toEqual([
    ['from c', Buffer.from('from all'), 'prepared', 'as text'],
    ['from a', 'from c', Buffer.from('from all'), 'prepared', 'as text'],
    [],
  ])
})

test('except leaves one out by its id', async () => {
  const { server, all } = await members(2)
  for (const { socket } of all) socket.subscribe('news')
  expect(server.publish('news', 'x', { except: all[0]?.socket.id ?? '' })).toBe(1)
  expect(server.publish('news', 'y', { except: 'nobody' })).toBe(2)
  expect(await got(all)).toEqual([['y'], ['x', 'y']])
})

test('unsubscribe ends it; topics says what there is', async () => {
  const { server, all } = await members(1)
  const socket = all[0]?.socket
  expect([...(socket?.topics ?? [])]).toEqual([])
  socket?.subscribe('a')
  socket?.subscribe('b')
  expect([...(socket?.topics ?? [])]).toEqual(['a', 'b'])
  expect(socket?.unsubscribe('a')).toBe(true)
  expect(socket?.unsubscribe('a')).toBe(false)
  expect(socket?.unsubscribe('never')).toBe(false)
  expect(server.publish('a', 'x')).toBe(0)
  expect(server.publish('b', 'y')).toBe(1)
  expect(await got(all)).toEqual([['y']])
})

test('topics are shared by the routes of a server, and not by servers', async () => {
  const opened = new Mailbox<ServerSocket<undefined>>()
  const { server, url } = await serve()
  const subscribe = (socket: ServerSocket<undefined>) => {
    socket.subscribe('news')
    opened.put(socket)
  }
  server.route('/a', { open: subscribe }).route('/b', { open: subscribe })
  const a = await wsClient(`${url}/a`)
  const b = await wsClient(`${url}/b`)
  await opened.take(2)
  const other = await serve()
  expect(other.server.publish('news', 'x')).toBe(0)
  expect(server.publish('news', 'y')).toBe(2)
  expect([await a.messages.next(), await b.messages.next()]).toEqual(['y', 'y'])
})

describe('one who leaves or dies affects nobody else', () => {
  test.each(['close', 'reset', 'terminate'] as const)('by %s', async (how) => {
    const { server, all } = await members(4)
    for (const { socket } of all) socket.subscribe('news')
    const leaving = all[1]
    if (how === 'close') leaving?.client.close()
    else if (how === 'reset') leaving?.client.terminate()
    else leaving?.socket.terminate()
    await leaving?.socket.closed
    expect(server.subscriberCount('news')).toBe(3)
    expect(server.publish('news', 'still here')).toBe(3)
    expect(leaving?.socket.subscribe('news')).toBe(false)
    expect([...(leaving?.socket.topics ?? [])]).toEqual([])
    const rest = all.filter((member) => member !== leaving)
    expect(await got(rest)).toEqual([['still here'], ['still here'], ['still here']])
    for (const { socket } of rest) expect(socket.state).toBe('open')
  })

  test('by not reading: it alone is closed, and the others are not held up', async () => {
    const { server, port, opened, all } = await members(2)
    const stuck = await RawPeer.open(port)
    stuck.stream.pause()
    const stuckSocket = await opened.next()
    for (const { socket } of [...all, { socket: stuckSocket }]) socket.subscribe('news')
    const message = Buffer.alloc(250_000, 1)
    let published = 0
    while (stuckSocket.state === 'open') {
      server.publish('news', message)
      published++
      await setTimeout(0)
    }
    await Promise.all(all.map(({ messages }) => messages.reach(published)))
    for (const { socket, messages } of all) {
      expect(socket.state).toBe('open')
      expect(messages.all).toHaveLength(published)
    }
    stuck.stream.destroy()
    expect(await stuckSocket.closed).toMatchObject({ cause: 'slow-consumer' })
    expect(server.subscriberCount('news')).toBe(2)
  })

  test('in the middle of a publish', async () => {
    const { server, all } = await members(3)
    for (const { socket } of all) socket.subscribe('news')
    // The first one's end takes it out of the topic while that is being walked.
    all[0]?.socket.terminate()
    server.publish('news', 'x')
    await all[0]?.socket.closed
    expect(await got(all.slice(1))).toEqual([['x'], ['x']])
  })
})

test('what is published is not counted for who is closing', async () => {
  const { server, all } = await members(2)
  for (const { socket } of all) socket.subscribe('news')
  all[0]?.socket.close()
  expect(server.publish('news', 'x')).toBe(1)
  expect(await got(all.slice(1))).toEqual([['x']])
})

test('a message is encoded once, whoever gets it', async () => {
  const { server, port, opened } = await members(0)
  const peers: RawPeer[] = []
  for (let i = 0; i < 3; i++) {
    peers.push(await RawPeer.open(port))
    ;(await opened.next()).subscribe('news')
  }
  const encode = vi.spyOn(shared.platform, 'utf8Write')
  onTestFinished(() => encode.mockRestore())
  const text = 'é'.repeat(30_000)
  server.publish('news', text)
  for (const peer of peers) expect(await peer.text()).toEqual([Opcode.Text, text])
  expect(encode).toHaveBeenCalledTimes(1)
})

test.each([null, undefined, 7])('publish throws for %s', async (message) => {
  const { server } = await members(0)
  // @ts-expect-error: no message
  expect(() => server.publish('news', message)).toThrow(ArgumentError)
})
