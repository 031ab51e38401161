import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, connect as dial, type Socket as TcpSocket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { connect, HeartbeatError, Opcode, type ServerSocket } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsPair } from '../support/servers.ts'

const MiB = 1024 * 1024

function blockFor(milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

/** A TCP proxy that can swallow everything, as a network that has come apart does, or stop reading. */
async function proxyTo(port: number): Promise<{ port: number; swallow(): void; stall(): void }> {
  const streams: TcpSocket[] = []
  const proxy = createTcpServer((near) => {
    const far = dial(port, '127.0.0.1')
    streams.push(near, far)
    near.pipe(far).pipe(near)
    near.on('error', () => {})
    far.on('error', () => {})
  })
  onTestFinished(() => {
    for (const stream of streams) stream.destroy()
    proxy.close()
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const cut = () => {
    for (const stream of streams) stream.unpipe().removeAllListeners('end')
  }
  return {
    port: (proxy.address() as AddressInfo).port,
    swallow() {
      cut()
      for (const stream of streams) stream.resume()
    },
    stall() {
      cut()
      for (const stream of streams) stream.pause()
    },
  }
}

describe('a peer that answers', () => {
  test('lives, and its round-trip time is known', async () => {
    const { socket, client } = await wsPair({ heartbeat: { interval: 30, timeout: 40 } })
    let pings = 0
    client.on('ping', () => pings++)
    await setTimeout(400)
    expect(socket.state).toBe('open')
    expect(pings).toBeGreaterThanOrEqual(4)
    expect(socket.latency).toBeGreaterThan(0)
    expect(socket.latency).toBeLessThan(40)
  })

  test('is not pinged while it talks', async () => {
    const { socket, client } = await wsPair({ heartbeat: { interval: 200, timeout: 50 }, message() {} })
    let pings = 0
    client.on('ping', () => pings++)
    client.send('first: from here the interval is whole')
    for (let i = 0; i < 20; i++) {
      await setTimeout(20)
      client.send('x')
    }
    expect(pings).toBe(0)
    expect(socket.state).toBe('open')
  })

  test('lives in a client as well, and both ends ping', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { url } = await serve({ heartbeat: { interval: 30, timeout: 50 }, open: opened.put })
    const client = await connect(url, { heartbeat: { interval: 40, timeout: 50 } })
    const server = await opened.next()
    await setTimeout(300)
    expect([client.state, server.state]).toEqual(['open', 'open'])
    expect(server.latency).toBeGreaterThan(0)
    client.close()
    await server.closed
  })
})

describe('a peer that is silent', () => {
  test('is judged dead after interval and timeout, and not before', async () => {
    const closes = new Mailbox<unknown>()
    const { socket, peer } = await rawPair({
      heartbeat: { interval: 100, timeout: 80 },
      message() {},
      close: (_socket, info) => closes.put(info),
    })
    peer.send(Opcode.Text, 'from here the interval is whole')
    const before = performance.now()
    const ping = await peer.frame()
    const pinged = performance.now() - before
    expect(ping.opcode).toBe(Opcode.Ping)
    expect(pinged).toBeGreaterThanOrEqual(99)
    expect(pinged).toBeLessThan(300)
    const info = await socket.closed
    const dead = performance.now() - before
    expect(dead).toBeGreaterThanOrEqual(178)
    expect(dead).toBeLessThan(500)
    expect(info).toMatchObject({ code: 1006, cause: 'heartbeat', initiator: 'local', wasClean: false, sent: undefined })
    expect(info.error).toBeInstanceOf(HeartbeatError)
    expect(info.error?.message).toBe('The peer was silent for 100 ms and did not answer a ping within 80 ms more.')
    expect(closes.all).toEqual([info])
    await peer.end()
  })

  test('is told how long it is thought to live', async () => {
    const { socket, peer } = await rawPair({ heartbeat: { interval: 1000, timeout: 500 }, message() {} })
    expect(socket.aliveFor).toBeGreaterThan(900)
    expect(socket.aliveFor).toBeLessThanOrEqual(1500)
    await setTimeout(30)
    peer.send(Opcode.Ping)
    await peer.frame()
    expect(socket.aliveFor).toBeGreaterThan(1400)
    socket.pause()
    expect(socket.aliveFor).toBe(Number.POSITIVE_INFINITY)
    socket.resume()
    socket.heartbeat = false
    expect(socket.aliveFor).toBe(Number.POSITIVE_INFINITY)
  })

  test('is found by a client', async () => {
    const server = createTcpServer((stream) => {
      stream.on('error', () => {})
      stream.once('data', (request) => {
        const key = /sec-websocket-key: (.*)\r\n/i.exec(String(request))?.[1] ?? ''
        void import('node:crypto').then(({ createHash }) => {
          const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
          stream.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          )
        })
      })
    })
    onTestFinished(() => void server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = await connect(`ws://127.0.0.1:${port}`, { heartbeat: { interval: 40, timeout: 40 } })
    expect(await socket.closed).toMatchObject({ cause: 'heartbeat', initiator: 'local' })
  })
})

test('any bytes are life, even half a frame at a time and no pong', async () => {
  const { socket, peer } = await rawPair({ heartbeat: { interval: 50, timeout: 50 }, message() {} })
  // A frame that announces much, whose payload comes a byte at a time.
  peer.write(Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0))
  for (let i = 0; i < 20; i++) {
    await setTimeout(20)
    peer.write(Uint8Array.of(0))
  }
  expect(socket.state).toBe('open')
  expect(await socket.closed).toMatchObject({ cause: 'heartbeat' })
})

describe('a socket that is paused', () => {
  test('is not judged, since nobody listens', async () => {
    const { socket, client } = await wsPair({ heartbeat: { interval: 30, timeout: 30 }, message() {} })
    socket.pause()
    await setTimeout(250)
    expect(socket.state).toBe('open')
    socket.resume()
    await setTimeout(150)
    expect(socket.state).toBe('open')
    client.close()
    expect((await socket.closed).cause).toBe('peer-close')
  })

  test('is judged from when it listens again', async () => {
    const { socket } = await rawPair({ heartbeat: { interval: 60, timeout: 60 }, message() {} })
    socket.pause()
    await setTimeout(200)
    const before = performance.now()
    socket.resume()
    expect((await socket.closed).cause).toBe('heartbeat')
    expect(performance.now() - before).toBeGreaterThanOrEqual(118)
  })
})

describe('an event loop that was blocked for longer than interval and timeout', () => {
  /** A client in a thread of its own, which answers whatever this thread does. */
  async function elsewhere(url: string): Promise<Worker> {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
      const { WebSocket } = require('ws')
      const client = new WebSocket(workerData)
      client.on('open', () => parentPort.postMessage('open'))
      client.on('close', (code) => parentPort.postMessage(code))`,
      { eval: true, workerData: url },
    )
    onTestFinished(() => void worker.terminate())
    await once(worker, 'message')
    return worker
  }

  test.each(['in a timer', 'while it reads a socket', 'again and again'])(
    '%s: a healthy peer survives',
    async (where) => {
      const opened = new Mailbox<ServerSocket<undefined>>()
      const { url } = await serve({
        heartbeat: { interval: 50, timeout: 50 },
        open: opened.put,
        message: () => blockFor(500),
      })
      await elsewhere(url)
      const socket = await opened.next()
      if (where === 'in a timer') {
        await setTimeout(60)
        blockFor(500)
      } else if (where === 'again and again') {
        for (let i = 0; i < 6; i++) {
          await setTimeout(10 + i * 7)
          blockFor(180)
        }
      } else {
        const other = await connect(url)
        await setTimeout(60)
        other.send('block')
        await setTimeout(20)
        other.send('block')
      }
      await setTimeout(250)
      expect(socket.state).toBe('open')
    },
  )

  test('a dead peer is found all the same, a little later', async () => {
    const { socket, peer } = await rawPair({ heartbeat: { interval: 50, timeout: 50 } })
    blockFor(400)
    const before = performance.now()
    expect((await socket.closed).cause).toBe('heartbeat')
    expect(performance.now() - before).toBeLessThan(400)
    peer.stream.destroy()
  })
})

describe('a peer that reads slowly', () => {
  test('survives for as long as it reads, though its pongs wait behind what it reads', async () => {
    const { socket, peer } = await rawPair({ heartbeat: { interval: 100, timeout: 1000 }, maxBuffered: 64 * MiB })
    peer.discard()
    peer.stream.pause()
    socket.send(Buffer.alloc(40 * MiB, 1))
    // The kernel makes room in steps of a few of these, which is well within the timeout. All of them take twice as long
    // as interval and timeout, on a machine of any speed.
    for (let step = 0; step < 88; step++) {
      await setTimeout(25)
      const until = peer.received + MiB / 4
      peer.stream.resume()
      while (peer.received < until) await once(peer.stream, 'data')
      peer.stream.pause()
      expect(socket.state).toBe('open')
    }
    expect(socket.bufferedAmount).toBeGreaterThan(0)
    // One that stops reading is dead in the end.
    expect((await socket.closed).cause).toBe('heartbeat')
  })
})

describe('a connection that has come apart, while the application goes on sending', () => {
  test.each(['swallow', 'stall'] as const)('is found dead where the network does %s', async (fault) => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { port } = await serve({ heartbeat: { interval: 80, timeout: 80 }, open: opened.put })
    const proxy = await proxyTo(port)
    const client = await RawPeer.open(proxy.port)
    const socket = await opened.next()
    let sent = 0
    const publishing = setInterval(() => {
      if (socket.send(Buffer.alloc(20_000)) === 'closed') clearInterval(publishing)
      sent++
    }, 10)
    onTestFinished(() => clearInterval(publishing))
    // It answers nothing but pings, as a listener does.
    void (async () => {
      for (;;) {
        const frame = await client.frame()
        if (frame.opcode === Opcode.Ping) client.send(Opcode.Pong, frame.payload)
      }
    })().catch(() => {})
    await setTimeout(400)
    expect(socket.state).toBe('open')
    proxy[fault]()
    const before = performance.now()
    expect(await socket.closed).toMatchObject({ cause: 'heartbeat', sent: undefined })
    expect(performance.now() - before).toBeLessThan(500)
    expect(sent).toBeGreaterThan(10)
  })
})

describe('the settings', () => {
  test('have their defaults, can be half given, and can be off', async () => {
    const { socket } = await rawPair()
    expect(socket.heartbeat).toEqual({ interval: 25_000, timeout: 20_000 })
    const half = await rawPair({ heartbeat: { timeout: 5000 } })
    expect(half.socket.heartbeat).toEqual({ interval: 25_000, timeout: 5000 })
    const off = await rawPair({ heartbeat: false })
    expect(off.socket.heartbeat).toBe(false)
  })

  test('can be changed for one socket: to something sooner', async () => {
    const { socket, peer } = await rawPair()
    socket.heartbeat = { interval: 30, timeout: 30 }
    expect(socket.heartbeat).toEqual({ interval: 30, timeout: 30 })
    expect((await peer.frame()).opcode).toBe(Opcode.Ping)
    expect((await socket.closed).cause).toBe('heartbeat')
  })

  test('can be changed for one socket: to none, and back', async () => {
    const { socket, peer } = await rawPair({ heartbeat: { interval: 60, timeout: 60 } })
    socket.heartbeat = false
    await setTimeout(250)
    expect(peer.received - peer.bytes.length).toBeGreaterThan(0)
    expect(peer.bytes).toHaveLength(0)
    expect(socket.state).toBe('open')
    socket.heartbeat = { interval: 20, timeout: 20 }
    expect((await socket.closed).cause).toBe('heartbeat')
  })

  test('can be changed while a ping is unanswered', async () => {
    const { socket, peer } = await rawPair({ heartbeat: { interval: 40, timeout: 60_000 } })
    expect((await peer.frame()).opcode).toBe(Opcode.Ping)
    socket.heartbeat = { interval: 40, timeout: 40 }
    expect((await socket.closed).cause).toBe('heartbeat')
  })

  test('what cannot be is refused, and nothing changes', async () => {
    const { socket } = await rawPair()
    for (const bad of [{ interval: 0 }, { timeout: -1 }, { interval: Number.NaN }]) {
      expect(() => {
        socket.heartbeat = bad
      }).toThrow(/^The option heartbeat\./)
    }
    expect(socket.heartbeat).toEqual({ interval: 25_000, timeout: 20_000 })
  })
})
