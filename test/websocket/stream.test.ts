import type { Socket } from 'node:net'
import type { ServerSocket } from 'heartwire'
import { WebSocketError, WebSocketStream } from 'heartwire/websocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { closeFrame, handshakeServer, text, thrown } from './support.ts'

/** What a promise rejects with: the class and the fields of a WebSocketError, or the name of anything else. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    if (error instanceof WebSocketError) return ['WebSocketError', error.closeCode, error.reason]
    return error instanceof DOMException ? error.name : error
  }
  return 'nothing'
}

/** A stream that is open, its reader and its writer, and the other end. */
async function pair(protocols: string[] = []) {
  const peers = new Mailbox<ServerSocket<undefined>>()
  const got = new Mailbox<string | Uint8Array>()
  const ended = new Mailbox<[number, string]>()
  const { url } = await serve({
    protocols,
    maxPayload: 2 ** 26,
    maxBuffered: 2 ** 28,
    open: peers.put,
    message: (_socket, message) => got.put(message),
    close: (_socket, { code, reason }) => ended.put([code, reason]),
  })
  const stream = new WebSocketStream(url, { protocols })
  onTestFinished(() => stream.close())
  const { readable, writable, protocol, extensions } = await stream.opened
  return {
    url,
    stream,
    reader: readable.getReader(),
    writer: writable.getWriter(),
    protocol,
    extensions,
    peer: await peers.next(),
    got,
    ended,
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

describe('a WebSocketStream', () => {
  it('reads and writes messages', async () => {
    const { url, stream, reader, writer, protocol, extensions, peer, got } = await pair(['chat'])
    expect([stream.url, protocol, extensions]).toEqual([`${url}/`, 'chat', ''])
    peer.send('text')
    peer.send(new Uint8Array([1, 2]))
    expect(await reader.read()).toEqual({ done: false, value: 'text' })
    const { value } = await reader.read()
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
    expect([...(value as Uint8Array)]).toEqual([1, 2])
    await writer.write('text \ud800')
    await writer.write(new Uint8Array([3]))
    await writer.write(new Uint8Array([4, 5]).buffer)
    await writer.write(new DataView(new Uint8Array([6, 7]).buffer, 1))
    const [first, ...bytes] = await got.take(4)
    expect([first, ...bytes.map((each) => [...(each as Uint8Array)])]).toEqual(['text \ufffd', [3], [4, 5], [7]])
  })

  it('gives the same promises each time', async () => {
    const { stream } = await pair()
    const { opened, closed } = stream
    expect(stream.opened).toBe(opened)
    expect(stream.closed).toBe(closed)
  })

  it('closes: what was sent goes out before, and both streams end', async () => {
    const { stream, reader, writer, got, ended } = await pair()
    void writer.write('last')
    stream.close({ closeCode: 3000, reason: 'done' })
    expect(await stream.closed).toEqual({ closeCode: 3000, reason: '' })
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(await rejection(writer.closed)).toBe('InvalidStateError')
    expect(got.all).toEqual(['last'])
    expect(await ended.next()).toEqual([3000, 'done'])
    stream.close()
  })

  it('ends with what the peer says, and what came before can be read', async () => {
    const { stream, reader, peer } = await pair()
    for (const message of ['1', '2', '3']) peer.send(message)
    peer.close(4001, 'bye')
    expect(await stream.closed).toEqual({ closeCode: 4001, reason: 'bye' })
    const read: unknown[] = []
    for (let i = 0; i < 4; i++) read.push((await reader.read()).value)
    expect(read).toEqual(['1', '2', '3', undefined])
  })

  it.each<[string, object | undefined, [number, string]]>([
    ['nothing', undefined, [1005, '']],
    ['an empty object', {}, [1005, '']],
    ['a code', { closeCode: 1000 }, [1000, '']],
    ['a reason', { reason: 'why' }, [1000, 'why']],
    ['both', { closeCode: '3000', reason: 7 }, [3000, '7']],
  ])('close takes %s', async (_what, info, end) => {
    const { stream, ended } = await pair()
    stream.close(info)
    expect(await ended.next()).toEqual(end)
  })

  it.each<[object | number, string]>([
    [{ closeCode: 1001 }, 'DOMException InvalidAccessError'],
    [{ closeCode: 0 }, 'DOMException InvalidAccessError'],
    [{ closeCode: -1 }, 'TypeError'],
    [{ closeCode: 70_000 }, 'TypeError'],
    [{ closeCode: 'x' }, 'TypeError'],
    [{ closeCode: 1000, reason: 'x'.repeat(124) }, 'DOMException SyntaxError'],
    [7, 'TypeError'],
  ])('close refuses %j', async (info, error) => {
    const { stream, writer, got } = await pair()
    expect(thrown(() => stream.close(info as object))).toBe(error)
    await writer.write('still open')
    expect(await got.next()).toBe('still open')
  })

  it('is closed by its writer, which waits for the end', async () => {
    const { stream, reader, writer, got, ended } = await pair()
    void writer.write('last')
    await writer.close()
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: '' })
    expect(await writer.closed).toBe(undefined)
    expect([got.all, await ended.next()]).toEqual([['last'], [1005, '']])
    expect((await reader.read()).done).toBe(true)
  })

  it.each<[string, unknown, [number, string]]>([
    ['anything', new Error('why'), [1005, '']],
    ['a WebSocketError', new WebSocketError('no', { closeCode: 3001, reason: 'why' }), [3001, 'why']],
    ['one with a reason alone', new WebSocketError('no', { reason: 'why' }), [1000, 'why']],
    ['one without', new WebSocketError('no'), [1005, '']],
  ])('is closed by its writer, and by its reader, for %s', async (_what, reason, end) => {
    for (const side of ['writer', 'reader'] as const) {
      const { stream, ended, ...sides } = await pair()
      if (side === 'writer') await sides.writer.abort(reason)
      else await sides.reader.cancel(reason)
      expect([await ended.next(), (await stream.closed).closeCode]).toEqual([end, end[0]])
    }
  })

  it('rejects and errors when the connection is lost', async () => {
    const { stream, reader, writer, peer } = await pair()
    const reading = reader.read()
    peer.terminate()
    const lost = ['WebSocketError', 1006, '']
    expect(await rejection(stream.closed)).toEqual(lost)
    expect(await rejection(reading)).toEqual(lost)
    expect(await rejection(writer.closed)).toEqual(lost)
    expect(await rejection(writer.write('x'))).toEqual(lost)
  })

  it('refuses chunks that cannot be sent', async () => {
    const { writer } = await pair()
    expect(await rejection(writer.write(Symbol('x') as unknown as string))).toBeInstanceOf(TypeError)
  })
})

describe('backpressure', () => {
  it('holds back a peer whose messages nobody reads', async () => {
    const { reader, peer } = await pair()
    const message = new Uint8Array(1_000_000)
    let sent = 0
    // Until the kernel holds what nobody reads.
    while (peer.bufferedAmount < 10_000_000) {
      peer.send(message)
      sent++
      await nextTurn()
    }
    const held = peer.bufferedAmount
    await nextTurn()
    expect(peer.bufferedAmount).toBe(held)
    peer.close(1000)
    let read = 0
    while (!(await reader.read()).done) read++
    expect(read).toBe(sent)
  })

  it('makes a writer wait for a peer that does not read', async () => {
    const peers = new Mailbox<Socket>()
    const { url } = await handshakeServer((socket) => peers.put(socket))
    const stream = new WebSocketStream(url, { compression: 'off' })
    const { writable } = await stream.opened
    const writer = writable.getWriter()
    const peer = await peers.next()
    await nextTurn()
    peer.pause()
    let written = 0
    let waiting: Promise<void> | undefined
    while (waiting === undefined && written < 100) {
      const write = writer.write(new Uint8Array(1_000_000))
      const first = await Promise.race([
        write.then(() => true),
        nextTurn()
          .then(nextTurn)
          .then(() => false),
      ])
      if (first) written++
      else waiting = write
    }
    expect([writer.desiredSize, written < 100]).toEqual([0, true])
    peer.resume()
    await waiting
    expect(writer.desiredSize).toBe(1)
    stream.close()
    peer.end(closeFrame(1000))
    expect((await stream.closed).closeCode).toBe(1000)
  })

  it('does not keep a writer from giving up', async () => {
    const peers = new Mailbox<Socket>()
    const { url } = await handshakeServer((socket) => peers.put(socket))
    const stream = new WebSocketStream(url, { compression: 'off', closeTimeout: 20 })
    const { writable } = await stream.opened
    const writer = writable.getWriter()
    const peer = await peers.next()
    await nextTurn()
    peer.pause()
    const writing = rejection(writer.write(new Uint8Array(20_000_000)))
    await nextTurn()
    const aborted = writer.abort(new Error('enough'))
    expect(await writing).toMatchObject({ message: 'enough' })
    await aborted
    peer.once('end', () => peer.end()).resume()
    expect(await rejection(stream.closed)).toEqual(['WebSocketError', 1006, ''])
  })
})

describe('what does not open', () => {
  it.each<[string, unknown[], string]>([
    ['no URL', [], 'TypeError'],
    ['a bad URL', ['x'], 'DOMException SyntaxError'],
    ['a fragment', ['ws://127.0.0.1:9/#'], 'DOMException SyntaxError'],
    ['a bad subprotocol', ['ws://127.0.0.1:9', { protocols: ['a b'] }], 'DOMException SyntaxError'],
    ['one twice', ['ws://127.0.0.1:9', { protocols: ['a', 'a'] }], 'DOMException SyntaxError'],
    ['a string of them', ['ws://127.0.0.1:9', { protocols: 'a' }], 'TypeError'],
    ['options that are none', ['ws://127.0.0.1:9', 'a'], 'TypeError'],
    ['a signal that is none', ['ws://127.0.0.1:9', { signal: {} }], 'TypeError'],
    ['an option that there is not', ['ws://127.0.0.1:9', { header: {} }], 'ArgumentError'],
  ])('%s throws', (_what, given, error) => {
    expect(thrown(() => Reflect.construct(WebSocketStream, given))).toBe(error)
  })

  it('rejects with a WebSocketError that has its cause', async () => {
    const stream = new WebSocketStream('ws://127.0.0.1:9')
    expect(await rejection(stream.opened)).toEqual(['WebSocketError', null, ''])
    const error = await stream.closed.catch((error: unknown) => error)
    expect(error).toMatchObject({
      name: 'WebSocketError',
      message: 'Nothing listens at 127.0.0.1:9.',
      cause: { code: 'CONNECT_FAILED' },
    })
  })

  it('rejects when it is closed before', async () => {
    const { url } = await serve({ open: () => {} })
    const stream = new WebSocketStream(url)
    stream.close({ closeCode: 3000 })
    expect(await rejection(stream.opened)).toEqual(['WebSocketError', null, ''])
    expect(await rejection(stream.closed)).toEqual(['WebSocketError', 1006, ''])
  })

  it('rejects with the reason of its signal', async () => {
    const { url } = await serve({ open: () => {} })
    for (const when of ['before', 'during'] as const) {
      const given = new AbortController()
      const reason = new Error('enough')
      if (when === 'before') given.abort(reason)
      const stream = new WebSocketStream(url, { signal: given.signal })
      if (when === 'during') given.abort(reason)
      expect([await rejection(stream.opened), await rejection(stream.closed)]).toEqual([reason, reason])
    }
  })

  it('does not heed its signal once it is open', async () => {
    const { url } = await handshakeServer((socket) => socket.write(text('hello')))
    const given = new AbortController()
    const stream = new WebSocketStream(url, { signal: given.signal })
    const { readable } = await stream.opened
    given.abort()
    expect((await readable.getReader().read()).value).toBe('hello')
  })
})

describe('WebSocketError', () => {
  it.each<[unknown[], [string, number | null, string]]>([
    [[], ['', null, '']],
    [['words'], ['words', null, '']],
    [
      ['words', {}],
      ['words', null, ''],
    ],
    [
      ['words', { closeCode: 3000 }],
      ['words', 3000, ''],
    ],
    [
      ['words', { reason: 'why' }],
      ['words', 1000, 'why'],
    ],
    [
      ['words', { closeCode: 1000, reason: 'why' }],
      ['words', 1000, 'why'],
    ],
  ])('of %j', (given, [message, closeCode, reason]) => {
    const error = Reflect.construct(WebSocketError, given) as WebSocketError
    expect([error.name, error.code, error.message, error.closeCode, error.reason]).toEqual([
      'WebSocketError',
      0,
      message,
      closeCode,
      reason,
    ])
    expect([error instanceof DOMException, error instanceof Error]).toEqual([true, true])
  })

  it.each<[object, string]>([
    [{ closeCode: 1001 }, 'DOMException InvalidAccessError'],
    [{ closeCode: 70_000 }, 'TypeError'],
    [{ reason: 'x'.repeat(124) }, 'DOMException SyntaxError'],
  ])('refuses %j', (init, error) => {
    expect(thrown(() => new WebSocketError('', init))).toBe(error)
  })
})
