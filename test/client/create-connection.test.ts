import { connect as connectTcp } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { ArgumentError, type CreateConnection, connect, type StreamRequest } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { answeringServer, failureOf, rawServer, readHead, refusalOf, switching } from './servers.ts'
import { duplexPair } from './streams.ts'

describe('any stream', () => {
  test('carries a connection', async () => {
    const [near, far] = duplexPair()
    let asked: StreamRequest | undefined
    const connecting = connect('ws://ann:x@chat.example:81/room', {
      createConnection(request) {
        asked = request
        return near
      },
    })
    const head = await readHead(far)
    expect(head.split('\r\n').slice(0, 2)).toEqual(['GET /room HTTP/1.1', 'Host: chat.example:81'])
    far.write(Buffer.concat([Buffer.from(switching(head)), Buffer.from([0x81, 1, 0x61])]))
    const socket = await connecting
    expect(asked).toEqual({ host: 'chat.example', port: 81, secure: false, signal: expect.any(AbortSignal) })
    expect(asked?.signal.aborted).toBe(false)
    expect(await socket.receive()).toBe('a')
    expect(socket.remoteAddress).toBe(undefined)
    const sent = new Promise<Buffer>((resolve) => far.once('data', resolve))
    far.resume()
    socket.send('hello')
    expect((await sent).length).toBe(2 + 4 + 5)
    far.push(null)
    far.end()
    expect(await socket.closed).toMatchObject({ code: 1006, cause: 'eof' })
    expect(near.destroyed).toBe(true)
  })

  test('may come later', async () => {
    const server = await answeringServer((head) => switching(head))
    const socket = await connect('ws://chat.example', {
      async createConnection() {
        await new Promise(setImmediate)
        return connectTcp(server.port, '127.0.0.1')
      },
    })
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.terminate()
    await server.gone(0)
  })

  test('is left with no listeners but those of the open connection', async () => {
    const listenersOf = (stream: Duplex) =>
      Object.fromEntries(stream.eventNames().map((name) => [String(name), stream.listenerCount(name)]))
    const server = await answeringServer((head) => switching(head))
    const stream = connectTcp(server.port, '127.0.0.1')
    const before = listenersOf(stream)
    const socket = await connect('ws://chat.example', { createConnection: () => stream })
    const after = listenersOf(stream)
    const added = Object.entries(after).filter(([name, count]) => count !== (before[name] ?? 0))
    expect(Object.fromEntries(added.map(([name, count]) => [name, count - (before[name] ?? 0)]))).toEqual({
      error: 1,
      close: 1,
      end: 1,
      data: 1,
    })
    socket.terminate()
  })
})

describe('no stream', () => {
  test.each<[string, CreateConnection, string, string | undefined]>([
    [
      'it throws',
      () => {
        throw new Error('the tunnel is shut')
      },
      'createConnection gave no stream to chat.example:80: the tunnel is shut',
      undefined,
    ],
    [
      'it rejects',
      () => Promise.reject(Object.assign(new Error('the tunnel is shut'), { code: 'SHUT' })),
      'createConnection gave no stream to chat.example:80: the tunnel is shut',
      'SHUT',
    ],
    [
      'it rejects with something else',
      () => Promise.reject('shut'),
      'createConnection gave no stream to chat.example:80: shut',
      'shut',
    ],
    [
      'it is destroyed',
      () => duplexPair()[0].destroy(),
      'createConnection gave no stream to chat.example:80: the stream is closed already',
      undefined,
    ],
  ])('%s', async (_what, createConnection, message, cause) => {
    for (const url of ['ws://chat.example:80', 'wss://chat.example:80']) {
      expect(await refusalOf(connect(url, { createConnection }))).toEqual({ code: 'CONNECT_FAILED', message, cause })
    }
  })

  test('it has ended', async () => {
    const ended = new PassThrough()
    ended.end().resume()
    await new Promise((resolve) => ended.on('end', resolve))
    expect(await refusalOf(connect('ws://x', { createConnection: () => ended }))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'createConnection gave no stream to x:80: the stream is closed already',
      cause: undefined,
    })
  })

  test.each([undefined, null, 'tcp', {}])('it is %s', async (given) => {
    const createConnection = () => given as Duplex
    const error = await failureOf(connect('ws://x', { createConnection }))
    expect(error).toBeInstanceOf(ArgumentError)
    expect(error).toHaveProperty(
      'message',
      `createConnection gave ${String(given)}, which is not a stream that reads and writes.`,
    )
  })

  test('it does not get through', async () => {
    const createConnection = () => connectTcp(1, '127.0.0.1')
    expect(await refusalOf(connect('ws://x', { createConnection }))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at x:80.',
      cause: 'ECONNREFUSED',
    })
    expect(await refusalOf(connect('wss://x', { createConnection }))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'Nothing listens at x:443.',
      cause: 'ECONNREFUSED',
    })
  })

  test('it fails while the answer is waited for', async () => {
    const failing = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback(new Error('cut')) })
    expect(await refusalOf(connect('ws://x', { createConnection: () => failing }))).toEqual({
      code: 'CONNECT_FAILED',
      message: 'The connection to x:80 could not be opened: cut.',
      cause: undefined,
    })
  })

  test('it is closed while the answer is waited for', async () => {
    const [near, far] = duplexPair()
    const failed = refusalOf(connect('ws://x', { createConnection: () => near }))
    await readHead(far)
    near.destroy()
    expect(await failed).toMatchObject({
      code: 'HANDSHAKE_ABORTED',
      message: 'x:80 closed the connection before it had answered.',
    })
  })

  test('it comes too late, and is destroyed', async () => {
    const server = await rawServer(() => {})
    let give: (stream: Duplex) => void = () => {}
    let signal: AbortSignal | undefined
    const failed = connect('ws://chat.example', {
      handshakeTimeout: 50,
      createConnection: (request) => {
        signal = request.signal
        return new Promise((resolve) => {
          give = resolve
        })
      },
    })
    expect(await refusalOf(failed)).toEqual({
      code: 'HANDSHAKE_TIMEOUT',
      message: 'The handshake was not done within 50 ms (handshakeTimeout): it was still waiting for createConnection.',
    })
    expect(signal?.aborted).toBe(true)
    const late = connectTcp(server.port, '127.0.0.1')
    give(late)
    await new Promise((resolve) => late.on('close', resolve))
  })

  test('and an error of the late one does no harm', async () => {
    let give: (stream: Duplex) => void = () => {}
    const createConnection = () =>
      new Promise<Duplex>((resolve) => {
        give = resolve
      })
    await failureOf(connect('ws://x', { signal: AbortSignal.timeout(20), createConnection }))
    const late = connectTcp(1, '127.0.0.1')
    give(late)
    await new Promise((resolve) => late.on('close', resolve))
  })
})
