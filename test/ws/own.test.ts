/** Where heartwire/ws differs from `ws` on purpose, and what it has beside. docs/guide/ws.md names each of these. */
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket as NetSocket } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { decodeFrame, encodeFrame, encodeFrameHeader, type Frame } from 'heartwire/protocol'
import { type ServerOptions, WebSocket, WebSocketServer } from 'heartwire/ws'
import { describe, expect, it, onTestFinished } from 'vitest'
import { handshake } from '../support/raw-peer.ts'

const maskingKey = Uint8Array.of(1, 2, 3, 4)

async function listen(options: ServerOptions = {}): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  })
  return server
}

function portOf(server: WebSocketServer): number {
  return (server.address() as AddressInfo).port
}

/** A client that only does what the test does; the server's end of it, and its socket behind the handshake. */
async function rawPeer(server: WebSocketServer, headers: Record<string, string> = {}): Promise<[WebSocket, NetSocket]> {
  const socket = connect(portOf(server), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  const connected = once(server, 'connection') as Promise<[WebSocket]>
  socket.write(handshake(headers))
  const [ws] = await connected
  await once(socket, 'data')
  return [ws, socket]
}

async function pair(server: WebSocketServer): Promise<[WebSocket, WebSocket]> {
  const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}`)
  const [[ws]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
  return [ws, client]
}

/** The frames that come, until there are so many, or the connection ends. */
async function frames(socket: NetSocket, count: number): Promise<Frame[]> {
  let bytes = Buffer.alloc(0)
  const all: Frame[] = []
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    for (let frame = decodeFrame(bytes); frame !== undefined; frame = decodeFrame(bytes)) {
      all.push(frame)
      bytes = bytes.subarray(frame.length)
    }
    if (all.length >= count) break
  }
  return all
}

function ended(ws: WebSocket): Promise<{ error: NodeJS.ErrnoException | undefined; code: number }> {
  let error: NodeJS.ErrnoException | undefined
  ws.on('error', (given) => {
    error = given
  })
  return new Promise((resolve) => ws.on('close', (code) => resolve({ error, code })))
}

describe('what is stricter', () => {
  it('a payload length that is not in its shortest form', async () => {
    const [ws, socket] = await rawPeer(await listen())
    const end = ended(ws)
    socket.write(Uint8Array.of(0x82, 0xfe, 0, 1, 1, 2, 3, 4, 0))
    socket.resume().on('end', () => socket.end())
    const { error, code } = await end
    expect(error).toMatchObject({
      name: 'RangeError',
      code: 'WS_ERR_INVALID_PAYLOAD_LENGTH',
      message: 'Invalid WebSocket frame: payload length is not minimally encoded',
    })
    expect(code).toBe(1006)
  })

  it('compressed data that ends inside a block', async () => {
    const server = await listen({ perMessageDeflate: true })
    const [ws, socket] = await rawPeer(server, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    const end = ended(ws)
    const payload = deflateRawSync(Buffer.from('a text that is cut off')).subarray(0, 10)
    socket.write(encodeFrame({ opcode: 1, rsv1: true, maskingKey, payload }))
    socket.resume().on('end', () => socket.end())
    expect((await end).error).toMatchObject({ code: 'Z_DATA_ERROR', errno: -3 })
  })

  it('a close reason that is not UTF-8, even with skipUTF8Validation', async () => {
    const [ws, socket] = await rawPeer(await listen({ skipUTF8Validation: true }))
    const end = ended(ws)
    socket.write(encodeFrame({ opcode: 8, maskingKey, payload: Uint8Array.of(3, 232, 0xff) }))
    socket.resume().on('end', () => socket.end())
    expect((await end).error).toMatchObject({ code: 'WS_ERR_INVALID_UTF8' })
  })

  it('a close code that is no whole number', async () => {
    const [, client] = await pair(await listen())
    expect(() => client.close(1000.5)).toThrow(new TypeError('First argument must be a valid error code number'))
    expect(client.readyState).toBe(WebSocket.OPEN)
  })
})

describe('what is different', () => {
  it('of pings that cannot be answered for now, the newest is answered in the place of others', async () => {
    const [ws, socket] = await rawPeer(await listen())
    socket.pause()
    // More than the kernel takes.
    const size = 30_000_000
    ws.send(Buffer.alloc(size))
    let pings = 0
    const all = new Promise<void>((resolve) => ws.on('ping', () => ++pings === 500 && resolve()))
    for (let i = 0; i < 500; i++) {
      socket.write(encodeFrame({ opcode: 9, maskingKey, payload: Buffer.from(String(i)) }))
    }
    await all
    expect(ws.readyState).toBe(WebSocket.OPEN)
    const [, ...pongs] = await frames(socket, 66)
    const answered = pongs.map(({ payload }) => Number(Buffer.from(payload).toString()))
    expect(answered).toEqual([...Array.from({ length: 64 }, (_, i) => i), 499])
  })

  it('the answer to a ping goes ahead of messages that wait', async () => {
    const [ws, socket] = await rawPeer(await listen())
    socket.pause()
    ws.send(Buffer.alloc(30_000_000))
    ws.send('behind')
    socket.write(encodeFrame({ opcode: 9, maskingKey, payload: Buffer.from('now') }))
    await once(ws, 'ping')
    const all = await frames(socket, 3)
    expect(all.map(({ opcode }) => opcode)).toEqual([2, 10, 1])
  })

  it('a message in fragments is not compressed', async () => {
    const server = await listen({ perMessageDeflate: true })
    const [ws, socket] = await rawPeer(server, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    ws.send('x'.repeat(2000), { fin: false })
    ws.send('y'.repeat(2000), { fin: true })
    ws.send('z'.repeat(2000))
    expect((await frames(socket, 3)).map(({ fin, rsv1 }) => [fin, rsv1])).toEqual([
      [false, false],
      [true, false],
      [true, true],
    ])
  })

  it('with binaryType fragments, what was compressed comes in one piece', async () => {
    const server = await listen({ perMessageDeflate: true })
    const [ws, socket] = await rawPeer(server, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    ws.binaryType = 'fragments'
    const bytes = deflateRawSync(Buffer.from('fragmented'), { finishFlush: 2 }).subarray(0, -4)
    socket.write(encodeFrame({ opcode: 2, rsv1: true, fin: false, maskingKey, payload: bytes.subarray(0, 3) }))
    socket.write(encodeFrame({ opcode: 0, maskingKey, payload: bytes.subarray(3) }))
    const [message] = (await once(ws, 'message')) as [Buffer[]]
    expect(message.map(String)).toEqual(['fragmented'])
  })

  it('what does not get smaller is not sent compressed', async () => {
    const server = await listen({ perMessageDeflate: true })
    const [ws, socket] = await rawPeer(server, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
    ws.send('x')
    expect((await frames(socket, 1)).map(({ rsv1 }) => rsv1)).toEqual([false])
  })

  it('what one turn sends goes out together, and bufferedAmount tries to send first', async () => {
    const [ws, socket] = await rawPeer(await listen())
    const before = (ws as unknown as { _socket: NetSocket })._socket.bytesWritten
    ws.send('one')
    ws.send('two')
    expect((ws as unknown as { _socket: NetSocket })._socket.bytesWritten).toBe(before)
    expect(ws.bufferedAmount).toBe(0)
    expect((ws as unknown as { _socket: NetSocket })._socket.bytesWritten).toBe(before + 10)
    expect(await frames(socket, 2)).toHaveLength(2)
  })
})

describe('what it has beside', () => {
  it('heartbeat: a peer that says nothing is given up', async () => {
    const [ws, socket] = await rawPeer(await listen({ heartbeat: { interval: 40, timeout: 40 } }))
    const end = ended(ws)
    expect((await frames(socket, 1)).map(({ opcode }) => opcode)).toEqual([9])
    const { error, code } = await end
    expect(error).toMatchObject({
      code: 'HEARTBEAT_TIMEOUT',
      message: 'Nothing came for 40 ms, nor for 40 ms after a ping (heartbeat).',
    })
    expect(code).toBe(1006)
  })

  it('heartbeat: a peer that answers stays', async () => {
    const [ws, client] = await pair(await listen({ heartbeat: { interval: 30, timeout: 200 } }))
    const pongs = new Promise<void>((resolve) => {
      let count = 0
      ws.on('pong', () => ++count === 3 && resolve())
    })
    await pongs
    expect([ws.readyState, client.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN])
  })

  it('maxBufferedAmount: a peer that does not read is given up', async () => {
    const [ws, socket] = await rawPeer(await listen({ maxBufferedAmount: 1_000_000 }))
    const end = ended(ws)
    socket.pause()
    const sent: (Error | undefined)[] = []
    ws.send(Buffer.alloc(30_000_000), (error) => sent.push(error))
    const { error, code } = await end
    expect(error).toMatchObject({ code: 'SLOW_CONSUMER' })
    expect(error?.message).toMatch(
      /^The peer is too slow: \d+ bytes wait for it; the limit \(maxBufferedAmount\) is 1000000\.$/,
    )
    expect(code).toBe(1006)
    expect(sent).toMatchObject([{ code: 'ERR_STREAM_DESTROYED' }])
  })

  it('an error has the engine’s own as its cause', async () => {
    const [ws, socket] = await rawPeer(await listen())
    const end = ended(ws)
    socket.write(Buffer.concat([encodeFrameHeader({ opcode: 1, payloadLength: 3 }), Buffer.from('abc')]))
    socket.resume().on('end', () => socket.end())
    const { error } = await end
    expect(error?.code).toBe('WS_ERR_EXPECTED_MASK')
    expect(error?.cause).toMatchObject({ name: 'ProtocolError', code: 'UNMASKED_FRAME', section: '5.1' })
  })
})
