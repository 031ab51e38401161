import { setTimeout } from 'node:timers/promises'
import { ArgumentError, ConnectionClosedError, Opcode, TimeoutError } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsPair } from '../support/servers.ts'

const KiB = 1024

describe('receive', () => {
  test('gives the messages in order, those that came before as well', async () => {
    const { socket, client } = await wsPair()
    client.send('a')
    client.send(Buffer.from('b'))
    await setTimeout(20)
    client.send('c')
    expect(await socket.receive()).toBe('a')
    expect(await socket.receive()).toEqual(Buffer.from('b'))
    expect(await socket.receive()).toBe('c')
  })

  test('is first come, first served', async () => {
    const { socket, client } = await wsPair()
    const received = Promise.all([socket.receive(), socket.receive(), socket.receive()])
    for (const text of ['a', 'b', 'c']) client.send(text)
    expect(await received).toEqual(['a', 'b', 'c'])
  })

  test('gives up after its timeout, and nothing is lost', async () => {
    const { socket, client } = await wsPair()
    const before = performance.now()
    const error = await socket.receive({ timeout: 30 }).catch((error: unknown) => error)
    expect(performance.now() - before).toBeGreaterThanOrEqual(28)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ code: 'TIMEOUT', message: 'No message came within 30 ms.' })
    expect(socket.state).toBe('open')
    client.send('late')
    expect(await socket.receive({ timeout: 1000 })).toBe('late')
  })

  test("gives up with the signal's reason, and nothing is lost", async () => {
    const { socket, client } = await wsPair()
    const controller = new AbortController()
    const aborted = socket.receive({ signal: controller.signal })
    const other = socket.receive()
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    client.send('for the other')
    expect(await other).toBe('for the other')
    await expect(socket.receive({ signal: controller.signal })).rejects.toBe(reason)
  })

  test('gives a message that is there whatever the signal says; the timeout of one that came does nothing', async () => {
    const { socket, client } = await wsPair()
    client.send('a')
    expect(await socket.receive({ timeout: 10 })).toBe('a')
    client.send('b')
    await setTimeout(30)
    expect(await socket.receive({ signal: AbortSignal.abort() })).toBe('b')
  })

  test('leaves no timer and no listener behind', async () => {
    const { socket, client } = await wsPair()
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const controller = new AbortController()
    const received = socket.receive({ timeout: 60_000, signal: controller.signal })
    client.send('x')
    await received
    expect(timers()).toBe(before)
    controller.abort()
    client.send('y')
    expect(await socket.receive()).toBe('y')
  })

  test('rejects when none can come any more, after those that came', async () => {
    const { socket, client } = await wsPair()
    client.send('last')
    client.close(4000, 'bye')
    const info = await socket.closed
    expect(await socket.receive()).toBe('last')
    const error = await socket.receive().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect((error as ConnectionClosedError).info).toBe(info)
    expect((error as Error).message).toBe(
      'The connection is closed: received 4000 (application code) "bye", then sent 4000 (application code).',
    )
  })

  test('rejects for those who wait when the connection ends', async () => {
    const { socket, peer } = await rawPair()
    const waiting = [socket.receive(), socket.receive({ timeout: 60_000 })]
    peer.stream.resetAndDestroy()
    for (const received of waiting) await expect(received).rejects.toBeInstanceOf(ConnectionClosedError)
  })

  test('throws beside a message handler', async () => {
    const { socket } = await wsPair({ message() {} })
    const error = new ArgumentError(
      'This socket has a message handler: its messages cannot be read by receive or iteration as well.',
    )
    await expect(socket.receive()).rejects.toThrow(error)
    await expect(socket.receiveStream()).rejects.toThrow(error)
    await expect(socket[Symbol.asyncIterator]().next()).rejects.toThrow(error)
    expect(() => socket.duplex()).toThrow(error)
  })

  test('a message that came with the handshake', async () => {
    const { port, server } = await serve({ open() {} })
    await RawPeer.open(port, {}, undefined, masked(Opcode.Text, 'early'))
    const [socket] = server.sockets
    expect(await socket?.receive()).toBe('early')
  })
})

describe('iteration', () => {
  test('gives the messages, kept ones first, and ends with code 1000', async () => {
    const { socket, client } = await wsPair()
    for (const text of ['a', 'b', 'c']) client.send(text)
    await setTimeout(20)
    client.close(1000)
    const messages = []
    for await (const message of socket) messages.push(message)
    expect(messages).toEqual(['a', 'b', 'c'])
  })

  test('can be left, which leaves the connection open, and taken up again', async () => {
    const { socket, client } = await wsPair()
    for (const text of ['a', 'b', 'c']) client.send(text)
    for await (const message of socket) {
      expect(message).toBe('a')
      break
    }
    expect(socket.state).toBe('open')
    expect(await socket.receive()).toBe('b')
    for await (const message of socket) {
      expect(message).toBe('c')
      break
    }
    expect(socket.send('still open')).toBe('ok')
  })

  test.each([
    { by: 'the peer', code: 1000, ends: true },
    { by: 'the peer', code: 1001, ends: true },
    { by: 'the peer', code: 1011, ends: false },
    { by: 'the peer', code: 4000, ends: false },
    { by: 'this end', code: 1000, ends: true },
    { by: 'this end', code: 1001, ends: true },
    { by: 'this end', code: 4000, ends: false },
  ])('after close by $by with $code: ends normally: $ends', async ({ by, code, ends }) => {
    const { socket, peer } = await rawPair()
    const loop = (async () => {
      for await (const _message of socket);
    })()
    if (by === 'the peer') peer.sendClose(code)
    else socket.close(code)
    await peer.closeFrame()
    // The peer's own code does not matter when this end was first.
    if (by === 'this end') peer.sendClose(4999)
    peer.stream.end()
    if (ends) await loop
    else await expect(loop).rejects.toBeInstanceOf(ConnectionClosedError)
  })

  test.each(['reset', 'eof', 'terminate', 'no code'] as const)('throws after %s', async (end) => {
    const { socket, peer } = await rawPair()
    const loop = (async () => {
      for await (const _message of socket);
    })()
    if (end === 'reset') peer.stream.resetAndDestroy()
    else if (end === 'terminate') socket.terminate()
    else if (end === 'eof') peer.stream.end()
    else {
      peer.send(Opcode.Close)
      peer.stream.end()
    }
    await expect(loop).rejects.toBeInstanceOf(ConnectionClosedError)
  })

  test('that was not begun before the end gives what came', async () => {
    const { socket, client } = await wsPair()
    client.send('a')
    client.send('b')
    client.close(1000)
    await socket.closed
    const messages = []
    for await (const message of socket) messages.push(message)
    expect(messages).toEqual(['a', 'b'])
  })

  test('that takes its time holds the peer back, and loses nothing', async () => {
    const { socket, client } = await wsPair()
    const count = 400
    for (let i = 0; i < count; i++) client.send(Buffer.alloc(32 * KiB, i))
    await setTimeout(100)
    expect(client.bufferedAmount).toBeGreaterThan(KiB * KiB)
    client.close(1000)
    let index = 0
    for await (const message of socket) {
      expect(message[0]).toBe(index % 256)
      expect(message.length).toBe(32 * KiB)
      index++
    }
    expect(index).toBe(count)
    expect((await socket.closed).wasClean).toBe(true)
  })

  test('with nobody who reads ends by maxPause', async () => {
    const { socket, client } = await wsPair({ maxPause: 40 })
    for (let i = 0; i < 10; i++) client.send(Buffer.alloc(32 * KiB))
    expect(await socket.closed).toMatchObject({
      cause: 'pause-timeout',
      sent: 1011,
      error: {
        message:
          'Nothing was read for 40 ms (maxPause): its messages were not read: nobody reads them, or whoever does was busy (there is no message handler).',
      },
    })
    // What was kept is still there.
    expect(await socket.receive()).toHaveLength(32 * KiB)
  })

  test('tiny messages are bounded as well', async () => {
    const { socket, peer } = await rawPair()
    const frame = masked(Opcode.Text, '')
    const frames = Buffer.concat(new Array(5000).fill(frame))
    peer.write(frames)
    await setTimeout(50)
    peer.sendClose(1000)
    peer.stream.end()
    let count = 0
    for await (const message of socket) {
      expect(message).toBe('')
      count++
    }
    expect(count).toBe(5000)
  })

  test('keeps what had come when the peer ended without a Close frame', async () => {
    const { socket, peer } = await rawPair()
    for (let i = 0; i < 10; i++) peer.send(Opcode.Binary, Buffer.alloc(32 * KiB, i))
    peer.stream.end()
    await setTimeout(50)
    const seen: (number | undefined | string)[] = []
    const loop = (async () => {
      for await (const message of socket) seen.push(message[0])
    })()
    await expect(loop).rejects.toMatchObject({ info: { cause: 'eof' } })
    expect(seen).toEqual([...new Array(10).keys()])
  })

  test('two loops share the messages', async () => {
    const { socket, client } = await wsPair()
    const seen: unknown[] = []
    const loop = async () => {
      for await (const message of socket) seen.push(message)
    }
    const loops = [loop(), loop()]
    for (let i = 0; i < 10; i++) client.send(String(i))
    client.close(1000)
    await Promise.all(loops)
    expect(seen.sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })
})
