import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type CloseInfo, connect, type ServerSocket } from 'heartwire'
import { Opcode } from 'heartwire/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, masked, RawPeer } from '../support/raw-peer.ts'
import { rawPair, serve, wsClient } from '../support/servers.ts'

describe('one member that leaves a room closes the others', () => {
  test.each(['close', 'reset', 'broken frame'] as const)('by %s', async (how) => {
    const room = new Set<ServerSocket<undefined>>()
    const left = new Mailbox<CloseInfo>()
    const { port, url } = await serve({
      open: (socket) => void room.add(socket),
      message(socket, message) {
        for (const other of room) if (other !== socket) other.send(message)
      },
      close(socket, info) {
        room.delete(socket)
        for (const other of room) other.send('one has left')
        left.put(info)
      },
    })
    const others = await Promise.all([1, 2, 3].map(() => wsClient(url)))
    const leaving = await RawPeer.open(port)
    // Something is on its way to it when it leaves.
    others[0]?.client.send('to all')
    await leaving.frame()
    for (const { client } of others) client.send('still on its way')
    if (how === 'close') leaving.sendClose(1000)
    else if (how === 'reset') leaving.stream.resetAndDestroy()
    else leaving.write(Uint8Array.of(0xff, 0xff, 0xff))
    if (how !== 'reset') {
      await leaving.end()
      leaving.stream.end()
    }
    await left.next()
    for (const { messages } of others) while ((await messages.next()) !== 'one has left');
    expect(room.size).toBe(3)
    for (const { client } of others) expect(client.readyState).toBe(client.OPEN)
    others[1]?.client.send('talk goes on')
    for (const index of [0, 2]) while ((await others[index]?.messages.next()) !== 'talk goes on');
    expect(left.all).toHaveLength(1)
  })
})

describe('a timer handled twice on expiry', () => {
  test('by heartbeat, pause and close that are due together: one end', async () => {
    const closes = new Mailbox<CloseInfo>()
    const errors = new Mailbox<unknown>()
    const { socket } = await rawPair({
      heartbeat: { interval: 20, timeout: 20 },
      maxPause: 20,
      closeTimeout: 20,
      message() {},
      close: (_socket, info) => closes.put(info),
      error: errors.put,
    })
    await setTimeout(10)
    socket.pause()
    await socket.closed
    await setTimeout(120)
    expect(closes.all).toMatchObject([{ cause: 'pause-timeout' }])
    expect(errors.all).toEqual([])
  })

  test('by two waits with the same timeout, and an abort at that very time: each settles once', async () => {
    const { socket, peer } = await rawPair()
    const controller = new AbortController()
    const results: string[] = []
    const waits = ['a', 'b', 'c'].map((name) =>
      socket.receive({ timeout: 30, signal: controller.signal }).then(
        (message) => void results.push(`${name} ${message}`),
        (error: Error) => void results.push(`${name} ${error.name}`),
      ),
    )
    await setTimeout(30)
    controller.abort()
    await Promise.all(waits)
    expect(results).toHaveLength(3)
    peer.send(Opcode.Text, 'next')
    expect(await socket.receive()).toBe('next')
  })

  test('by a handshake whose time is over when its client leaves and its server closes: one answer at most', async () => {
    const errors = new Mailbox<unknown>()
    const { server, port } = await serve({
      handshakeTimeout: 25,
      upgrade: () => new Promise<undefined>(() => {}),
      error: errors.put,
    })
    const peer = await RawPeer.dial(port)
    peer.write(handshake())
    await setTimeout(25)
    peer.stream.resetAndDestroy()
    await server.close({ deadline: 30 })
    expect(errors.all).toEqual([])
    expect(server.sockets.size).toBe(0)
  })
})

describe('a slow consumer whose healthy peer is declared dead', () => {
  test('while the pong to the ping waits behind what it is being sent', async () => {
    const opened = new Mailbox<ServerSocket<undefined>>()
    const { url } = await serve({
      heartbeat: { interval: 60, timeout: 600 },
      maxBuffered: 64 * 1024 * 1024,
      open: opened.put,
    })
    const client = await connect(url, { maxPayload: 64 * 1024 * 1024, heartbeat: false })
    const server = await opened.next()
    const count = 400
    for (let i = 0; i < count; i++) server.send(Buffer.alloc(64 * 1024, i))
    let read = 0
    const before = performance.now()
    for await (const message of client) {
      expect(message[0]).toBe(read % 256)
      read++
      if (read % 4 === 0) await setTimeout(15)
      if (read === count) break
    }
    // It took much longer than the heartbeat waits.
    expect(performance.now() - before).toBeGreaterThan(1200)
    expect(server.state).toBe('open')
    expect(await client.ping()).toBeGreaterThan(0)
    client.close()
    expect((await server.closed).cause).toBe('peer-close')
  })
})

describe('an error that nobody handles ends the process', () => {
  const script = `
    import { subscribe } from 'node:diagnostics_channel'
    import { createServer } from './index.js'
    const fail = (what) => { throw new Error(what) }
    // Of many errors at once only some are printed; all of them are told here.
    subscribe('heartwire.error', ({ error }) => console.error('told: ' + error.message))
    const server = createServer({
      upgrade: (request) => { if (request.path === '/upgrade') fail('upgrade') },
      open: (socket) => void socket.send('x'.repeat(100_000)),
      message(socket, message) {
        if (message === 'ping') void socket.ping()
        else if (message === 'async') return Promise.reject(new Error('async'))
        else if (message === 'slow') for (let i = 0; i < 100; i++) socket.send('x'.repeat(1_000_000))
        else fail(message)
      },
      close: () => fail('close'),
      log: () => fail('log'),
    })
    server.route('/pulled', {
      open: (socket) => { void socket.ping(); socket.duplex().on('error', () => {}) },
    })
    const { port } = await server.listen({ host: '127.0.0.1' })
    process.on('message', async () => {
      await server.close({ deadline: 100 })
      process.disconnect()
    })
    process.send(port)
  `

  test('whatever a peer or a handler does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heartwire-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--project', join(root, 'tsconfig.build.json'), '--outDir', folder, '--noCheck']
    await once(spawn(process.execPath, [compiler, ...options], { stdio: 'ignore' }), 'exit')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'main.js'), script)

    const child = spawn(process.execPath, [join(folder, 'main.js')], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    onTestFinished(() => void child.kill())
    let printed = ''
    child.stderr?.on('data', (data) => {
      printed += String(data)
    })
    const exited = once(child, 'exit')
    const [port] = (await once(child, 'message')) as [number]

    const dialled = async (bytes: string | Uint8Array, ...more: Uint8Array[]) => {
      const peer = await RawPeer.dial(port)
      peer.write(bytes)
      for (const one of more) peer.write(one)
      return peer
    }
    const text = (message: string) => masked(Opcode.Text, message)
    const broken = [
      await dialled('\x16\x03\x01'),
      await dialled('GET / HTTP/1.1\r\n\r\n'),
      await dialled(handshake({ Origin: 'https://evil.example' })),
      await dialled(handshake({ 'Sec-WebSocket-Key': 'short' })),
      await dialled(handshake({}, 'GET /upgrade HTTP/1.1')),
      await dialled(handshake(), text('throws')),
      await dialled(handshake(), text('async')),
      await dialled(handshake(), Uint8Array.of(0xff, 0xff)),
      await dialled(handshake(), Uint8Array.of(0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
      await dialled(handshake({}, 'GET /pulled HTTP/1.1'), Uint8Array.of(0x81, 0x85, 0, 0, 0, 0, 0xff)),
    ]
    const reset = [
      await dialled('GET / HT'),
      await dialled(handshake()),
      await dialled(handshake(), text('ping')),
      await dialled(handshake(), text('slow')),
      await dialled(handshake({}, 'GET /pulled HTTP/1.1'), text('pulled')),
    ]
    for (const peer of reset.slice(2)) await peer.head()
    for (const peer of reset) peer.stream.resetAndDestroy()
    for (const peer of broken) {
      await peer.end()
      peer.stream.end()
    }
    // It still serves.
    const peer = await RawPeer.open(port)
    expect((await peer.frame()).payload).toHaveLength(100_000)
    child.send('end')
    expect(await peer.closeFrame()).toEqual([1001, ''])
    peer.sendClose(1001)
    await peer.end()
    peer.stream.end()
    expect(await exited).toEqual([0, null])
    // Nothing was hidden either.
    for (const what of ['upgrade', 'throws', 'async', 'close', 'log']) expect(printed).toContain(`told: ${what}\n`)
  })
})
