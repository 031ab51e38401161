/** Handlers of connections that all have something in one turn of the event loop: each is as if it were alone. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Opcode, type ServerOptions, type ServerSocket } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import type { TransportOption } from '../../src/transport/choice.ts'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { serve } from '../support/servers.ts'

const TRANSPORTS: TransportOption[] = findAddon().addon === undefined ? ['node'] : ['native', 'node']
const PEERS = 7
/** Which of the calls fails. */
const NTH = 4

type Options = ServerOptions<undefined>

/** All of them send, and then nothing happens for so long that all of it has arrived. */
function together(peers: readonly RawPeer[], send: (peer: RawPeer) => void): void {
  for (const peer of peers) send(peer)
  for (const until = performance.now() + 50; performance.now() < until; );
}

/** What a peer gets next: of a Close frame the code. */
async function next(peer: RawPeer): Promise<string | number> {
  const frame = await peer.frame()
  const payload = Buffer.from(frame.payload)
  return frame.opcode === Opcode.Close ? payload.readUInt16BE(0) : payload.toString()
}

/** How often each of these was found. */
function counted<T>(found: readonly T[]): [T, number][] {
  return [...new Set(found)].map((one): [T, number] => [one, found.filter((other) => other === one).length]).toSorted()
}

describe.each(TRANSPORTS)('on the transport %s', (transport) => {
  describe('a handler that throws in the middle fails its own connection, and the others are served', () => {
    const boom = new Error('boom')
    let calls = 0
    const fail = () => {
      if (++calls === NTH) throw boom
    }

    async function start(options: Options, open = true) {
      calls = 0
      const errors = new Mailbox<unknown>()
      const { port } = await serve<undefined>({ transport, ...options, error: (error) => errors.put(error) })
      const dial = () => (open ? RawPeer.open(port) : RawPeer.dial(port))
      return { errors, peers: await Promise.all(Array.from({ length: PEERS }, dial)), port }
    }

    test.each<[name: string, options: Options, opcode: number]>([
      [
        'message',
        {
          message(socket, message) {
            fail()
            socket.send(message)
          },
        },
        Opcode.Text,
      ],
      ['ping', { ping: fail }, Opcode.Ping],
      [
        'pong',
        {
          pong(socket) {
            fail()
            socket.send('x')
          },
        },
        Opcode.Pong,
      ],
    ])('%s', async (_name, options, opcode) => {
      const { errors, peers } = await start(options)
      together(peers, (peer) => peer.send(opcode, 'x'))
      const found = await Promise.all(
        peers.map(async (peer) => {
          const first = await next(peer)
          // A failed ping has been answered all the same.
          if (opcode !== Opcode.Ping) return first
          peer.send(Opcode.Ping, 'y')
          return next(peer)
        }),
      )
      expect(counted(found)).toEqual([
        [1011, 1],
        [opcode === Opcode.Ping ? 'y' : 'x', PEERS - 1],
      ])
      expect(errors.all).toEqual([boom])
    })

    test('open', async () => {
      const open = (socket: ServerSocket<undefined>) => {
        fail()
        socket.send('open')
      }
      const { errors, peers } = await start({ open }, false)
      together(peers, (peer) => peer.write(handshake()))
      for (const peer of peers) expect(await peer.head()).toMatch(/^HTTP\/1\.1 101 /)
      expect(counted(await Promise.all(peers.map(next)))).toEqual([
        [1011, 1],
        ['open', PEERS - 1],
      ])
      expect(errors.all).toEqual([boom])
    })

    test('upgrade', async () => {
      const { errors, peers } = await start({ upgrade: fail, open() {} }, false)
      together(peers, (peer) => peer.write(handshake()))
      const statuses = await Promise.all(peers.map(async (peer) => (await peer.head()).slice(9, 12)))
      expect(counted(statuses)).toEqual([
        ['101', PEERS - 1],
        ['500', 1],
      ])
      expect(errors.all).toEqual([boom])
    })

    test.each(['FIN', 'RST'])('close, of connections that end by %s', async (how) => {
      const closed = new Mailbox<number>()
      const close: Options['close'] = (_socket, { code }) => {
        closed.put(code)
        fail()
      }
      const { errors, peers, port } = await start({ close, message: (socket, message) => void socket.send(message) })
      const other = await RawPeer.open(port)
      together(peers, ({ stream }) => (how === 'FIN' ? stream.end() : stream.resetAndDestroy()))
      expect(await closed.take(PEERS)).toEqual(Array(PEERS).fill(1006))
      expect(await errors.next()).toBe(boom)
      other.send(Opcode.Text, 'still here')
      expect(await next(other)).toBe('still here')
      expect(errors.all).toEqual([boom])
    })
  })

  test('what a handler enters of an AsyncLocalStorage is there for its own connection, and for no other', async () => {
    const storage = new AsyncLocalStorage<string>()
    const found = new Mailbox<string>()
    let made = 0
    const numbers = new Map<unknown, number>()
    const note = (handler: string, socket: unknown) =>
      found.put(`${handler} of ${numbers.get(socket)} in ${storage.getStore()}`)
    const { port } = await storage.run('the server', () =>
      serve<undefined>({
        transport,
        open(socket) {
          numbers.set(socket, made++)
          note('open', socket)
          storage.enterWith(`that of ${numbers.get(socket)}`)
        },
        async message(socket) {
          note('message', socket)
          setTimeout(() => note('timer', socket), 0)
          await null
          note('behind await', socket)
        },
        close: (socket) => note('close', socket),
      }),
    )
    const peers = await Promise.all(Array.from({ length: PEERS }, () => RawPeer.dial(port)))
    together(peers, (peer) => peer.write(handshake()))
    for (const peer of peers) await peer.head()
    together(peers, (peer) => peer.send(Opcode.Text, 'x'))
    await found.reach(4 * PEERS)
    together(peers, ({ stream }) => stream.resetAndDestroy())
    await found.reach(5 * PEERS)
    const expected = Array.from({ length: PEERS }, (_, i) => [
      `open of ${i} in the server`,
      ...['message', 'behind await', 'timer', 'close'].map((name) => `${name} of ${i} in that of ${i}`),
    ])
    expect(found.all.toSorted()).toEqual(expected.flat().toSorted())
  })
})
