import { ArgumentError, connect, Opcode } from 'heartwire'
import { describe, expect, test } from 'vitest'
import type { Link } from '../../src/socket/link.ts'
import { Mailbox } from '../support/mailbox.ts'
import { masked } from '../support/raw-peer.ts'
import { rawPair, serve } from '../support/servers.ts'

/** A line with its time, which has to be one, as `at`. */
function timeless(line: string): string {
  return line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, 'at')
}

describe('what cannot be used is told to whoever asks for a trace', () => {
  test.each([
    [{ payloads: true }, 'There is no option "payloads" of trace. Did you mean payload?'],
    [{ write: 5 }, 'The option write is a function, not 5.'],
    [{ payload: 'yes' }, 'The option payload is true or false, not "yes".'],
    [{ seconds: '5' }, 'The option seconds is a number above 0 and up to 86400, not "5".'],
    [{ signal: {} }, 'The option signal is an AbortSignal, not an object.'],
    [5, 'trace takes an object of options, not 5.'],
  ])('%j', async (options, message) => {
    const { server, socket, peer } = await rawPair({ message: (one, message) => void one.send(message) })
    expect(() => server.trace(socket.id, options as object)).toThrow(new ArgumentError(message))
    peer.write(masked(Opcode.Text, 'not traced'))
    expect(await peer.text()).toEqual([Opcode.Text, 'not traced'])
  })
})

describe('server.trace()', () => {
  test('prints each frame on a line, and how the connection was closed', async () => {
    const lines = new Mailbox<string>()
    const { server, socket, peer } = await rawPair({ message: (one, message) => void one.send(message) })
    const result = server.trace(socket.id, { write: lines.put })
    peer.write(masked(Opcode.Text, 'hello'))
    await peer.frame()
    peer.write(masked(Opcode.Binary, '1', { fin: false }))
    peer.write(masked(Opcode.Ping, 'p'))
    peer.write(masked(Opcode.Continuation, '22'))
    await peer.frame()
    await peer.frame()
    peer.sendClose(4001, 'token=abc')
    await peer.frame()
    peer.stream.end()
    expect(await result).toEqual({ why: 'closed', frames: 9, omitted: 0 })
    expect(lines.all.map(timeless)).toEqual([
      `Tracing ${socket.id} from 127.0.0.1 for 10 s.`,
      'at in  text FIN masked 5 bytes',
      'at out text FIN 5 bytes',
      'at in  binary masked 1 byte',
      'at in  ping FIN masked 1 byte',
      'at out pong FIN 1 byte',
      'at in  continuation FIN masked 2 bytes',
      'at out binary FIN 3 bytes',
      'at in  close FIN masked 11 bytes 4001 (application code)',
      'at out close FIN 2 bytes 4001 (application code)',
      `The trace of ${socket.id} is over, the connection is closed: received 4001 (application code), then sent 4001 (application code). Frames: 9.`,
    ])
  })

  test('shows the beginning of payloads when it is asked to, without secrets, on one line', async () => {
    const lines = new Mailbox<string>()
    const { server, socket, peer } = await rawPair({ message() {} })
    const result = server.trace(socket.id, { write: lines.put, payload: true })
    const frames: [opcode: number, payload: string | Uint8Array, fin?: boolean][] = [
      [Opcode.Text, '{"user":"ann","password":"secret"}'],
      [Opcode.Text, 'one\r\n2026-01-01T00:00:00.000Z in  text \x1b[2J\u202e'],
      [Opcode.Text, 'x'.repeat(2_000)],
      [Opcode.Binary, 'Cookie: sid=secret'],
      [Opcode.Binary, Buffer.from(`ff${'00'.repeat(16)}`, 'hex')],
      [Opcode.Ping, ''],
      [Opcode.Text, '{"token":"sec', false],
      [Opcode.Continuation, 'ret"}'],
    ]
    for (const [opcode, payload, fin = true] of frames) peer.write(masked(opcode, payload, { fin }))
    peer.sendClose(4001, 'token=secret\u202e')
    peer.stream.end()
    await result
    expect(lines.all.filter((line) => line.includes(' in ')).map(timeless)).toEqual([
      'at in  text FIN masked 34 bytes "{\\"user\\":\\"ann\\",\\"password\\":***}"',
      'at in  text FIN masked 46 bytes "one\\r\\n2026-01-01T00:00:00.000Z in  text \\x1b[2J\\u202e"',
      `at in  text FIN masked 2000 bytes "${'x'.repeat(80)}"…`,
      'at in  binary FIN masked 18 bytes "Cookie: ***"',
      'at in  binary FIN masked 17 bytes ff000000000000000000000000000000…',
      'at in  ping FIN masked 0 bytes',
      'at in  text masked 13 bytes',
      'at in  continuation FIN masked 5 bytes',
      'at in  close FIN masked 17 bytes 4001 (application code) "token=***"',
    ])
    expect(lines.all.at(-1)).toContain('received 4001 (application code) "token=***", then sent')
    expect(lines.all.join()).not.toContain('secret')
  })

  test('says of a compressed message that it is one, and shows nothing of it', async () => {
    const lines = new Mailbox<string>()
    const { server, url } = await serve({ compression: 'shared', message: (one, message) => void one.send(message) })
    const client = await connect(url)
    const [socket] = server.sockets
    const result = server.trace(socket?.id ?? '', { write: lines.put, payload: true })
    for (const message of ['plain', 'x'.repeat(1_000)]) {
      client.send(message)
      expect(await client.receive()).toBe(message)
    }
    client.close()
    await result
    const sizes = / compressed, \d+ bytes$/
    expect(lines.all.slice(1, 5).map((line) => timeless(line).replace(sizes, ' compressed'))).toEqual([
      'at in  text FIN masked 5 bytes "plain"',
      'at out text FIN 5 bytes "plain"',
      'at in  text FIN RSV1 masked compressed',
      'at out text FIN RSV1 compressed',
    ])
  })

  test('prints no more than 100 frames in a second, and says how many were left out', async () => {
    const lines = new Mailbox<string>()
    const { server, socket, peer } = await rawPair({ message() {} })
    const result = server.trace(socket.id, { write: lines.put })
    peer.write(Buffer.concat([...Array.from({ length: 1_000 }, () => masked(Opcode.Text, 'x')), masked(Opcode.Ping)]))
    await peer.frame()
    socket.terminate()
    expect(await result).toEqual({ why: 'closed', frames: 1_002, omitted: 902 })
    expect(lines.all.slice(1, -2).map(timeless)).toEqual(Array(100).fill('at in  text FIN masked 1 byte'))
    expect(lines.all.at(-2)).toBe('902 frames not shown.')
  })

  test('ends when the time is over, and then nothing is left of it', async () => {
    const lines = new Mailbox<string>()
    const { server, socket, peer } = await rawPair({ message() {} })
    const result = await server.trace(socket.id, { write: lines.put, seconds: 0.01 })
    expect(result).toEqual({ why: 'time', frames: 0, omitted: 0 })
    peer.write(masked(Opcode.Ping))
    await peer.frame()
    socket.terminate()
    await socket.closed
    expect(lines.all).toEqual([
      `Tracing ${socket.id} from 127.0.0.1 for 0.01 s.`,
      `The trace of ${socket.id} is over, 0.01 s have passed. Frames: 0.`,
    ])
    const { receiver, sender } = (socket as unknown as { link: Link }).link.connection
    expect([receiver.frameListener, sender.frameListener]).toEqual([undefined, undefined])
  })

  test('ends with its signal', async () => {
    const lines = new Mailbox<string>()
    const { server, socket } = await rawPair()
    const abort = new AbortController()
    const result = server.trace(socket.id, { write: lines.put, signal: abort.signal })
    abort.abort()
    expect(await result).toEqual({ why: 'aborted', frames: 0, omitted: 0 })
    expect(lines.all.at(-1)).toBe(`The trace of ${socket.id} is over, it was stopped. Frames: 0.`)
    expect(await server.trace(socket.id, { write: lines.put, signal: abort.signal })).toMatchObject({ why: 'aborted' })
  })

  test('ends when its lines cannot be written, and leaves the connection alone', async () => {
    const errors = new Mailbox<unknown>()
    const { server, socket, peer } = await rawPair({ message() {}, error: errors.put })
    const failure = new Error('no more')
    let lines = 0
    const write = () => {
      if (++lines > 1) throw failure
    }
    const result = server.trace(socket.id, { write })
    peer.write(masked(Opcode.Ping))
    peer.write(masked(Opcode.Ping))
    expect(await result).toEqual({ why: 'failed', frames: 1, omitted: 0 })
    await peer.frame()
    await peer.frame()
    expect([lines, errors.all, socket.state]).toEqual([2, [failure], 'open'])
  })

  test('several at once do not disturb each other, or an observer', async () => {
    const all = [new Mailbox<string>(), new Mailbox<string>()] as const
    const observed = new Mailbox<number>()
    const { server, socket, peer } = await rawPair({
      message() {},
      observeFrames: (_socket, { opcode }) => observed.put(opcode),
    })
    const abort = new AbortController()
    const first = server.trace(socket.id, { write: all[0].put, signal: abort.signal })
    const second = server.trace(socket.id, { write: all[1].put })
    abort.abort()
    await first
    peer.write(masked(Opcode.Ping))
    await peer.frame()
    socket.terminate()
    await second
    expect([all[0].all.length, all[1].all.length]).toEqual([2, 4])
    expect(observed.all).toEqual([Opcode.Ping, Opcode.Pong])
  })

  test('knows only connections that are there', async () => {
    const { server, socket } = await rawPair()
    const { id } = socket
    const message = (named: string) =>
      new ArgumentError(`There is no connection with the id "${named}" now: it is closed, or was never given.`)
    expect(() => server.trace('nobody')).toThrow(message('nobody'))
    for (const seconds of [-1, 0, Number.NaN, 86_401]) {
      const why = `The option seconds is a number above 0 and up to 86400, not ${seconds}.`
      expect(() => server.trace(id, { seconds })).toThrow(new ArgumentError(why))
    }
    socket.terminate()
    await socket.closed
    expect(() => server.trace(id)).toThrow(message(id))
  })
})
