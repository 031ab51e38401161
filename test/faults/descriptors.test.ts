/** A process that has no file descriptor left for a connection. */
import { connect, type HandshakeError, type Socket } from 'heartwire'
import { describe, expect, test } from 'vitest'
import { RawPeer } from '../support/raw-peer.ts'
import { Program } from './program.ts'

/** The CPU time of a process is read from its /proc, and how Node runs out of descriptors depends on the system. */
const LINUX = process.platform === 'linux'
/** What a process may have: Node needs many to load modules. */
const DESCRIPTORS = 128
/** What is left of them for connections. */
const LEFT = 20
const SECONDS = 1_000
const SHORTAGE = 'This process has no file descriptor left (EMFILE): new connections are cut as soon as they come.'

/** A server in another process, with few descriptors. */
async function fewDescriptors(options: { attached?: boolean } = {}) {
  const program = new Program('server', options, DESCRIPTORS)
  const { url, port } = await program.hear('listening')
  await program.order('fill', LEFT)
  return { program, url, port }
}

/** Connects until the server cannot accept one more. */
async function connectUntilRefused(url: string): Promise<{ sockets: Socket[]; refusal: HandshakeError }> {
  const sockets: Socket[] = []
  for (;;) {
    try {
      sockets.push(await connect(url))
    } catch (error) {
      return { sockets, refusal: error as HandshakeError }
    }
  }
}

async function answersAll(sockets: Socket[]): Promise<void> {
  for (const socket of sockets) socket.send('anyone there?')
  for (const socket of sockets) expect(await socket.receive()).toBe('anyone there?')
}

describe.skipIf(!LINUX)('a server that has no file descriptor left', () => {
  test('cuts whoever comes, serves those it has, says it once, and goes on when there are some', async () => {
    const { program, url } = await fewDescriptors()
    const { sockets, refusal } = await connectUntilRefused(url)
    expect(sockets).toHaveLength(LEFT)
    expect(refusal).toMatchObject({ name: 'HandshakeError', code: 'HANDSHAKE_ABORTED' })
    expect(await program.hear('error')).toEqual({ event: 'error', code: 'EMFILE', message: SHORTAGE, ofSocket: false })
    for (let i = 0; i < 50; i++) await expect(connect(url)).rejects.toMatchObject({ code: 'HANDSHAKE_ABORTED' })
    await answersAll(sockets)

    const [gone] = sockets.splice(0, 1)
    gone?.close()
    await program.hear('close')
    sockets.push(await connect(url))
    await answersAll(sockets)
    expect(program.all('error')).toHaveLength(1)
  })

  test('says so as well when its files have taken them all, and nobody connects', async () => {
    const { program, url } = await fewDescriptors()
    await program.order('fill')
    expect((await program.hear('error')).code).toBe('EMFILE')
    await expect(connect(url)).rejects.toMatchObject({ code: 'HANDSHAKE_ABORTED' })
    await program.order('free')
    await answersAll([await connect(url)])
  })

  // The reserve is Node's only defence: without it, it would do nothing but try to accept, and whoever comes would hang.
  test.each([
    { name: 'listens', attached: false },
    { name: 'is attached', attached: true },
  ])('and $name gets back the one in reserve, when it was snatched, and does not spin', async ({ attached }) => {
    const { program, url, port } = await fewDescriptors({ attached })
    const socket = await connect(url)
    program.tell('snatch')
    const lost = program.hear('reserve lost')
    let isLost = false
    void lost.then(() => {
      isLost = true
    })
    const peers: RawPeer[] = []
    while (!isLost) peers.push(await RawPeer.dial(port))
    await Promise.all(peers.map((peer) => peer.end()))

    const [used, since] = [program.cpuSeconds, performance.now()]
    await answersAll([socket])
    await expect(connect(url)).rejects.toMatchObject({ code: 'HANDSHAKE_ABORTED' })
    await new Promise((resolve) => setTimeout(resolve, 2 * SECONDS))
    // All of a core, and little of one: whatever else the machine does, these are apart.
    expect((program.cpuSeconds - used) / ((performance.now() - since) / SECONDS)).toBeLessThan(0.3)
    await program.order('free')
    await answersAll([await connect(url)])
  })
})

describe.skipIf(!LINUX)('a client that has no file descriptor left', () => {
  test.each(['127.0.0.1', 'localhost'])('is told so, and not only that %s was not reached', async (host) => {
    const { port } = await fewDescriptors()
    const client = new Program('client', {}, DESCRIPTORS)
    await client.order('fill')
    await client.order('connect', `ws://${host}:${port}`)
    expect(client.all('failed')).toEqual([
      {
        event: 'failed',
        name: 'HandshakeError',
        code: 'CONNECT_FAILED',
        message: `This process has no file descriptor left for a connection to ${host}:${port} (EMFILE).`,
        cause: 'EMFILE',
      },
    ])
    await client.order('free')
    await client.order('connect', `ws://${host}:${port}`)
    expect(client.all('open')).toHaveLength(1)
  })
})
