import { createServer } from 'node:http'
import { Opcode } from 'heartwire/protocol'
import { WebSocket } from 'heartwire/websocket'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { rawServer } from '../client/servers.ts'
import { serve } from '../support/servers.ts'
import { closeFrame, frame, handshakeServer, type Line, logOf, next, open, text } from './support.ts'

describe('the order of events', () => {
  it('is that of the messages, and what they cause is done before the next one', async () => {
    const server = await handshakeServer((socket) => {
      socket.end(Buffer.concat([text('1'), text('2'), frame(Opcode.Binary, '3'), text('4'), closeFrame(3000, 'bye')]))
    })
    const socket = new WebSocket(server.url)
    socket.binaryType = 'arraybuffer'
    const log = logOf(socket)
    socket.addEventListener('message', async ({ data }) => {
      log.put([`got ${typeof data}`, socket.readyState])
      for (let i = 0; i < 5; i++) await undefined
      log.put(['after five awaits', socket.readyState])
      await new Promise<void>((resolve) => process.nextTick(resolve))
      log.put(['after a tick', socket.readyState])
    })
    await next(socket, 'close')
    const seen = (data: unknown): Line[] => [
      ['message', 1, data],
      [`got ${typeof data}`, 1],
      ['after five awaits', 1],
      ['after a tick', 1],
    ]
    expect(log.all).toEqual([
      ['open', 1],
      ...seen('1'),
      ...seen('2'),
      ...seen(new Uint8Array([0x33]).buffer),
      ...seen('4'),
      ['close', 3, 3000, 'bye', true],
    ])
  })

  it('lets what an open listener does come before messages that came with the handshake', async () => {
    const { url } = await handshakeServer((socket) => socket.write(text('early')))
    const socket = new WebSocket(url)
    const log = logOf(socket)
    socket.onopen = async () => {
      await undefined
      socket.onmessage = ({ data }) => log.put(['onmessage', socket.readyState, data])
    }
    expect(await log.take(3)).toEqual([
      ['open', 1],
      ['message', 1, 'early'],
      ['onmessage', 1, 'early'],
    ])
  })

  it('has nothing in it before whoever made it has gone on, microtasks and all', async () => {
    const { port } = await serve()
    for (const where of [`ws://127.0.0.1:${port}`, 'ws://127.0.0.1:9']) {
      const socket = new WebSocket(where)
      const log = logOf(socket)
      for (let i = 0; i < 100; i++) await undefined
      expect([socket.readyState, log.all]).toEqual([0, []])
    }
  })

  it('has an error and the end next to each other, closed both', async () => {
    const socket = new WebSocket('ws://127.0.0.1:9')
    const log = logOf(socket)
    socket.addEventListener('error', () => {
      queueMicrotask(() => log.put(['microtask', socket.readyState]))
      setImmediate(() => log.put(['a later task', socket.readyState]))
    })
    expect(await log.take(4)).toEqual([
      ['error', 3],
      ['microtask', 3],
      ['close', 3, 1006, '', false],
      ['a later task', 3],
    ])
  })

  it('goes on when a listener throws', async () => {
    const { url } = await handshakeServer((socket) => {
      socket.write(Buffer.concat([text('1'), text('2')]))
      socket.once('data', () => socket.end(closeFrame(1000)))
    })
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error.message))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const other of others) process.on('uncaughtException', other)
    })
    const socket = new WebSocket(url)
    const log = logOf(socket)
    socket.onmessage = ({ data }) => {
      throw new Error(`bad ${data}`)
    }
    expect(await log.take(3)).toEqual([
      ['open', 1],
      ['message', 1, '1'],
      ['message', 1, '2'],
    ])
    socket.close()
    await next(socket, 'close')
    expect(thrown).toEqual(['bad 1', 'bad 2'])
  })
})

describe('messages', () => {
  it('are events with the origin of the URL', async () => {
    const { url } = await handshakeServer((socket) => socket.write(text('hello')))
    const socket = new WebSocket(`${url}/path?query`)
    const event = await next<MessageEvent>(socket, 'message')
    expect(event).toBeInstanceOf(MessageEvent)
    const { type, data, origin, lastEventId, source, ports, bubbles, cancelable, target } = event
    expect({ type, data, origin, lastEventId, source, ports, bubbles, cancelable }).toEqual({
      type: 'message',
      data: 'hello',
      origin: url,
      lastEventId: '',
      source: null,
      ports: [],
      bubbles: false,
      cancelable: false,
    })
    expect(target).toBe(socket)
    socket.close()
  })

  it('are Blobs or ArrayBuffers, as binaryType says when they are dispatched', async () => {
    const sent = Buffer.concat([frame(Opcode.Binary, 'ab'), frame(Opcode.Binary, 'cd'), frame(Opcode.Binary)])
    const { url } = await handshakeServer((socket) => socket.write(sent))
    const socket = new WebSocket(url)
    const data: unknown[] = []
    socket.onmessage = (event) => {
      data.push(event.data)
      socket.binaryType = 'arraybuffer'
    }
    for (let i = 0; i < 3; i++) await next(socket, 'message')
    const [blob, buffer, empty] = data
    expect(blob).toBeInstanceOf(Blob)
    expect([(blob as Blob).size, (blob as Blob).type, await (blob as Blob).text()]).toEqual([2, '', 'ab'])
    expect(buffer).toEqual(new Uint8Array([0x63, 0x64]).buffer)
    expect(empty).toEqual(new ArrayBuffer(0))
    socket.close()
  })

  it('are ArrayBuffers that nobody else has, of any size', async () => {
    const sizes = [1, 100, 4_000, 70_000]
    const { url } = await serve({
      open: (socket) => {
        for (const size of sizes) socket.send(new Uint8Array(size).fill(size % 251))
      },
    })
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    for (const size of sizes) {
      const data: ArrayBuffer = (await next<MessageEvent>(socket, 'message')).data
      expect(Buffer.from(data).equals(Buffer.alloc(size, size % 251))).toBe(true)
      expect(structuredClone(data, { transfer: [data] }).byteLength).toBe(size)
    }
    socket.close()
  })

  it('keep a byte order mark, and may be empty', async () => {
    const { url } = await handshakeServer((socket) => socket.write(Buffer.concat([text('\ufeffx'), text('')])))
    const log = logOf(new WebSocket(url))
    expect(await log.take(3)).toEqual([
      ['open', 1],
      ['message', 1, '\ufeffx'],
      ['message', 1, ''],
    ])
  })

  it('are not dispatched once it is closing', async () => {
    const { url } = await handshakeServer((socket) => socket.write(Buffer.concat([text('1'), text('2'), text('3')])))
    const socket = new WebSocket(url)
    const log = logOf(socket)
    socket.onmessage = () => socket.close(1000)
    await next(socket, 'message')
    await new Promise((resolve) => setImmediate(resolve))
    expect([socket.readyState, log.all]).toEqual([
      2,
      [
        ['open', 1],
        ['message', 1, '1'],
      ],
    ])
  })

  it('that came before the Close frame are all dispatched, open', async () => {
    const { url } = await serve({
      open: (socket) => {
        for (let i = 0; i < 1_000; i++) socket.send(`${i}`)
        socket.close(4000, 'enough')
      },
    })
    const socket = new WebSocket(url)
    const log = logOf(socket)
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['open', 1],
      ...Array.from({ length: 1_000 }, (_, i) => ['message', 1, `${i}`]),
      ['close', 3, 4000, 'enough', true],
    ])
  })
})

describe('extensions', () => {
  it('are those that were agreed on, once it is open', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
    await new Promise((resolve) => server.once('listening', resolve))
    server.on('connection', (peer) => peer.on('message', (data) => peer.send(data.toString().repeat(1000))))
    const { port } = server.address() as { port: number }
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    expect(socket.extensions).toBe('')
    await next(socket, 'open')
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    socket.send('x')
    expect((await next<MessageEvent>(socket, 'message')).data).toBe('x'.repeat(1000))
    socket.close()
    await next(socket, 'close')
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('what fails', () => {
  /** Everything that a WebSocket tells of a connection that does not come about, and why. */
  async function failure(url: string): Promise<[Line[], string]> {
    const socket = new WebSocket(url)
    const log = logOf(socket)
    const event = await next(socket, 'error')
    expect(Object.getPrototypeOf(event)).toBe(Event.prototype)
    expect([event.bubbles, event.cancelable]).toEqual([false, false])
    await next(socket, 'close')
    return [log.all, Object(event).message]
  }
  const failed = [
    ['error', 3],
    ['close', 3, 1006, '', false],
  ]

  test('nobody listens', async () => {
    const { port } = await rawServer(() => {})
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const free = (server.address() as { port: number }).port
    await new Promise((resolve) => server.close(resolve))
    expect(free).not.toBe(port)
    expect(await failure(`ws://127.0.0.1:${free}`)).toEqual([failed, `Nothing listens at 127.0.0.1:${free}.`])
  })

  test('the answer is not 101, a redirect included', async () => {
    for (const status of [200, 301, 401, 503]) {
      const server = createServer((_request, response) =>
        response.writeHead(status, { location: 'ws://127.0.0.1:9' }).end(),
      ).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const [events, message] = await failure(`ws://127.0.0.1:${(server.address() as { port: number }).port}`)
      expect(events).toEqual(failed)
      expect(message).toMatch(new RegExp(`^The server answered ${status} `))
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('the URL has a user name that is no UTF-8', async () => {
    expect((await failure('ws://%ff%@127.0.0.1:9/'))[0]).toEqual(failed)
  })

  const open: Line = ['open', 1]
  const lost: [string, number, ...unknown[]][] = [
    ['error', 3],
    ['close', 3, 1006, '', false],
  ]

  test.each<[string, (socket: import('node:net').Socket) => void, Line[]]>([
    ['the peer ends without a Close frame', (socket) => socket.end(), [open, ...lost]],
    ['the peer resets', (socket) => void setImmediate(() => socket.resetAndDestroy()), [open, ...lost]],
    ['the peer masks', (socket) => socket.write(Buffer.from([0x81, 0x80, 1, 2, 3, 4])), [open, ...lost]],
    [
      'the peer sends no UTF-8 behind a message',
      (socket) => socket.write(Buffer.concat([text('ok'), frame(Opcode.Text, new Uint8Array([0xff]))])),
      [open, ['message', 1, 'ok'], ...lost],
    ],
    [
      'the peer ends with a Close frame and does not wait',
      (socket) => socket.end(closeFrame(1001, 'going')),
      [open, ['close', 3, 1001, 'going', true]],
    ],
    ['the Close frame has no code', (socket) => socket.end(frame(Opcode.Close)), [open, ['close', 3, 1005, '', true]]],
  ])('%s', async (_what, then, events) => {
    const { url } = await handshakeServer(then)
    const socket = new WebSocket(url)
    const log = logOf(socket)
    await next(socket, 'close')
    expect(log.all).toEqual(events)
  })

  test('a message is larger than maxPayload', async () => {
    const { url } = await serve({ open: (socket) => void socket.send('too long') })
    const socket = new WebSocket(url, { maxPayload: 7 })
    const log = logOf(socket)
    expect(await next(socket, 'error')).toMatchObject({ error: { code: 'MESSAGE_TOO_LARGE' } })
    await next(socket, 'close')
    expect(log.all).toEqual([open, ...lost])
  })
})

test('the events run in the context in which it was made', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const storage = new AsyncLocalStorage<string>()
  const { url } = await handshakeServer((socket) => socket.end(Buffer.concat([text('1'), closeFrame(1000)])))
  const seen: unknown[] = []
  const socket = storage.run('mine', () => new WebSocket(url))
  for (const type of ['open', 'message', 'close']) {
    socket.addEventListener(type, () => seen.push([type, storage.getStore()]))
  }
  await next(socket, 'close')
  expect(seen).toEqual([
    ['open', 'mine'],
    ['message', 'mine'],
    ['close', 'mine'],
  ])
})

test('what is printed of it has no secrets', async () => {
  const { inspect } = await import('node:util')
  const { url } = await serve({ open: () => {} })
  const socket = await open(`${url.replace('//', '//user:word@')}/?token=abc`)
  expect(inspect(socket)).toBe(
    [
      'WebSocket {',
      `  url: '${url.replace('//', '//***@')}/?***',`,
      '  readyState: 1,',
      "  protocol: '',",
      "  extensions: '',",
      "  binaryType: 'blob',",
      '  bufferedAmount: 0',
      '}',
    ].join('\n'),
  )
})
