/** Compression in processes of their own: what it takes in memory, and how they end in the midst of it. */
import { constants, deflateRawSync } from 'node:zlib'
import { Opcode } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { RawPeer } from '../support/raw-peer.ts'
import { Program } from './program.ts'

const MIB = 1024 * 1024

/** A mebibyte or so of compressed data that comes to a gibibyte: a full flush lets its parts be put together. */
function bomb(): Uint8Array {
  const part = deflateRawSync(Buffer.alloc(16 * MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  const whole = Buffer.concat(Array<Buffer>(64).fill(part))
  return whole.subarray(0, whole.length - 4)
}

/** Most memory that a program has had so far, in MiB. */
async function peak(program: Program): Promise<number> {
  program.tell('memory')
  return (await program.hear('memory')).peak / MIB
}

/** A server in a process of its own, and clients that are nothing but frames. */
async function server(peers: number): Promise<{ program: Program; peers: RawPeer[] }> {
  const program = new Program('server', { compression: 'takeover' })
  const { port } = await program.hear('listening')
  const open = () => RawPeer.open(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
  return { program, peers: await Promise.all(Array.from({ length: peers }, open)) }
}

describe('a bomb costs no more memory than the cap, and ends with 1009', () => {
  test.each([
    ['all of it', 1],
    ['as little of it as is begun at once', 32],
  ])('%s', async (_, share) => {
    const whole = bomb()
    expect(whole.length).toBeLessThan(1.1 * MIB)
    // Whatever is left of it ends inside of a block, but that is not looked at.
    const payload = whole.subarray(0, Math.floor(whole.length / share))
    const { program, peers } = await server(8)
    const before = await peak(program)
    for (const peer of peers) peer.send(Opcode.Binary, payload, { rsv1: true })
    for (const peer of peers) {
      expect(await peer.closeFrame()).toEqual([1009, 'message too large'])
      peer.stream.end()
    }
    for (const _ of peers) {
      const { info } = await program.hear('close')
      expect(info).toMatchObject({ cause: 'message-too-large', sent: 1009 })
    }
    // The messages as they came take a third of it. Of the eight four are in the thread pool at a time.
    expect((await peak(program)) - before).toBeLessThan(40)
  })
})

describe('messages are compressed and decompressed in the thread pool, and the end does not wait for them', () => {
  test('of a worker thread', async () => {
    const program = new Program('compression')
    for (let i = 0; i < 5; i++) {
      program.tell('thread')
      await program.hear('busy')
      await program.order('endThread')
    }
    // The process is as it was.
    await program.order('begin')
    await program.hear('busy')
  })

  test('of the process', async () => {
    const program = new Program('compression')
    program.tell('begin')
    await program.hear('busy')
    program.tell('exit')
    expect(await program.hear('ended')).toMatchObject({ how: 'exit code 0' })
  })

  test('of the server: the process ends by itself', async () => {
    const program = new Program('compression')
    program.tell('begin')
    await program.hear('busy')
    program.tell('close')
    expect(await program.hear('ended')).toMatchObject({ how: 'exit code 0' })
  })
})
