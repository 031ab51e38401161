import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { WebSocket } from 'heartwire/websocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { closeFrame, handshakeServer, logOf, next, open, text, thrown } from './support.ts'

/** An open WebSocket, and how its server's connections end. */
async function closing(): Promise<{ socket: WebSocket; ended: Mailbox<[number, string]> }> {
  const ended = new Mailbox<[number, string]>()
  const { url } = await serve({ close: (_socket, { code, reason }) => ended.put([code, reason]) })
  return { socket: await open(url), ended }
}

describe('close', () => {
  it.each<[string, unknown[], number, string]>([
    ['nothing', [], 1005, ''],
    ['undefined', [undefined], 1005, ''],
    ['undefined twice', [undefined, undefined], 1005, ''],
    ['a code', [1000], 1000, ''],
    ['a code of the application', [4999], 4999, ''],
    ['a code and a reason', [3000, 'why \u20ac'], 3000, 'why \u20ac'],
    ['a reason alone, which is sent with 1000', [undefined, 'why'], 1000, 'why'],
    ['an empty reason alone', [undefined, ''], 1005, ''],
    ['a string of a number', ['3001'], 3001, ''],
    ['a number that is rounded', [2999.6], 3000, ''],
    ['half a number, to the even one', [3000.5], 3000, ''],
    ['half a number, to the even one above', [3001.5], 3002, ''],
    ['a reason that is no string', [1000, 7], 1000, '7'],
    ['a reason that is null', [1000, null], 1000, 'null'],
    ['half a surrogate pair', [1000, '\ud800'], 1000, '\ufffd'],
    ['123 bytes', [1000, '\u20ac'.repeat(41)], 1000, '\u20ac'.repeat(41)],
  ])('with %s', async (_what, given, code, reason) => {
    const { socket, ended } = await closing()
    const log = logOf(socket)
    Reflect.apply(socket.close, socket, given)
    expect(socket.readyState).toBe(2)
    await next(socket, 'close')
    expect(log.all).toEqual([['close', 3, code, '', true]])
    expect(await ended.next()).toEqual([code, reason])
  })

  it.each<[string, unknown[], string]>([
    ['0', [0], 'DOMException InvalidAccessError'],
    ['999', [999], 'DOMException InvalidAccessError'],
    ['1001', [1001], 'DOMException InvalidAccessError'],
    ['1005', [1005], 'DOMException InvalidAccessError'],
    ['1006', [1006], 'DOMException InvalidAccessError'],
    ['2999', [2999], 'DOMException InvalidAccessError'],
    ['2999.5 - 1', [2999.5 - 1], 'DOMException InvalidAccessError'],
    ['5000', [5000], 'DOMException InvalidAccessError'],
    ['-1', [-1], 'DOMException InvalidAccessError'],
    ['65536 + 1000', [65536 + 1000], 'DOMException InvalidAccessError'],
    ['null', [null], 'DOMException InvalidAccessError'],
    ['code', ['code'], 'DOMException InvalidAccessError'],
    ['NaN', [Number.NaN], 'DOMException InvalidAccessError'],
    ['Number.POSITIVE_INFINITY', [Number.POSITIVE_INFINITY], 'DOMException InvalidAccessError'],
    ['{}', [{}], 'DOMException InvalidAccessError'],
    ['1001, x.repeat(124)', [1001, 'x'.repeat(124)], 'DOMException InvalidAccessError'],
    ['1000, x.repeat(124)', [1000, 'x'.repeat(124)], 'DOMException SyntaxError'],
    ['1000, €.repeat(42)', [1000, '\u20ac'.repeat(42)], 'DOMException SyntaxError'],
    ['undefined, x.repeat(124)', [undefined, 'x'.repeat(124)], 'DOMException SyntaxError'],
    ['Symbol(code)', [Symbol('code')], 'TypeError'],
    ['1000n', [1000n], 'TypeError'],
    ['1000, Symbol(reason)', [1000, Symbol('reason')], 'TypeError'],
  ])('refuses %s in every state, and changes nothing', async (_what, given, error) => {
    const { url } = await serve({ open: () => {} })
    const socket = new WebSocket(url)
    const close = () => thrown(() => Reflect.apply(socket.close, socket, given))
    const errors = [close()]
    await next(socket, 'open')
    errors.push(close())
    expect(socket.readyState).toBe(1)
    socket.close()
    errors.push(close())
    await next(socket, 'close')
    errors.push(close())
    expect(errors).toEqual([error, error, error, error])
  })

  it('fails a connection that is not open yet', async () => {
    const { url } = await serve({ open: () => {} })
    const socket = new WebSocket(url)
    const log = logOf(socket)
    socket.close(1000, 'never mind')
    expect([socket.readyState, log.all]).toEqual([2, []])
    socket.close(3000)
    expect(await next(socket, 'error')).toMatchObject({ error: { name: 'AbortError' } })
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
    expect(thrown(() => socket.send('x'))).toBe('nothing')
    expect(socket.bufferedAmount).toBe(1)
  })

  it('fails one of which nobody has heard yet that it is open', async () => {
    const { url } = await handshakeServer((peer) => peer.write(text('hello')))
    const socket = new WebSocket(url)
    const log = logOf(socket)
    const opened = () => process.nextTick(() => socket.close())
    subscribe('heartwire.open', opened)
    onTestFinished(() => void unsubscribe('heartwire.open', opened))
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
  })

  it('does nothing a second time', async () => {
    const { socket, ended } = await closing()
    const log = logOf(socket)
    socket.close(3000, 'first')
    socket.close(3001, 'second')
    await next(socket, 'close')
    socket.close(3002)
    expect([socket.readyState, log.all, await ended.next()]).toEqual([
      3,
      [['close', 3, 3000, '', true]],
      [3000, 'first'],
    ])
  })

  it('may be called by any listener', async () => {
    const { url } = await serve({ open: (socket) => void socket.send('hello') })
    const socket = new WebSocket(url)
    const log = logOf(socket)
    for (const type of ['open', 'message', 'close']) socket.addEventListener(type, () => socket.close(1000))
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['open', 1],
      ['close', 3, 1000, '', true],
    ])
  })

  it('is answered by the peer with whatever that says', async () => {
    const { url } = await handshakeServer((peer) => void peer.once('data', () => peer.end(closeFrame(4321, 'my own'))))
    const socket = await open(url)
    const log = logOf(socket)
    socket.close(1000)
    await next(socket, 'close')
    expect(log.all).toEqual([['close', 3, 4321, 'my own', true]])
  })

  it('fails when the peer does not answer', async () => {
    const { url } = await handshakeServer(() => {})
    const socket = await open(url, { closeTimeout: 20 })
    const log = logOf(socket)
    socket.close()
    expect(await next(socket, 'error')).toMatchObject({ error: { code: 'CLOSE_TIMEOUT' } })
    await next(socket, 'close')
    expect(log.all).toEqual([
      ['error', 3],
      ['close', 3, 1006, '', false],
    ])
  })
})

describe('readyState', () => {
  it('is CLOSING from the peer’s Close frame on, behind the messages before it', async () => {
    const { url } = await handshakeServer((peer) => {
      peer.write(Buffer.concat([text('last'), closeFrame(1000)]))
    })
    const socket = new WebSocket(url)
    const states: unknown[] = []
    socket.onopen = () => states.push('open', socket.readyState)
    await next(socket, 'message')
    states.push('message', socket.readyState)
    await new Promise((resolve) => setImmediate(resolve))
    states.push('then', socket.readyState)
    expect(states).toEqual(['open', 1, 'message', 1, 'then', 2])
    socket.send('to nobody')
    expect(socket.bufferedAmount).toBe(9)
    // The server ends the connection, which this one does not.
    const log = logOf(socket)
    socket.close(3000)
    expect([socket.readyState, log.all]).toEqual([2, []])
  })
})
