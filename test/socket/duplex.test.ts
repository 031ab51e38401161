import { once } from 'node:events'
import { type Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { ConnectionClosedError, connect, Opcode, type Socket } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { rawPair, serve, wsClosed, wsPair } from '../support/servers.ts'

const MiB = 1024 * 1024

/** A server's and a client's socket of one connection. */
async function bothEnds(): Promise<{ server: Socket; client: Socket }> {
  const opened = new Mailbox<Socket<undefined>>()
  const { url } = await serve({ open: opened.put })
  const client = await connect(url)
  onTestFinished(() => client.terminate())
  return { server: await opened.next(), client }
}

/** The test ends before the connection does, which is an error of the stream. */
function quiet(stream: Duplex): Duplex {
  return stream.on('error', () => {})
}

/** Bytes that are all different for a while. */
function* numbered(bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += 65_536) {
    const chunk = Buffer.alloc(Math.min(65_536, bytes - at))
    for (let i = 0; i + 4 <= chunk.length; i += 4) chunk.writeUInt32BE(at + i, i)
    yield chunk
  }
}

test('is read as the bytes of the messages, end to end', async () => {
  const { socket, client } = await wsPair()
  const stream = socket.duplex()
  client.send('text, ')
  client.send('')
  client.send(Buffer.from('bytes, '))
  client.send('é')
  client.close(1000)
  expect(await text(stream)).toBe('text, bytes, é')
  expect((await socket.closed).wasClean).toBe(true)
})

test('each chunk that is written is a message', async () => {
  const { socket, client, messages } = await wsPair()
  const closed = wsClosed(client)
  const stream = socket.duplex()
  stream.write('a')
  stream.write(Buffer.from('bc'))
  stream.end('d')
  expect(await closed).toEqual({ code: 1000, reason: '' })
  expect(messages.all).toEqual([Buffer.from('a'), Buffer.from('bc'), Buffer.from('d')])
})

test("with the type 'text' they are texts", async () => {
  const { socket, messages } = await wsPair()
  quiet(socket.duplex({ type: 'text' })).write('é')
  expect(await messages.next()).toBe('é')
})

test('pipes both ways at once, and all of it arrives', async () => {
  const { server, client } = await bothEnds()
  const far = server.duplex()
  const echoed = pipeline(far, new PassThrough(), far)
  const near = client.duplex()
  const source = Buffer.concat([...numbered(8 * MiB)])
  const came: Buffer[] = []
  let length = 0
  const everything = new Promise<void>((resolve) => {
    near.on('data', (chunk: Buffer) => {
      came.push(chunk)
      length += chunk.length
      if (length === source.length) resolve()
    })
  })
  Readable.from(numbered(8 * MiB)).pipe(near, { end: false })
  await everything
  near.end()
  await echoed
  expect(Buffer.concat(came).equals(source)).toBe(true)
  expect(await client.closed).toMatchObject({ sent: 1000, received: 1000, wasClean: true })
})

test('pipeline from a file-like source to the peer, and the end is the end', async () => {
  const { server, client } = await bothEnds()
  const received = buffer(server.duplex())
  await pipeline(Readable.from(numbered(4 * MiB)), client.duplex())
  expect((await received).equals(Buffer.concat([...numbered(4 * MiB)]))).toBe(true)
  expect(await client.closed).toMatchObject({ code: 1000, wasClean: true })
})

describe('a slow other end', () => {
  test('holds the writer back', async () => {
    const { socket, peer } = await rawPair()
    peer.stream.pause()
    const stream = quiet(socket.duplex())
    let taken = 0
    const chunk = Buffer.alloc(256 * 1024)
    const done = (async () => {
      for (; taken < 128; taken++) {
        if (!stream.write(chunk)) await once(stream, 'drain')
      }
    })()
    await setTimeout(100)
    expect(taken).toBeLessThan(100)
    expect(socket.bufferedAmount).toBeLessThan(MiB)
    peer.discard()
    await done
    expect(taken).toBe(128)
  })

  test('holds the peer back when it does not read', async () => {
    const { socket, client } = await wsPair()
    const stream = quiet(socket.duplex())
    for (let i = 0; i < 64; i++) client.send(Buffer.alloc(512 * 1024, i))
    await setTimeout(100)
    expect(client.bufferedAmount).toBeGreaterThan(16 * MiB)
    let length = 0
    for await (const chunk of stream) {
      length += chunk.length
      if (length === 32 * MiB) break
    }
    expect(length).toBe(32 * MiB)
  })
})

describe('the end of the connection', () => {
  test.each([1000, 1001])('with %d ends the stream', async (code) => {
    const { socket, client } = await wsPair()
    const stream = socket.duplex()
    client.send('last')
    client.close(code)
    expect(await text(stream)).toBe('last')
  })

  test.each([
    { name: 'another code', end: 'close' },
    { name: 'a reset', end: 'reset' },
    { name: 'an end without a Close frame', end: 'eof' },
  ])('with $name is an error of the stream', async ({ end }) => {
    const { socket, peer } = await rawPair()
    const stream = socket.duplex()
    const read = buffer(stream)
    if (end === 'close') {
      peer.sendClose(4000)
      await peer.closeFrame()
    }
    if (end === 'reset') peer.stream.resetAndDestroy()
    else peer.stream.end()
    await expect(read).rejects.toBeInstanceOf(ConnectionClosedError)
    expect(stream.destroyed).toBe(true)
  })

  test('makes writing an error', async () => {
    const { socket, client } = await wsPair()
    const stream = socket.duplex()
    client.close(4000)
    await socket.closed
    const [error] = await once(stream.resume(), 'error')
    expect(error).toBeInstanceOf(ConnectionClosedError)
    const other = socket.duplex()
    const failed = once(other, 'error')
    other.write('x')
    expect((await failed)[0]).toBeInstanceOf(ConnectionClosedError)
  })

  test('destroy closes the connection; with an error it is cut', async () => {
    const one = await wsPair()
    const closed = wsClosed(one.client)
    one.socket.duplex().destroy()
    expect(await closed).toEqual({ code: 1000, reason: '' })

    const other = await wsPair()
    const cut = wsClosed(other.client)
    const boom = new Error('boom')
    const stream = other.socket.duplex()
    stream.on('error', () => {})
    stream.destroy(boom)
    expect(await cut).toEqual({ code: 1006, reason: '' })
    expect(await other.socket.closed).toMatchObject({ cause: 'terminated', error: boom })
  })

  test('a source that fails in a pipeline cuts the connection', async () => {
    const { server, client } = await bothEnds()
    const boom = new Error('boom')
    const source = new Readable({
      read() {
        this.push('half')
        this.destroy(boom)
      },
    })
    await expect(pipeline(source, client.duplex())).rejects.toBe(boom)
    expect(await server.closed).toMatchObject({ code: 1006, cause: 'eof' })
  })

  test('a destination that fails in a pipeline cuts the connection', async () => {
    const { server, client } = await bothEnds()
    const boom = new Error('full')
    const destination = new Writable({
      write(_chunk, _encoding, callback) {
        callback(boom)
      },
    })
    const piped = pipeline(server.duplex(), destination)
    client.send('x')
    await expect(piped).rejects.toBe(boom)
    expect((await client.closed).code).toBe(1006)
  })
})

test('a chunk may be changed once it was written', async () => {
  const { socket, messages } = await wsPair()
  const stream = quiet(socket.duplex())
  const chunk = Buffer.alloc(100_000, 1)
  await new Promise<void>((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve())))
  chunk.fill(2)
  const message = await messages.next()
  expect(message.length).toBe(100_000)
  expect(Buffer.from(message).equals(Buffer.alloc(100_000, 1))).toBe(true)
})

test('is used with pings at the same time', async () => {
  const { socket, peer } = await rawPair()
  const stream = quiet(socket.duplex())
  peer.send(Opcode.Ping, 'x')
  peer.send(Opcode.Text, 'y')
  expect(String((await once(stream, 'data'))[0])).toBe('y')
  expect(await peer.text()).toEqual([Opcode.Pong, 'x'])
})
