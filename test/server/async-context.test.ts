import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer, type ServerOptions } from 'heartwire'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { handshake, RawPeer } from '../support/raw-peer.ts'

const storage = new AsyncLocalStorage<string>()

type Found = [name: string, store: string | undefined]
type Start = (options: ServerOptions<undefined>) => Promise<number>

/** Made in one context, it listens in another. */
const listens: Start = async (options) => {
  const server = storage.run('createServer', () => createServer(options))
  onTestFinished(async () => void (await server.close({ deadline: 1 })))
  const { port } = await storage.run('listen', () => server.listen({ host: '127.0.0.1' }))
  return port
}

/** Made in one context, it is attached to an HTTP server of another. */
const isAttached =
  (attach: { match?: () => boolean } = {}): Start =>
  async (options) => {
    const server = storage.run('createServer', () => createServer(options))
    const http = storage.run('http', () => createHttpServer())
    onTestFinished(async () => {
      http.close()
      await server.close({ deadline: 1 })
    })
    storage.run('attach', () => server.attach(http, attach))
    await storage.run('listen', () => new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve)))
    return (http.address() as AddressInfo).port
  }

/** A handshake of its own is made in the context of the application that hands it over. */
const isHanded: Start = async (options) => {
  const server = storage.run('createServer', () => createServer(options))
  const http = createHttpServer()
  onTestFinished(async () => {
    http.close()
    await server.close({ deadline: 1 })
  })
  http.on('upgrade', (request, stream, head) => {
    storage.run('handleUpgrade', () => server.handleUpgrade(request, stream, head))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return (http.address() as AddressInfo).port
}

/** What the hooks of a server find while a client connects, and what its `open` handler does. */
async function found(start: Start, options: ServerOptions<undefined>): Promise<Found[]> {
  const notes = new Mailbox<Found>()
  const note = (name: string) => notes.put([name, storage.getStore()])
  const port = await start({
    upgrade: () => note('upgrade'),
    protocols([first]) {
      note('protocols')
      return first
    },
    open: () => note('open'),
    ...options,
  })
  await RawPeer.open(port, { 'Sec-WebSocket-Protocol': 'chat' })
  return notes.take(3)
}

const all = (store: string): Found[] => ['upgrade', 'protocols', 'open'].map((name) => [name, store])

describe('hooks run in the context in which the server was created', () => {
  test.each([
    ['of a server that listens', listens],
    ['of a server that is attached', isAttached()],
    ['of a server that is handed its upgrades', isHanded],
  ])('%s', async (_which, start) => {
    expect(await found(start, {})).toEqual(all('createServer'))
  })

  test('where the hook takes its time', async () => {
    const stores: (string | undefined)[] = []
    const upgrade = async () => {
      stores.push(storage.getStore())
      await null
      stores.push(storage.getStore())
    }
    const notes = new Mailbox<Found>()
    const port = await listens({ upgrade, open: () => notes.put(['open', storage.getStore()]) })
    await RawPeer.open(port)
    expect(await notes.next()).toEqual(['open', 'createServer'])
    expect(stores).toEqual(['createServer', 'createServer'])
  })

  test('and so do log, error and the match of attach', async () => {
    const notes = new Mailbox<Found>()
    const note = (name: string) => notes.put([name, storage.getStore()])
    const match = () => {
      note('match')
      return true
    }
    const port = await isAttached({ match })({
      origins: [],
      log: () => note('log'),
      error: () => note('error'),
      upgrade() {
        throw new Error('boom')
      },
    })
    for (const headers of [{ Origin: 'http://evil.example' }, {}]) {
      const peer = await RawPeer.dial(port)
      peer.write(handshake(headers))
      await peer.rest()
    }
    expect(notes.all).toEqual([
      ['match', 'createServer'],
      ['log', 'createServer'],
      ['match', 'createServer'],
      ['error', 'createServer'],
    ])
  })

  test('none of them finds what another one of another connection has entered', async () => {
    const notes = new Mailbox<Found>()
    const enter = (name: string) => {
      notes.put([name, storage.getStore()])
      storage.enterWith('entered')
    }
    const port = await isAttached({
      match() {
        enter('match')
        return true
      },
    })({
      origins: [],
      log: () => enter('log'),
      upgrade: () => enter('upgrade'),
    })
    const refused = await RawPeer.dial(port)
    refused.write(handshake({ Origin: 'http://evil.example' }))
    await refused.rest()
    await RawPeer.open(port)
    await RawPeer.open(port)
    const createServer = (name: string) => [name, 'createServer']
    expect(notes.all).toEqual(['match', 'log', 'match', 'upgrade', 'match', 'upgrade'].map(createServer))
  })
})

describe("with asyncContext: 'upgrade' handlers run in the context that the hook has left", () => {
  const asyncContext = 'upgrade'

  test.each([
    ['of a server that listens', listens, 'createServer'],
    ['of a server that is attached', isAttached(), 'createServer'],
    ['of one that is handed its upgrades: that of the application which does so', isHanded, 'handleUpgrade'],
  ])('%s', async (_which, start, store) => {
    expect(await found(start, { asyncContext })).toEqual(all(store))
  })

  test.each<[string, ServerOptions<undefined>['upgrade'] & object]>([
    ['at once', () => storage.enterWith('entered')],
    [
      'before it takes its time',
      async () => {
        storage.enterWith('entered')
        await null
      },
    ],
  ])('which it entered %s', async (_when, upgrade) => {
    const notes = new Mailbox<Found>()
    const port = await listens({ asyncContext, upgrade, open: () => notes.put(['open', storage.getStore()]) })
    await RawPeer.open(port)
    await RawPeer.open(port)
    expect(await notes.take(2)).toEqual([
      ['open', 'entered'],
      ['open', 'entered'],
    ])
  })
})
