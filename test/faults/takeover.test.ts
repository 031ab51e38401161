/** A connection that cannot be taken over from Node, since that needs one more file descriptor for a moment. */
import { Opcode } from 'heartwire'
import { expect, test } from 'vitest'
import { findAddon } from '../../src/transport/addon.ts'
import { masked, RawPeer } from '../support/raw-peer.ts'
import { Program } from './program.ts'

/** What a process may have: Node needs many to load modules. */
const DESCRIPTORS = 128
const NATIVE = findAddon().addon !== undefined

async function says(peer: RawPeer, text: string): Promise<void> {
  peer.send(Opcode.Text, text)
  expect(await peer.text()).toEqual([Opcode.Text, text])
}

test.skipIf(process.platform !== 'linux').each([
  ['attach', { attached: true }],
  ['handleUpgrade', { handed: true }],
])('with no descriptor left for it, one that comes by %s stays on its socket, and works', async (_by, options) => {
  const program = new Program('server', options, DESCRIPTORS)
  const { port } = await program.hear('listening')
  const nodesOwn = async () => {
    program.tell('sockets')
    return (await program.hear('sockets')).ofNode
  }

  await says(await RawPeer.open(port), 'taken over')
  expect(await nodesOwn()).toBe(NATIVE ? 0 : 1)

  // The one that is left is the socket's own.
  await program.order('fill', 1)
  const early = masked(Opcode.Text, 'with the handshake')
  const peer = await RawPeer.open(port, {}, undefined, early)
  expect(await peer.text()).toEqual([Opcode.Text, 'with the handshake'])
  await says(peer, 'stays')
  expect(await nodesOwn()).toBe(NATIVE ? 1 : 2)

  await program.order('free')
  await says(await RawPeer.open(port), 'taken over again')
  expect(await nodesOwn()).toBe(NATIVE ? 1 : 3)
  peer.sendClose(1000)
  expect(await peer.closeFrame()).toEqual([1000, ''])
  expect((await program.hear('close')).info).toMatchObject({ code: 1000, wasClean: true })
})
