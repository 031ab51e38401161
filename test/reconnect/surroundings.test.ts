import { getEventListeners } from 'node:events'
import type { ReconnectOptions } from 'heartwire/reconnect'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { Client } from './client.ts'

// What a browser has and Node.js lacks. test/reconnect/reconnect.page.test.ts has a browser.
let page: EventTarget
let pageDocument: EventTarget & { visibilityState: string }
const network = { onLine: true }

beforeEach(() => {
  page = new EventTarget()
  pageDocument = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  network.onLine = true
  vi.stubGlobal('document', pageDocument)
  vi.stubGlobal('navigator', network)
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
})

afterEach(() => void vi.unstubAllGlobals())

function goes(what: 'online' | 'offline'): void {
  network.onLine = what === 'online'
  page.dispatchEvent(new Event(what))
}

function becomes(visibility: 'visible' | 'hidden'): void {
  pageDocument.visibilityState = visibility
  pageDocument.dispatchEvent(new Event('visibilitychange'))
}

const stored = (type: 'pagehide' | 'pageshow', persisted = true) =>
  page.dispatchEvent(Object.assign(new Event(type), { persisted }))

/** A client of a server that ends connections when it is told to, and says what it was asked. */
async function start(options: ReconnectOptions = {}) {
  const asked = new Mailbox<unknown>()
  const { server, url } = await serve({ message: (_socket, message) => asked.put(message) })
  const client = new Client(url, options)
  await client.until('open')
  const lose = async () => {
    for (const socket of server.sockets) socket.terminate()
    await client.states.next()
  }
  return { client, lose, asked }
}

describe('the network', () => {
  it('is waited for, and used at once', async () => {
    const { client, lose } = await start()
    goes('offline')
    expect(client.socket.state).toBe('open')
    await lose()
    expect([client.socket.state, client.socket.readyState, client.clock.timers]).toEqual(['offline', 0, []])
    goes('online')
    expect(await client.until('open')).toMatchObject({ retry: 1 })
  })

  it('may go while waiting for the next attempt', async () => {
    const { client, lose } = await start()
    await lose()
    expect(client.socket.state).toBe('waiting')
    goes('offline')
    expect([client.socket.state, client.clock.timers]).toEqual(['offline', []])
    goes('online')
    await client.until('open')
    expect(client.path).toBe('open waiting offline connecting open')
  })

  it('does not hold up a first attempt, which may be for this machine', async () => {
    network.onLine = false
    const { client } = await start()
    expect(client.path).toBe('open')
  })

  it('is not asked about by one that retries without it', async () => {
    const { client, lose } = await start({ whileOffline: 'retry' })
    goes('offline')
    await lose()
    expect(client.socket.state).toBe('waiting')
    page.dispatchEvent(new Event('offline'))
    expect(client.clock.timers).toEqual([1_000])
    goes('online')
    await client.until('open')
  })
})

describe('a page that nobody sees', () => {
  it('does not try, and does at once when it is seen', async () => {
    const { client, lose } = await start()
    becomes('hidden')
    await lose()
    expect([client.socket.state, client.clock.timers]).toEqual(['hidden', []])
    becomes('visible')
    await client.until('open')
  })

  it('has no heartbeat, and looks at once when it is seen', async () => {
    const { client, asked } = await start({ heartbeat: true })
    expect(client.clock.timers).toEqual([25_000])
    becomes('hidden')
    expect(client.clock.timers).toEqual([])
    becomes('visible')
    expect(await asked.next()).toBe('ping')
    expect(client.clock.timers).toEqual([10_000])
  })

  it('has none either when it was opened there', async () => {
    becomes('hidden')
    const { client } = await start({ heartbeat: true })
    expect([client.socket.state, client.clock.timers]).toEqual(['open', []])
  })

  it('stops waiting, and is hidden before it is offline', async () => {
    const { client, lose } = await start()
    await lose()
    goes('offline')
    becomes('hidden')
    goes('online')
    expect([client.socket.state, client.clock.timers]).toEqual(['hidden', []])
    goes('offline')
    becomes('visible')
    expect([client.socket.state, client.clock.timers]).toEqual(['offline', []])
    goes('online')
    await client.until('open')
  })

  it('goes on when it is told to', async () => {
    const { client, lose } = await start({ whileHidden: 'retry', heartbeat: true })
    becomes('hidden')
    expect(client.clock.timers).toEqual([25_000])
    await lose()
    expect(client.socket.state).toBe('waiting')
    becomes('visible')
    await client.until('open')
  })

  it('stops all the same when the browser does not let it run', async () => {
    const { client, lose } = await start({ whileHidden: 'retry', heartbeat: true })
    pageDocument.dispatchEvent(new Event('freeze'))
    expect(client.clock.timers).toEqual([])
    await lose()
    expect(client.socket.state).toBe('hidden')
    pageDocument.dispatchEvent(new Event('resume'))
    await client.until('open')
  })
})

describe('the back/forward cache', () => {
  it('is for pages without connections, and comes back with a new one', async () => {
    const { client } = await start({ maxRetries: 0, heartbeat: true })
    stored('pagehide')
    pageDocument.dispatchEvent(new Event('freeze'))
    expect([client.socket.state, client.clock.timers]).toEqual(['hidden', []])
    stored('pageshow')
    expect(await client.until('open')).toMatchObject({ retry: 0 })
    expect(client.path).toBe('open hidden connecting open')
  })

  it('is no news to one that waits for somebody to see the page', async () => {
    const { client, lose } = await start()
    becomes('hidden')
    await lose()
    stored('pagehide')
    becomes('visible')
    expect(client.path).toBe('open hidden')
    stored('pageshow')
    await client.until('open')
  })

  it('is no matter of pages that are shown first or left for good', async () => {
    const { client, asked } = await start({ heartbeat: true })
    stored('pageshow', false)
    stored('pagehide', false)
    expect([client.socket.state, client.clock.timers, asked.all]).toEqual(['open', [25_000], []])
  })
})

it('is not listened to after the end', async () => {
  const { client } = await start()
  const listeners = () =>
    [page, pageDocument].flatMap((target) =>
      ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange', 'freeze', 'resume'].flatMap((type) =>
        getEventListeners(target, type),
      ),
    )
  expect(listeners()).toHaveLength(7)
  client.socket.close()
  expect(listeners()).toEqual([])
  await client.until('closed')
  client.socket.reconnect()
  expect(listeners()).toHaveLength(7)
})

it('is as it is when it comes back, whatever it was at the end', async () => {
  const { client, lose } = await start()
  pageDocument.dispatchEvent(new Event('freeze'))
  client.socket.close()
  pageDocument.dispatchEvent(new Event('resume'))
  await client.until('closed')
  client.socket.reconnect()
  await client.until('open')
  await lose()
  expect(client.socket.state).toBe('waiting')
})
