/** Peers that are processes of their own: stopped, killed, or busy with something else. */
import { connect, type ObservedFrame, Opcode, type ServerSocket } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'
import { Program } from './program.ts'

/** It has no such signals. */
const WINDOWS = process.platform === 'win32'
const HEARTBEAT = { interval: 100, timeout: 100 }
/** Never pings while a test runs. */
const QUIET = { interval: 600_000 }

/** A server here, and a client in another process. */
async function withClient(options: Parameters<typeof serve<undefined>>[0] = {}, clientOptions: object = {}) {
  const opened = new Mailbox<ServerSocket<undefined>>()
  const frames = new Mailbox<ObservedFrame>()
  const { url } = await serve<undefined>({
    message: (socket, message) => void socket.send(message),
    observeFrames: (_socket, frame) => frames.put(frame),
    ...options,
    open: opened.put,
  })
  const program = new Program('client', { heartbeat: QUIET, ...clientOptions })
  program.tell('connect', url)
  return { url, program, socket: await opened.next(), frames }
}

/** Waits for a frame that goes this way; those before it are passed over. */
async function frameOf(frames: Mailbox<ObservedFrame>, direction: 'in' | 'out', opcode: number): Promise<void> {
  for (;;) {
    const frame = await frames.next()
    if (frame.direction === direction && frame.opcode === opcode) return
  }
}

describe.skipIf(WINDOWS)('a peer that is stopped (SIGSTOP)', () => {
  test('was alive before, is found dead by the heartbeat, and learns it when it goes on', async () => {
    const { program, socket, frames } = await withClient({ heartbeat: HEARTBEAT })
    await frameOf(frames, 'in', Opcode.Pong)
    expect(socket.state).toBe('open')

    await program.signal('SIGSTOP')
    expect(await socket.closed).toMatchObject({ cause: 'heartbeat', code: 1006, sent: undefined, wasClean: false })

    await program.signal('SIGCONT')
    const { info } = await program.hear('close')
    // Its answer to the ping may meet the closed port before it reads the end.
    expect(['eof', 'reset']).toContain(info.cause)
    expect(info).toMatchObject({ code: 1006, wasClean: false })
  })

  test('and goes on in time, survives', async () => {
    const { program, socket, frames } = await withClient({ heartbeat: { interval: 100, timeout: 60_000 } })
    await frameOf(frames, 'in', Opcode.Pong)
    await program.signal('SIGSTOP')
    await frameOf(frames, 'out', Opcode.Ping)
    await program.signal('SIGCONT')
    await frameOf(frames, 'in', Opcode.Pong)
    program.tell('send', 'still here')
    expect((await program.hear('message')).message).toBe('still here')
    expect(socket.state).toBe('open')
  })

  test('as a server is found dead by its client', async () => {
    const program = new Program('server', { heartbeat: QUIET })
    const { url } = await program.hear('listening')
    const socket = await connect(url, { heartbeat: HEARTBEAT })
    await socket.ping()
    await program.signal('SIGSTOP')
    expect(await socket.closed).toMatchObject({ cause: 'heartbeat', code: 1006, sent: undefined })
  })

  test('while a great message is on its way to it is found dead as well', async () => {
    const { program, socket } = await withClient({ heartbeat: HEARTBEAT, maxBuffered: Number.POSITIVE_INFINITY })
    await program.hear('open')
    await program.signal('SIGSTOP')
    expect(socket.send(Buffer.alloc(64 * 1024 * 1024))).toBe('slow')
    expect(await socket.closed).toMatchObject({ cause: 'heartbeat', code: 1006, sent: undefined })
  })
})

describe.skipIf(WINDOWS)('a peer that is killed (SIGKILL)', () => {
  test('is an end without a Close frame: the kernel sends its FIN', async () => {
    const { program, socket } = await withClient()
    await program.hear('open')
    await program.signal('SIGKILL')
    expect(await socket.closed).toEqual({
      code: 1006,
      reason: '',
      wasClean: false,
      initiator: 'peer',
      cause: 'eof',
      sent: undefined,
      received: undefined,
      error: undefined,
    })
  })

  test('with something unread is a reset', async () => {
    const { program, socket } = await withClient()
    await program.hear('open')
    await program.signal('SIGSTOP')
    socket.send('never read')
    await socket.drained()
    await program.signal('SIGKILL')
    expect(await socket.closed).toMatchObject({
      code: 1006,
      initiator: 'peer',
      cause: 'reset',
      wasClean: false,
      error: { code: 'ECONNRESET' },
    })
  })

  test('while a great message is on its way to it is a reset', async () => {
    const { program, socket } = await withClient({ maxBuffered: Number.POSITIVE_INFINITY })
    await program.hear('open')
    await program.signal('SIGSTOP')
    socket.send(Buffer.alloc(64 * 1024 * 1024))
    await program.signal('SIGKILL')
    expect(await socket.closed).toMatchObject({ code: 1006, initiator: 'peer', cause: 'reset' })
  })

  test('as a server is told to its client', async () => {
    const program = new Program('server')
    const { url } = await program.hear('listening')
    const socket = await connect(url)
    await program.signal('SIGKILL')
    expect(await socket.closed).toMatchObject({ code: 1006, initiator: 'peer', cause: 'eof', error: undefined })
  })
})

describe.skipIf(WINDOWS)('a process that does nothing else for longer than interval and time-out', () => {
  test('as a server keeps its healthy peers, and finds the dead one afterwards', async () => {
    const program = new Program('server', { heartbeat: HEARTBEAT })
    const { url, port } = await program.hear('listening')
    const healthy = await Promise.all([1, 2, 3].map(() => connect(url, { heartbeat: false })))
    const dead = await RawPeer.open(port)
    program.tell('block', 1_000)
    // What comes while it is blocked is answered behind it.
    for (const socket of healthy) socket.send('anyone there?')
    for (const socket of healthy) expect(await socket.receive()).toBe('anyone there?')
    expect((await program.hear('close')).info).toMatchObject({ cause: 'heartbeat' })
    await dead.end()
    for (const socket of healthy) {
      expect(await socket.ping()).toBeGreaterThan(0)
      expect(socket.state).toBe('open')
    }
    expect(program.all('close')).toHaveLength(1)
  })

  test('as a client keeps its healthy server, and finds it dead afterwards when it is', async () => {
    const server = new Program('server', { heartbeat: QUIET })
    const { url } = await server.hear('listening')
    const client = new Program('client', { heartbeat: HEARTBEAT })
    await client.order('connect', url)
    await client.order('block', 1_000)
    client.tell('send', 'anyone there?')
    expect((await client.hear('message')).message).toBe('anyone there?')
    expect(client.all('close')).toEqual([])
    await server.signal('SIGSTOP')
    expect((await client.hear('close')).info).toMatchObject({ cause: 'heartbeat', code: 1006 })
  })
})
