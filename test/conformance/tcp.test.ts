import { once } from 'node:events'
import { createServer as createTcpServer, type Socket as TcpSocket } from 'node:net'
import { connect, createServer, type Server } from 'heartwire'
import { acceptKey, portablePlatform } from 'heartwire/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CloseInfo } from '../../src/protocol/close-info.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { type Case, casesOf } from './case.ts'
import { RULES } from './rules.ts'
import { judge } from './verdict.ts'

/** Echoes, and closes when it is told to; what `createServer` and `connect` take. */
function echo({ closes, limits }: Case, put: (info: CloseInfo) => void) {
  return {
    ...limits,
    heartbeat: false,
    open(socket: { close(code: number, reason: string): void }) {
      if (closes !== undefined) socket.close(...closes)
    },
    message(socket: { send(message: string | Uint8Array): unknown }, message: string | Uint8Array) {
      socket.send(message)
    },
    close(_: unknown, info: CloseInfo) {
      put(info)
    },
  } as const
}

/** The servers under test, one for each set of options. */
class Servers {
  private readonly running = new Map<string, { server: Server<undefined>; port: number; infos: Mailbox<CloseInfo> }>()

  async of(one: Case): Promise<{ port: number; infos: Mailbox<CloseInfo> }> {
    const key = JSON.stringify([one.closes, one.limits])
    const found = this.running.get(key)
    if (found !== undefined) return found
    const infos = new Mailbox<CloseInfo>()
    const server = createServer<undefined>({ log: () => {}, ...echo(one, infos.put) })
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
    const started = { server, port, infos }
    this.running.set(key, started)
    return started
  }

  async close(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ server }) => server.close({ deadline: 1 })))
  }
}

/** Sends the case's bytes and ends TCP when it is this end's turn; gives all that came back. */
async function play(peer: RawPeer, one: Case, pieces: number): Promise<Uint8Array> {
  const { input, output, endsFirst, thenEnds } = one
  const size = Math.ceil(input.length / pieces) || 1
  for (let at = 0; at < input.length; at += size) {
    peer.write(input.subarray(at, at + size))
    if (size < input.length) await new Promise((resolve) => setImmediate(resolve))
  }
  if (thenEnds) peer.stream.end()
  if (endsFirst) await peer.end()
  else await peer.until(() => (peer.bytes.length >= output.length ? true : undefined))
  // Nothing but the end may come from here on.
  if (!endsFirst && !thenEnds) expect(peer.ended).toBe(false)
  peer.stream.end()
  await peer.close()
  expect(peer.error).toBeUndefined()
  return peer.bytes
}

/** Whole, and in as many pieces as it has bytes, up to a thousand. */
const WAYS: [name: string, pieces: (one: Case) => number][] = [
  ['whole', () => 1],
  ['byte by byte', ({ input }) => Math.min(input.length, 1_000)],
]

const named = (one: Case) => [one.section, one.name, one] as const

describe.each(WAYS)('over TCP, %s', (_, pieces) => {
  describe('a server', () => {
    const servers = new Servers()
    afterAll(() => servers.close())

    test.each(casesOf(RULES, 'server').map(named))('%s %s', async (_, __, one) => {
      const { port, infos } = await servers.of(one)
      const peer = await RawPeer.open(port)
      const sent = await play(peer, one, pieces(one))
      judge(one, sent, await infos.next(), pieces(one) === 1)
    })
  })

  describe('a client', () => {
    const listener = createTcpServer({ allowHalfOpen: true, noDelay: true })
    const accepted = new Mailbox<TcpSocket>()
    let url: string

    beforeAll(async () => {
      listener.on('connection', accepted.put)
      await once(listener.listen(0, '127.0.0.1'), 'listening')
      const address = listener.address()
      url = `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    })
    afterAll(() => once(listener.close(), 'close'))

    test.each(casesOf(RULES, 'client').map(named))('%s %s', async (_, __, one) => {
      const infos = new Mailbox<CloseInfo>()
      const opened = connect(url, { proxy: false, ...echo(one, infos.put) })
      const peer = new RawPeer(await accepted.next())
      peer.write(answerTo(await peer.head()))
      await opened
      const sent = await play(peer, one, pieces(one))
      judge(one, sent, await infos.next(), pieces(one) === 1)
    })
  })
})

/** The head of a server's answer. */
function answerTo(request: string): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1] ?? ''
  const accept = acceptKey(key, portablePlatform)
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
}
