/** When what is sent leaves: in the turn in which it was, whatever that turn is about. No event of any socket is needed for it. */
import { readSync } from 'node:fs'
import { Opcode, type ServerSocket } from 'heartwire'
import { encodeFrame } from 'heartwire/protocol'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import type { TransportOption } from '../../src/transport/choice.ts'
import { nativeOfThread } from '../../src/transport/native-loop.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

const TRANSPORTS: TransportOption[] = findAddon().addon === undefined ? ['node'] : ['native', 'node']
/** Milliseconds for the kernel to bring bytes from one end to the other. */
const PATIENCE = 2_000

/** As many connections of a server, and their other ends. */
async function pairs(transport: TransportOption, count: number): Promise<[ServerSocket<undefined>, RawPeer][]> {
  const opened = new Mailbox<ServerSocket<undefined>>()
  const { port } = await serve<undefined>({ transport, open: opened.put })
  const all: [ServerSocket<undefined>, RawPeer][] = []
  for (let i = 0; i < count; i++) {
    const peer = await RawPeer.open(port)
    all.push([await opened.next(), peer])
  }
  return all
}

/** Reads what has come, without the event loop, which stands still meanwhile: nothing else can happen. */
function readNow(peer: RawPeer, length: number): string {
  const fd = (peer.stream as unknown as { _handle: { fd: number } })._handle.fd
  const bytes = Buffer.alloc(length)
  let read = 0
  for (const until = performance.now() + PATIENCE; read < length && performance.now() < until; ) {
    try {
      read += readSync(fd, bytes, read, length - read, null)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
  return bytes.toString('latin1', 0, read)
}

function text(payload: string): string {
  return Buffer.from(encodeFrame({ opcode: Opcode.Text, payload: Buffer.from(payload) })).toString('latin1')
}

const TURNS: [name: string, run: (callback: () => void) => void][] = [
  ['a timer', (callback) => void setTimeout(callback, 1)],
  ['setImmediate', (callback) => void setImmediate(callback)],
  ['process.nextTick', (callback) => process.nextTick(callback)],
  ['a promise', (callback) => void Promise.resolve().then(callback)],
  ['a promise behind a timer', (callback) => void setTimeout(() => Promise.resolve().then(callback), 1)],
]

/** Runs this in such a turn, and `look` behind it, before anything else can happen. */
function inTurn<T>(run: (callback: () => void) => void, work: () => void, look: () => T): Promise<T> {
  return new Promise((resolve) => {
    run(() => {
      work()
      process.nextTick(() => resolve(look()))
    })
  })
}

describe.skipIf(process.platform === 'win32').each(TRANSPORTS)('on the transport %s', (transport) => {
  test.each(TURNS)('what is sent from %s leaves in its turn', async (_name, run) => {
    const [[socket, peer]] = (await pairs(transport, 1)) as [[ServerSocket<undefined>, RawPeer]]
    const expected = text('one') + text('two')
    const send = () => {
      socket.send('one')
      socket.send('two')
    }
    for (let i = 0; i < 3; i++) expect(await inTurn(run, send, () => readNow(peer, expected.length))).toBe(expected)
  })

  test('and so does what is sent to many, and what is too long to be gathered', async () => {
    const all = await pairs(transport, 20)
    const long = 'x'.repeat(20_000)
    const send = () => {
      for (const [socket] of all) {
        socket.send('short')
        socket.send(long)
        socket.send('behind')
      }
    }
    const expected = text('short') + text(long) + text('behind')
    const look = () => all.every(([, peer]) => readNow(peer, expected.length) === expected)
    expect(await inTurn((callback) => void setTimeout(callback, 1), send, look)).toBe(true)
  })
})

describe.runIf(findAddon().addon !== undefined)('the native addon is called', () => {
  /** How often it was called for what is sent to three connections, five messages each. */
  async function calls(run: (callback: () => void) => void, sendAll: (sockets: ServerSocket<undefined>[]) => void) {
    const sockets = (await pairs('native', 3)).map(([socket]) => socket)
    const native = nativeOfThread()!
    const [send, write, writeAll] = [vi.spyOn(native, 'send'), vi.spyOn(native, 'write'), vi.spyOn(native, 'writeAll')]
    onTestFinished(() => void vi.restoreAllMocks())
    const count = () => ({
      send: send.mock.calls.map(([pieces]) => pieces),
      write: write.mock.calls.length,
      writeAll: writeAll.mock.calls.length,
    })
    return inTurn(run, () => sendAll(sockets), count)
  }

  test.each(TURNS)('once for all that is sent from %s, one connection after the other', async (_name, run) => {
    const sendAll = (sockets: ServerSocket<undefined>[]) => {
      for (const socket of sockets) for (let i = 0; i < 5; i++) socket.send(`message ${i}`)
    }
    expect(await calls(run, sendAll)).toEqual({ send: [3], write: 0, writeAll: 0 })
  })

  test.each(TURNS)('once for each connection, for what is sent from %s to all of them in turns', async (_name, run) => {
    const sendAll = (sockets: ServerSocket<undefined>[]) => {
      for (let i = 0; i < 5; i++) for (const socket of sockets) socket.send(`message ${i}`)
    }
    expect(await calls(run, sendAll)).toEqual({ send: [], write: 0, writeAll: 3 })
  })
})
