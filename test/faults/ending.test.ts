/** A process or a thread that ends within a handler, while others of the same turn of the event loop are still to be told. */
import { Opcode } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'
import { Program } from './program.ts'

const NATIVE = findAddon().addon !== undefined
const PEERS = 8
/** Which call of a handler does not return. */
const NTH = 4

type Handler = 'open' | 'message' | 'close'

/** Peers each of which will have this handler of the server called. */
function peersFor(handler: Handler, port: number): Promise<RawPeer[]> {
  const start = () => (handler === 'open' ? RawPeer.dial(port) : RawPeer.open(port))
  return Promise.all(Array.from({ length: PEERS }, start))
}

/** Has the handler called for all of them; the kernel has what they send when this returns. */
async function provoke(handler: Handler, peers: RawPeer[]): Promise<void> {
  for (const peer of peers) {
    if (handler === 'open') peer.write(handshake())
    else if (handler === 'message') peer.send(Opcode.Text, 'message')
    else peer.stream.resetAndDestroy()
  }
}

/** Everything that came of the connection, when it is over. */
async function all(peer: RawPeer): Promise<string> {
  peer.stream.end()
  await peer.close()
  return peer.bytes.toString('latin1')
}

async function says(peer: RawPeer, text: string): Promise<void> {
  peer.send(Opcode.Text, text)
  expect(await peer.text()).toEqual([Opcode.Text, text])
}

describe('process.exit() within a handler, with others of the turn still to come, ends the process at once', () => {
  // Node's sockets give each connection a turn of its own, and what was sent in it leaves behind it. With the native transport
  // all that came at once is one turn.
  test.each<[Handler]>([['open'], ['message'], ['close']])('%s', async (handler) => {
    // The first one is there before.
    const nth = handler === 'open' ? NTH + 1 : NTH
    const program = new Program('ending', { handler, nth, how: 'exit' })
    const { port } = await program.hear('listening')
    const first = await RawPeer.open(port)
    expect(await first.text()).toEqual([Opcode.Text, 'open'])
    const peers = await peersFor(handler, port)
    if (handler !== 'open') for (const peer of peers) expect(await peer.text()).toEqual([Opcode.Text, 'open'])
    await program.holding(() => provoke(handler, peers))
    expect(await program.hear('ended')).toEqual({ event: 'ended', how: 'exit code 7' })
    expect(program.errors).toBe('')
    const heard = await Promise.all((handler === 'close' ? [first] : peers).map(all))
    expect(heard.join('').split(handler).length - 1).toBe(NATIVE ? 0 : NTH - 1)
  })
})

describe('a thread that ends within a handler: its connections end, and those of the main thread go on', () => {
  async function started(handler: Handler, how: string) {
    const program = new Program('ending', { thread: { handler, nth: NTH, how } })
    const { port } = await program.hear('listening')
    const peer = await RawPeer.open(port)
    await peer.text()
    return { program, port, peer }
  }

  /** Starts a thread, and has it call the handler for all who are connected to it. */
  async function threadInside(program: Program, handler: Handler): Promise<{ port: number; peers: RawPeer[] }> {
    program.tell('startThread')
    const { port } = await program.hear('thread')
    const peers = await peersFor(handler, port)
    if (handler !== 'open') for (const peer of peers) await peer.text()
    await program.holding(() => provoke(handler, peers), 'holdThread')
    return { port, peers }
  }

  test.each<[Handler, string]>([
    ['open', 'wait'],
    ['message', 'wait'],
    ['close', 'wait'],
    ['message', 'spin'],
  ])('by terminate() from outside, in %s, where it does nothing but %s', async (handler, how) => {
    const { program, port, peer } = await started(handler, how)
    // A second one has what the first has left.
    for (let i = 0; i < 2; i++) {
      const thread = await threadInside(program, handler)
      await program.hear('inside')
      await says(peer, 'meanwhile')
      program.tell('terminate')
      expect(await program.hear('thread ended')).toMatchObject({ code: 1 })
      await Promise.all(thread.peers.map(all))
      await expect(RawPeer.dial(thread.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await says(peer, 'afterwards')
      await says(await opened(port), 'and to others')
    }
    expect(program.errors).toBe('')
  })

  test.each<[Handler]>([['open'], ['message'], ['close']])('by process.exit() in %s', async (handler) => {
    const { program, port, peer } = await started(handler, 'exit')
    for (let i = 0; i < 2; i++) {
      const thread = await threadInside(program, handler)
      expect(await program.hear('thread ended')).toMatchObject({ code: 7 })
      await Promise.all(thread.peers.map(all))
      await expect(RawPeer.dial(thread.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await says(peer, 'afterwards')
      await says(await opened(port), 'and to others')
    }
    expect(program.errors).toBe('')
  })

  async function opened(port: number): Promise<RawPeer> {
    const peer = await RawPeer.open(port)
    expect(await peer.text()).toEqual([Opcode.Text, 'open'])
    return peer
  }
})
