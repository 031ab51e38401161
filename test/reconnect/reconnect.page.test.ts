import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createServer, type Server, type ServerOptions, type ServerSocket } from 'heartwire'
import type { ReconnectOptions } from 'heartwire/reconnect'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { skipWithoutChromium } from '../setup/chromium.ts'
import { Mailbox } from '../support/mailbox.ts'
import { serve } from '../support/servers.ts'
import { Browser, type Tab } from './devtools.ts'

const built = fileURLToPath(new URL('../../dist/reconnect/', import.meta.url))

const HTML = `<!doctype html><title>reconnect</title><script type="module">
  import { ReconnectingWebSocket } from '/reconnect/index.js'
  window.path = []
  window.messages = []
  window.start = (url, options) => {
    window.url = url
    window.socket = new ReconnectingWebSocket(() => window.url, options)
    socket.addEventListener('state', ({ state, end }) => path.push(end && state === 'waiting' ? end.cause : state))
    socket.addEventListener('message', ({ data }) => messages.push(data))
  }
  window.until = (event, isIt) => new Promise((resolve) => {
    const look = () => isIt() && resolve(true)
    for (const target of [socket, document, window]) target.addEventListener(event, look)
    look()
  })
</script>`

/** Serves the page, and the modules as they are published. */
function site(): Server {
  const modules = new Map(
    readdirSync(built)
      .filter((name) => name.endsWith('.js'))
      .map((name) => [`/reconnect/${name}`, readFileSync(built + name)]),
  )
  return createServer({
    http(request, response) {
      const module = modules.get(request.url ?? '')
      response.setHeader('Content-Type', module ? 'text/javascript' : 'text/html')
      response.end(module ?? (request.url === '/other' ? 'another page' : HTML))
    },
  })
}

describe.skipIf(await skipWithoutChromium())('heartwire/reconnect in a page', () => {
  const pages = site()
  let origin: string
  let browser: Browser

  beforeAll(async () => {
    const { port } = await pages.listen({ port: 0, host: '127.0.0.1' })
    origin = `http://127.0.0.1:${port}`
    browser = await Browser.launch()
  })

  afterAll(async () => {
    await browser?.close()
    await pages.close({ deadline: 1 })
  })

  /** A server for the page's socket. */
  async function startServer(options: ServerOptions<undefined> = {}) {
    const opened = new Mailbox<ServerSocket>()
    const received = new Mailbox<unknown>()
    const running = await serve({
      origins: [origin],
      open: (socket) => opened.put(socket),
      message: (_socket, message) => received.put(message),
      ...options,
    })
    return { ...running, opened, received }
  }

  /** A tab with an open socket. */
  async function open(url: string, options: ReconnectOptions = {}): Promise<Tab> {
    const tab = await browser.open(`${origin}/`)
    onTestFinished(() => tab.close().catch(() => {})) // a test may have closed it
    await tab.evaluate(`document.readyState === 'complete' || new Promise((done) => addEventListener('load', done))`)
    await tab.evaluate(`start(${JSON.stringify(url)}, ${JSON.stringify(options)})`)
    await until(tab, 'open')
    return tab
  }

  const until = (tab: Tab, state: string) => tab.evaluate(`until('state', () => socket.state === '${state}')`)
  const path = (tab: Tab) => tab.evaluate(`path.splice(0).join(' ')`)

  /** Puts a tab behind another one. */
  async function hide(tab: Tab): Promise<void> {
    const other = await browser.open(`${origin}/other`)
    onTestFinished(() => other.close())
    await tab.evaluate(`until('visibilitychange', () => document.hidden)`)
  }

  it('comes back when the server does, with what waited for it', async () => {
    const first = await startServer()
    const tab = await open(first.url, { initialDelay: 10, maxDelay: 100 })
    await first.server.close()
    await until(tab, 'waiting')
    await tab.evaluate(`socket.send('kept')`)
    const second = await startServer()
    await tab.evaluate(`url = '${second.url}'`)
    expect(await second.received.next()).toBe('kept')
    expect(await path(tab)).toMatch(/^open close connecting (close connecting )*open$/)
  })

  it('waits for the network', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url)
    const setOffline = (offline: boolean) =>
      tab.call('Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      })
    await tab.call('Network.enable')
    await setOffline(true)
    await tab.evaluate(`until('offline', () => !navigator.onLine)`)
    ;(await opened.next()).terminate()
    await until(tab, 'offline')
    await setOffline(false)
    await until(tab, 'open')
    await opened.next()
    expect(await path(tab)).toBe('open offline connecting open')
  })

  it('does not try while the page is hidden, and does when it is seen', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url)
    await hide(tab)
    ;(await opened.next()).terminate()
    await until(tab, 'hidden')
    await tab.show()
    await until(tab, 'open')
    expect(await path(tab)).toBe('open hidden connecting open')
  })

  it('looks whether the connection is there when the page is seen again', async () => {
    const answered = new Mailbox<string>()
    const { url } = await startServer({
      autoResponse(message) {
        answered.put(String(message))
        return 'pong'
      },
    })
    const tab = await open(url, { heartbeat: { interval: 3_600_000 } })
    await hide(tab)
    expect(answered.all).toEqual([])
    await tab.show()
    expect(await answered.next()).toBe('ping')
    expect(await path(tab)).toBe('open')
  })

  it('rests while the page is frozen', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url, { whileHidden: 'retry' })
    await hide(tab)
    await tab.evaluate(`addEventListener('freeze', () => path.push('freeze'), true)`)
    await tab.call('Page.setWebLifecycleState', { state: 'frozen' })
    ;(await opened.next()).terminate()
    await tab.call('Page.setWebLifecycleState', { state: 'active' })
    await opened.next()
    await until(tab, 'open')
    expect(await path(tab)).toMatch(/^open freeze (hidden |close )?connecting open$/)
  })

  it('lets the page into the back/forward cache, and connects when it comes back', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url)
    const first = await opened.next()
    await tab.evaluate(`location.href = '/other'`)
    expect(await first.closed).toMatchObject({ code: 1000, reason: 'page stored' })
    const second = opened.next()
    await tab.evaluate(`history.back()`)
    await second
    await until(tab, 'open')
    // It is the page that was left, and no new one.
    expect(await path(tab)).toBe('open hidden connecting open')
  })

  it('leaves it to the browser to say that the tab is closed', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url)
    await tab.close()
    expect(await (await opened.next()).closed).toMatchObject({ code: 1001 })
  })

  it('has a heartbeat that a server answers', async () => {
    const answered = new Mailbox<string>()
    const { url, received } = await startServer({
      autoResponse(message) {
        if (message !== 'ping') return undefined
        answered.put(message)
        return 'pong'
      },
    })
    const tab = await open(url, { heartbeat: { interval: 10 } })
    await answered.take(5)
    expect(await tab.evaluate('messages')).toEqual([])
    expect(received.all).toEqual([])
    expect(await path(tab)).toBe('open')
  })

  it('comes back from a connection that has died', async () => {
    const { url, opened } = await startServer()
    const tab = await open(url, { initialDelay: 10, heartbeat: { interval: 50, timeout: 50 } })
    const first = await opened.next()
    await opened.next()
    expect(await first.closed).toMatchObject({ code: 3008 })
    expect(await path(tab)).toMatch(/^open heartbeat connecting/)
  })
})
