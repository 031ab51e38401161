import { getEventListeners } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import type { ServerOptions, ServerSocket } from 'heartwire'
import { type Attempt, FailureEvent, ReconnectingWebSocket, StateEvent } from 'heartwire/reconnect'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { Client } from './client.ts'

/** A server that tells of its connections, and answers `echo x` with `x`. */
async function start(options: ServerOptions<undefined> = {}) {
  const opened = new Mailbox<ServerSocket>()
  const received = new Mailbox<string | Uint8Array>()
  const running = await serve({
    open: (socket) => opened.put(socket),
    message(socket, message) {
      received.put(message)
      if (String(message).startsWith('echo ')) socket.send(String(message).slice(5))
    },
    ...options,
  })
  return { ...running, opened, received }
}

/** A URL at which nobody listens. */
async function nowhere(): Promise<string> {
  const { server, url } = await serve({ open() {} })
  await server.close()
  return url
}

/** The URL of a server that accepts, and says nothing. */
async function silence(): Promise<string> {
  const server = createTcpServer((tcp) => void tcp.on('error', () => {})).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('what a WebSocket has', () => {
  it('has it', async () => {
    const { url, opened } = await start({ protocols: () => 'chat' })
    const calls = new Mailbox<string>()
    const socket = new ReconnectingWebSocket(url.replace('ws:', 'http:'), { protocols: ['talk', 'chat'], WebSocket })
    expect(socket).toBeInstanceOf(EventTarget)
    expect([socket.CONNECTING, socket.OPEN, socket.CLOSING, socket.CLOSED]).toEqual([0, 1, 2, 3])
    const { CONNECTING, OPEN, CLOSING, CLOSED } = ReconnectingWebSocket
    expect([CONNECTING, OPEN, CLOSING, CLOSED]).toEqual([0, 1, 2, 3])
    expect([socket.readyState, socket.url, socket.protocol, socket.extensions]).toEqual([0, `${url}/`, '', ''])
    expect(socket.bufferedAmount).toBe(0)
    socket.binaryType = 'arraybuffer'
    socket.onopen = ({ type }) => calls.put(type)
    socket.onmessage = ({ type, data }) => calls.put(`${type} ${data instanceof ArrayBuffer && data.byteLength}`)
    socket.onclose = ({ type, code, reason, wasClean }) => calls.put(`${type} ${code} ${reason} ${wasClean}`)
    expect(await calls.next()).toBe('open')
    expect([socket.readyState, socket.protocol, socket.binaryType]).toEqual([1, 'chat', 'arraybuffer'])
    const peer = await opened.next()
    peer.send(new Uint8Array(7))
    expect(await calls.next()).toBe('message 7')
    socket.close(4000, 'enough')
    expect(socket.readyState).toBe(2)
    expect(await calls.next()).toBe('close 4000  true')
    expect(socket.readyState).toBe(3)
    expect(await peer.closed).toMatchObject({ code: 4000, reason: 'enough' })
  })

  it('takes subprotocols as the second argument, as WebSocket does', async () => {
    const { opened, url } = await start({ protocols: (offered) => offered.at(-1) })
    vi.stubGlobal('WebSocket', WebSocket)
    onTestFinished(() => void vi.unstubAllGlobals())
    for (const protocols of ['a', ['b', 'a']]) {
      const socket = new ReconnectingWebSocket(url, protocols)
      expect((await opened.next()).protocol).toBe('a')
      socket.close()
    }
  })

  it('takes a URL object, and subprotocols beside it', async () => {
    const { opened, url } = await start({ protocols: (offered) => offered.at(-1) })
    const client = new Client(new URL(`${url}/room?7`), { protocols: ['a', 'b'] })
    await client.until('open')
    expect([client.socket.url, client.socket.protocol]).toEqual([`${url}/room?7`, 'b'])
    new Client({ url: new URL(url), protocols: 'c' }, { protocols: ['a', 'b'] })
    await opened.next()
    expect((await opened.next()).protocol).toBe('c')
  })

  it.each(['', 'nonsense', 'ftp://localhost', 'ws://'])('throws for the URL %o', (url) => {
    expect(() => new ReconnectingWebSocket(url, { WebSocket })).toThrow(
      expect.objectContaining({ name: 'SyntaxError' }),
    )
  })

  it('throws for a close that cannot be', async () => {
    const { socket } = new Client(await nowhere())
    for (const code of [0, 1001, 2999, 5000, Number.NaN]) {
      expect(() => socket.close(code)).toThrow(expect.objectContaining({ name: 'InvalidAccessError' }))
    }
    expect(() => socket.close(1000, 'é'.repeat(62))).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
    expect(socket.readyState).toBe(0)
  })
})

describe('a connection that is lost', () => {
  it('comes back after a wait', async () => {
    const { url, opened } = await start()
    const client = new Client(url)
    expect(await client.until('open')).toMatchObject({ retry: 0, delay: 0, end: undefined })
    const peer = await opened.next()
    peer.terminate()
    const end = { code: 1006, reason: '', wasClean: false, cause: 'close', failures: 1 }
    expect(await client.until('waiting')).toMatchObject({ retry: 1, delay: 1_000, end })
    expect([client.socket.readyState, client.socket.state]).toEqual([0, 'waiting'])
    client.clock.advance(999)
    expect(client.socket.state).toBe('waiting')
    client.clock.advance(1)
    expect(await client.until('open')).toMatchObject({ retry: 1, end })
    client.socket.send('echo back')
    expect(await client.messages.next()).toBe('back')
    expect(client.path).toBe('open waiting connecting open')
    expect(client.closes.all).toEqual([])
  })

  it('is waited for longer and longer', async () => {
    const client = new Client(await nowhere(), { maxDelay: 5_000 })
    const delays: number[] = []
    for (let retry = 1; retry <= 5; retry++) {
      const event = await client.until('waiting')
      expect(event.retry).toBe(retry)
      delays.push(event.delay)
      client.retry()
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
  })

  it('counts from the beginning only after one that was healthy', async () => {
    const { url, opened } = await start()
    const client = new Client(url, { healthyAfter: 100 })
    const retries: number[] = []
    for (const life of [99, 99, 100, 99]) {
      await client.until('open')
      client.clock.advance(life)
      ;(await opened.next()).terminate()
      retries.push((await client.until('waiting')).retry)
      client.retry()
    }
    expect(retries).toEqual([1, 2, 1, 2])
  })

  it('is waited for longer and longer after a healthy one as well', async () => {
    const { server, url } = await start()
    const client = new Client(url)
    await client.until('open')
    client.clock.advance(60_000)
    await server.close()
    const retries: number[] = []
    for (let count = 0; count < 3; count++) {
      retries.push((await client.until('waiting')).retry)
      client.retry()
    }
    expect(retries).toEqual([1, 2, 3])
  })

  it('is given up after so many retries', async () => {
    const client = new Client(await nowhere(), { maxRetries: 2 })
    for (let retry = 1; retry <= 2; retry++) {
      await client.until('waiting')
      client.retry()
    }
    expect(await client.closes.next()).toMatchObject({ code: 1006, cause: 'max-retries', wasClean: false })
    expect(client.socket.readyState).toBe(3)
    expect(client.clock.timers).toEqual([])
    expect(client.path).toBe('waiting connecting waiting connecting closed')
    expect(String(client.errors.all[0]?.error)).toContain('ECONNREFUSED')
  })

  it('is not waited for when it does not open in time', async () => {
    const client = new Client(await silence(), { connectTimeout: 5_000 })
    client.clock.advance(4_999)
    expect(client.path).toBe('')
    client.clock.advance(1)
    expect(await client.until('waiting')).toMatchObject({ end: { code: 1006, cause: 'connect-timeout' } })
    expect(client.errors.all.map(({ error }) => String(error))).toEqual(['Error: connect-timeout'])
    expect(client.clock.timers).toEqual([1_000])
  })
})

describe('the end of all', () => {
  it('is a final code, told once', async () => {
    const { url, opened } = await start()
    const client = new Client(url)
    ;(await opened.next()).close(4401, 'sign in')
    expect(await client.closes.next()).toMatchObject({ code: 4401, reason: 'sign in', wasClean: true, cause: 'final' })
    expect(client.path).toBe('open closed')
    expect(client.clock.timers).toEqual([])
  })

  it('is what isFinal says it is', async () => {
    const { url, opened } = await start()
    const client = new Client(url, { isFinal: ({ code, failures }) => code === 4401 && failures > 1 })
    ;(await opened.next()).close(1000)
    await client.until('waiting')
    client.retry()
    ;(await opened.next()).close(4401)
    expect(await client.closes.next()).toMatchObject({ code: 4401, cause: 'final' })
  })

  it('is not what isFinal throws for', async () => {
    const { url, opened } = await start()
    const failure = new Error('my mistake')
    const client = new Client(url, {
      isFinal() {
        throw failure
      },
    })
    ;(await opened.next()).close(1000)
    await client.until('waiting')
    expect(client.errors.all.map(({ error }) => error)).toEqual([failure])
  })

  it('is a subprotocol that cannot be, since it will not get better', async () => {
    const client = new Client(await nowhere(), { protocols: ['a', 'a'] })
    expect(await client.closes.next()).toMatchObject({ code: 1006, cause: 'final' })
    expect(client.errors.all.map(({ error }) => String(error))).toEqual([expect.stringContaining('SyntaxError')])
    expect(client.clock.timers).toEqual([])
  })
})

describe('a function that says where to connect to', () => {
  it('is asked for each attempt', async () => {
    const { url, opened } = await start({ protocols: (offered) => offered[0] })
    const attempts: number[] = []
    const client = new Client(({ retry }) => {
      attempts.push(retry)
      return retry === 0
        ? url
        : Promise.resolve({ url: new URL(`${url}/?token=${retry}`), protocols: `token-${retry}` })
    })
    expect(client.socket.url).toBe('')
    ;(await opened.next()).terminate()
    await client.until('waiting')
    client.retry()
    expect((await opened.next()).protocol).toBe('token-1')
    expect(client.socket.url).toBe(`${url}/?token=1`)
    expect(attempts).toEqual([0, 1])
  })

  it('may fail, as an attempt that failed', async () => {
    const { url } = await start()
    const failures = [
      () => {
        throw new Error('at once')
      },
      () => Promise.reject(new Error('later')),
      () => 'nonsense',
      () => ({ url, protocols: ['not a token'] }),
    ]
    const client = new Client(({ retry }) => (failures[retry] ?? (() => url))())
    for (let retry = 1; retry <= failures.length; retry++) {
      expect(await client.until('waiting')).toMatchObject({ retry, end: { code: 1006, cause: 'target' } })
      client.retry()
    }
    await client.until('open')
    expect(client.errors.all.map(({ error }) => String(error))).toEqual([
      'Error: at once',
      'Error: later',
      expect.stringContaining('SyntaxError'),
      expect.stringContaining('SyntaxError'),
    ])
  })

  it('is told when nobody waits for it, and then not listened to', async () => {
    const { url, opened } = await start()
    const asked = new Mailbox<Attempt>()
    const answers: ((url: string) => void)[] = []
    const client = new Client((attempt) => {
      asked.put(attempt)
      return new Promise<string>((resolve) => answers.push(resolve))
    })
    const first = await asked.next()
    client.clock.advance(10_000)
    expect(await client.until('waiting')).toMatchObject({ end: { cause: 'connect-timeout' } })
    expect(first.signal.aborted).toBe(true)
    client.retry()
    const second = await asked.next()
    answers[0]?.(`${url}/late`)
    answers[1]?.(`${url}/in-time`)
    await opened.next()
    await client.until('open')
    expect(client.socket.url).toBe(`${url}/in-time`)
    expect(second.signal.aborted).toBe(false)
    expect(client.path).toBe('waiting connecting open')
  })
})

describe('what is sent without a connection', () => {
  it('waits, and comes after what is said when it opens', async () => {
    const { url, received } = await start()
    const client = new Client(url)
    client.socket.onopen = () => client.socket.send('I am Ada')
    client.socket.send('one')
    client.socket.send(new TextEncoder().encode('2'))
    expect(client.socket.bufferedAmount).toBe(4)
    expect((await received.take(3)).map((data) => Buffer.from(data).toString())).toEqual(['I am Ada', 'one', '2'])
    expect(client.socket.bufferedAmount).toBe(0)
  })

  it('waits as well when the platform is closing what has not ended yet', async () => {
    const { url, opened, received } = await start()
    const made: WebSocket[] = []
    class Watched extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        made.push(this)
      }
    }
    const client = new Client(url, { WebSocket: Watched })
    await client.until('open')
    Object.defineProperty(made[0], 'readyState', { value: WebSocket.CLOSING })
    client.socket.send('kept')
    ;(await opened.next()).terminate()
    await client.until('waiting')
    client.retry()
    expect(await received.next()).toBe('kept')
  })

  it('is dropped beyond the bounds, which is told', async () => {
    const client = new Client(await nowhere(), { queue: { maxMessages: 2, overflow: 'drop-oldest' } })
    for (const message of ['a', 'b', 'c']) client.socket.send(message)
    expect(client.dropped.all).toMatchObject([{ messages: ['a'], cause: 'overflow' }])
    client.socket.close()
    await client.until('closed')
    client.socket.send('d')
    expect(client.dropped.all.slice(1)).toMatchObject([
      { messages: ['b', 'c'], cause: 'closed' },
      { messages: ['d'], cause: 'closed' },
    ])
  })

  it('is refused by default', async () => {
    const { socket } = new Client(await nowhere(), { queue: { maxMessages: 0 } })
    expect(() => socket.send('a')).toThrow(expect.objectContaining({ name: 'QuotaExceededError' }))
  })
})

describe('close', () => {
  it('ends a wait, and leaves no timer', async () => {
    const client = new Client(await nowhere())
    await client.until('waiting')
    client.socket.close()
    expect([client.socket.state, client.clock.timers]).toEqual(['closing', []])
    expect(await client.closes.next()).toMatchObject({ code: 1006, wasClean: false, cause: 'local-close' })
    expect(client.path).toBe('waiting closing closed')
    client.socket.close()
    await Promise.resolve()
    expect(client.closes.all).toHaveLength(1)
  })

  it('ends an attempt, without an error', async () => {
    const client = new Client(await silence())
    client.socket.close()
    expect(await client.closes.next()).toMatchObject({ code: 1006, cause: 'local-close' })
    expect([client.errors.all, client.clock.timers]).toEqual([[], []])
  })

  it('ends the question where to connect to', async () => {
    const asked = new Mailbox<Attempt>()
    const client = new Client((attempt) => {
      asked.put(attempt)
      return new Promise(() => {})
    })
    const { signal } = await asked.next()
    client.socket.close()
    expect(signal.aborted).toBe(true)
    expect(await client.closes.next()).toMatchObject({ cause: 'local-close' })
  })

  it('delivers nothing any more, as WebSocket has it, not even answers to the heartbeat', async () => {
    const { url, opened } = await start()
    const client = new Client(url, { heartbeat: true })
    await client.until('open')
    const peer = await opened.next()
    peer.send('late')
    peer.send('pong')
    client.socket.close()
    await client.closes.next()
    expect(client.messages.all).toEqual([])
  })

  it('holds when the platform opens it all the same', async () => {
    const made: EventTarget[] = []
    class LateWebSocket extends EventTarget {
      binaryType = 'blob'
      readonly readyState = 1
      readonly bufferedAmount = 0
      readonly extensions = ''
      readonly protocol = ''
      send() {}
      // "Open" was on its way already.
      close() {
        this.dispatchEvent(new Event('open'))
        this.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }))
      }
      constructor() {
        super()
        made.push(this)
      }
    }
    const client = new Client('ws://localhost', { WebSocket: LateWebSocket })
    await Promise.resolve()
    expect(made).toHaveLength(1)
    client.socket.close()
    expect([client.path, client.clock.timers]).toEqual(['closing closed', []])
  })

  it('may come from a listener, whatever that is told of', async () => {
    const { url, opened } = await start()
    const client = new Client(url, { connectTimeout: 1_000 })
    client.socket.addEventListener('state', ({ state }) => state === 'open' && client.socket.close())
    expect(await client.closes.next()).toMatchObject({ code: 1005, cause: 'local-close' })
    await (await opened.next()).closed
    const other = new Client(await silence(), { connectTimeout: 1_000 })
    other.socket.onerror = () => other.socket.close()
    other.clock.advance(1_000)
    expect(await other.closes.next()).toMatchObject({ cause: 'local-close' })
    expect([other.path, other.clock.timers]).toEqual(['closing closed', []])
  })

  it('is what a signal and `using` come to', async () => {
    const { url } = await start()
    const controller = new AbortController()
    const client = new Client(url, { signal: controller.signal })
    await client.until('open')
    controller.abort(new Error('left'))
    expect(await client.closes.next()).toMatchObject({ code: 1005, wasClean: true, cause: 'local-close' })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(() => client.socket.reconnect()).toThrow('left')
    expect(() => new Client(url, { signal: controller.signal })).toThrow('left')

    const disposed = new Client(url)
    disposed.socket[Symbol.dispose]()
    expect(await disposed.closes.next()).toMatchObject({ cause: 'local-close' })
  })
})

describe('reconnect', () => {
  it('ends a wait, and counts from the beginning', async () => {
    const client = new Client(await nowhere())
    await client.until('waiting')
    client.retry()
    expect(await client.until('waiting')).toMatchObject({ retry: 2 })
    client.socket.reconnect()
    expect(await client.until('connecting')).toMatchObject({ retry: 0 })
    expect(await client.until('waiting')).toMatchObject({ retry: 1, delay: 1_000 })
    expect(client.clock.timers).toEqual([1_000])
  })

  it('takes another connection for the one that there is', async () => {
    const { url, opened } = await start()
    const client = new Client(url)
    const first = await opened.next()
    await client.until('open')
    client.socket.reconnect()
    const second = await opened.next()
    await client.until('open')
    expect(await first.closed).toMatchObject({ code: 1000, reason: 'reconnect' })
    second.send('hello')
    expect(await client.messages.next()).toBe('hello')
    expect(client.path).toBe('open connecting open')
  })

  it('brings back what was closed', async () => {
    const { url, opened } = await start()
    const client = new Client(url)
    ;(await opened.next()).close(1000)
    await client.closes.next()
    client.socket.reconnect()
    await client.until('open')
    client.socket.close()
    client.socket.reconnect()
    await client.until('open')
    expect(client.closes.all).toHaveLength(1)
  })

  it('takes back a close that came while it waited', async () => {
    const { url, opened } = await start()
    const client = new Client(url)
    ;(await opened.next()).terminate()
    await client.until('waiting')
    client.socket.close()
    client.socket.reconnect()
    await client.until('open')
    expect(client.path).toBe('open waiting closing connecting open')
    expect(client.closes.all).toEqual([])
  })
})

describe('the heartbeat', () => {
  it('is answered by a server with autoResponse, and not delivered', async () => {
    const asked = new Mailbox<unknown>()
    const { url, received } = await start({
      autoResponse(message) {
        if (message !== 'ping') return undefined
        asked.put(message)
        return 'pong'
      },
    })
    const client = new Client(url, { heartbeat: { interval: 1_000, timeout: 500 } })
    await client.until('open')
    client.clock.advance(1_000)
    await asked.next()
    client.socket.send('echo hello')
    expect(await client.messages.next()).toBe('hello')
    client.clock.advance(1_499)
    expect(client.socket.state).toBe('open')
    expect([client.messages.all, received.all]).toEqual([['hello'], ['echo hello']])
  })

  it('lets go of a connection that does not answer', async () => {
    const { url, opened } = await start()
    const client = new Client(url, { heartbeat: { interval: 1_000, timeout: 500 } })
    await client.until('open')
    client.clock.advance(1_500)
    expect(await client.until('waiting')).toMatchObject({ retry: 1, end: { code: 1006, cause: 'heartbeat' } })
    expect(await (await opened.next()).closed).toMatchObject({ code: 3008, reason: 'heartbeat' })
    expect(client.clock.timers).toEqual([1_000])
  })
})

it('tells what happens by events of its own', () => {
  expect(new StateEvent('open', 0, 0, undefined)).toBeInstanceOf(Event)
  expect(new FailureEvent(1).type).toBe('error')
})
