import { getEventListeners } from 'node:events'
import { type ConnectOptions, connect } from 'heartwire'
import { describe, expect, test } from 'vitest'
import {
  answeringServer,
  ca,
  failureOf,
  plainAnswer,
  type RawServer,
  rawServer,
  readHead,
  refusalOf,
  serverTls,
  switching,
} from './servers.ts'

interface Stage {
  /** What the client waits for, as its error has it. */
  waiting: string
  url: string
  options: ConnectOptions
  server: RawServer
  /** Resolves when the client has come as far as this. */
  reached: Promise<void>
}

/** A promise, and what resolves it. */
function gate(): [reached: Promise<void>, arrived: () => void] {
  let arrived = () => {}
  const reached = new Promise<void>((resolve) => {
    arrived = resolve
  })
  return [reached, () => arrived()]
}

/** Servers that leave a client waiting, each at another point of its handshake. */
const stages: Record<string, () => Promise<Stage>> = {
  async 'no answer'() {
    const [reached, arrived] = gate()
    const server = await rawServer(async (socket) => {
      await readHead(socket)
      socket.resume()
      arrived()
    })
    return {
      waiting: `waiting for the answer of ${server.name}`,
      url: `ws://${server.name}`,
      options: {},
      server,
      reached,
    }
  },

  async 'half an answer'() {
    const [reached, arrived] = gate()
    const server = await rawServer(async (socket) => {
      const head = await readHead(socket)
      socket.resume().write(switching(head).slice(0, -2), arrived)
    })
    return {
      waiting: `waiting for the answer of ${server.name}`,
      url: `ws://${server.name}`,
      options: {},
      server,
      reached,
    }
  },

  async 'an endless TLS handshake'() {
    const [reached, arrived] = gate()
    const server = await rawServer((socket) => socket.on('data', arrived))
    const waiting = `doing the TLS handshake with ${server.name}`
    return { waiting, url: `wss://${server.name}`, options: {}, server, reached }
  },

  async 'no answer over TLS'() {
    const [reached, arrived] = gate()
    const server = await rawServer(
      async (socket) => {
        await readHead(socket)
        socket.resume()
        arrived()
      },
      { tls: serverTls },
    )
    const waiting = `waiting for the answer of ${server.name}`
    return { waiting, url: `wss://${server.name}`, options: { tls: { ca } }, server, reached }
  },

  async 'a silent proxy'() {
    const [reached, arrived] = gate()
    const server = await rawServer(async (socket) => {
      await readHead(socket)
      socket.resume()
      arrived()
    })
    const options = { proxy: `http://${server.name}` }
    return {
      waiting: `waiting for the answer of ${server.name} (the proxy)`,
      url: 'ws://chat.example',
      options,
      server,
      reached,
    }
  },

  async 'no answer after a redirect'() {
    const [reached, arrived] = gate()
    const server = await rawServer(async (socket, index) => {
      await readHead(socket)
      socket.resume()
      if (index === 0) socket.write(plainAnswer('302 Found', '', 'Location: /there'))
      else arrived()
    })
    const waiting = `waiting for the answer of ${server.name}`
    return { waiting, url: `ws://${server.name}`, options: { followRedirects: 1 }, server, reached }
  },
}

async function everyoneGone(server: RawServer): Promise<void> {
  await Promise.all(server.sockets.map((_socket, index) => server.gone(index)))
}

describe.each(Object.keys(stages))('%s', (name) => {
  const start = () => stages[name]?.() ?? Promise.reject(new Error(name))

  test('ends with the time', async () => {
    const { waiting, url, options, server } = await start()
    const controller = new AbortController()
    const failed = connect(url, { ...options, handshakeTimeout: 100, signal: controller.signal })
    expect(await refusalOf(failed)).toEqual({
      code: 'HANDSHAKE_TIMEOUT',
      message: `The handshake was not done within 100 ms (handshakeTimeout): it was still ${waiting}.`,
    })
    await everyoneGone(server)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test("ends with the caller's signal", async () => {
    const { url, options, server, reached } = await start()
    const controller = new AbortController()
    const failed = failureOf(connect(url, { ...options, signal: controller.signal }))
    await reached
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await failed).toBe(reason)
    await everyoneGone(server)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})

describe('the signal', () => {
  test('that has fired already opens nothing', async () => {
    const server = await rawServer(() => {})
    const reason = new Error('too late')
    const createConnection = () => Promise.reject(new Error('It was called.'))
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(connect(`ws://${server.name}`, { signal }))).toBe(reason)
    expect(await failureOf(connect('ws://chat.example', { signal, createConnection }))).toBe(reason)
    expect(server.sockets).toEqual([])
  })

  test('that fires at once', async () => {
    const server = await rawServer(() => {})
    const controller = new AbortController()
    const failed = failureOf(connect(`ws://${server.name}`, { signal: controller.signal }))
    controller.abort()
    expect(await failed).toHaveProperty('name', 'AbortError')
    await everyoneGone(server)
  })

  test('while a name is looked up', async () => {
    const controller = new AbortController()
    const failed = failureOf(connect('ws://localhost:1', { signal: controller.signal }))
    controller.abort()
    expect(await failed).toBe(controller.signal.reason)
  })

  test('while the body of a refusal is read', async () => {
    const server = await answeringServer('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nNo')
    const signal = AbortSignal.timeout(200)
    expect(await failureOf(connect(`ws://${server.name}`, { signal }))).toHaveProperty('name', 'TimeoutError')
    await server.gone(0)
  })

  test('does nothing once the socket is open', async () => {
    const server = await answeringServer((head) => switching(head))
    const controller = new AbortController()
    const socket = await connect(`ws://${server.name}`, { signal: controller.signal })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    controller.abort()
    expect(socket.state).toBe('open')
    server.sockets[0]?.write(Buffer.from([0x81, 1, 0x61]))
    expect(await socket.receive()).toBe('a')
    socket.terminate()
  })
})

describe('the time', () => {
  test.each([Number.POSITIVE_INFINITY, 2 ** 31, 0, Number.NaN])('of %d ms is refused', async (handshakeTimeout) => {
    const error = await failureOf(connect('ws://127.0.0.1:1', { handshakeTimeout }))
    expect(error).toMatchObject({
      name: 'ArgumentError',
      message: `The option handshakeTimeout is a number of milliseconds above 0 and up to 2147483647, not ${handshakeTimeout}.`,
    })
  })

  test('does not count once the socket is open', async () => {
    const server = await answeringServer((head) => switching(head))
    const socket = await connect(`ws://${server.name}`, { handshakeTimeout: 300 })
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(socket.state).toBe('open')
    socket.terminate()
  })

  test('leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length
    const before = timers()
    await failureOf(connect('ws://127.0.0.1:1'))
    const server = await answeringServer(plainAnswer('401 No', 'No.'))
    await failureOf(connect(`ws://${server.name}`))
    expect(timers()).toBe(before)
  })
})
