import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, skipWithoutChromium } from '../setup/chromium.ts'
import { type RunningChat, startChat } from './server.ts'

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

describe.skipIf(await skipWithoutChromium())('the page of the chat', () => {
  let chat: RunningChat & { port: number }
  let browser: Browser
  /** Whatever a browser complained about: errors, and what the Content-Security-Policy refused. */
  const complaints: string[] = []

  beforeAll(async () => {
    chat = await startChat()
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
    chat?.child.kill('SIGINT')
    expect((await chat?.exited)?.code).toBe(0)
  })

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    expect(complaints.splice(0)).toEqual([])
  })

  /** Opens the page in a browser profile of its own; resolves when the room has said welcome. */
  async function open(
    name: string,
    room: string,
    options: BrowserContextOptions = {},
    from = browser,
    port = chat.port,
  ): Promise<Page> {
    const context = await from.newContext(options)
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/WebSocket connection|ERR_/.test(message.text()))
        complaints.push(message.text())
    })
    await context.addInitScript({ content: `localStorage.setItem('heartwire-chat-name', ${JSON.stringify(name)})` })
    await page.goto(`http://127.0.0.1:${port}/#${room}`)
    await member(page, name).waitFor({ state: 'attached' })
    return page
  }

  const member = (page: Page, name: string) => page.locator('#members li', { hasText: name })
  const line = (page: Page, text: string | RegExp) => page.locator('#log li', { hasText: text })
  const text = async (page: Page, selector: string) => (await page.locator(selector).textContent())?.trim() ?? ''

  async function say(page: Page, message: string): Promise<void> {
    await page.locator('#text').fill(message)
    await page.locator('#text').press('Enter')
  }

  it('lets two people talk, and shows their text as text', async () => {
    const ada = await open('Ada', 'talk')
    const bob = await open('Bob', 'talk')
    await member(ada, 'Bob').waitFor()
    await say(ada, 'hello <img src=x onerror=alert(1)>')
    await line(bob, 'hello <img src=x onerror=alert(1)>').waitFor()
    await say(bob, 'hello yourself')
    await line(ada, 'hello yourself').waitFor()
    expect(await ada.locator('#log img, #log .pending').count()).toBe(0)
    await member(ada, 'Bob')
      .locator('.health', { hasText: /^\d+(\.\d)? ms/ })
      .waitFor()
    expect(await text(ada, '#state')).toMatch(/^Open/)

    await bob.close()
    await line(ada, 'Bob closed the tab (1001)').waitFor()
    expect(await member(ada, 'Bob').count()).toBe(0)
  })

  it('shows at once when a browser is killed', async () => {
    const ada = await open('Ada', 'kill')
    const other = await launchChromium()
    await open('Bob', 'kill', {}, other)
    await member(ada, 'Bob').waitFor()
    const session = await other.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    // The network service goes first: it would close the connection politely when it missed the others.
    const isNetwork = (type: string) => Number(type.includes('network'))
    for (const { id } of processInfo.sort((a, b) => isNetwork(b.type) - isNetwork(a.type))) process.kill(id, 'SIGKILL')
    await line(ada, /Bob’s connection (ended without a goodbye|was reset) \(1006\)/).waitFor({ timeout: 5_000 })
    expect(await member(ada, 'Bob').count()).toBe(0)
  })

  it('counts down to the moment when the others see a cut, and comes back', async () => {
    const ada = await open('Ada', 'cut')
    const bob = await open('Bob', 'cut')
    await member(ada, 'Bob').waitFor()
    await bob.getByRole('button', { name: 'Cut the network' }).click()
    await bob.locator('#countdown[data-state="broken"]').waitFor()
    const figure = async () => Number.parseFloat(await text(bob, '#countdown-figure'))
    const first = await figure()
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThanOrEqual(10)
    await say(bob, 'can you hear me?')
    await line(bob, 'on its way').waitFor()
    await bob.locator('#countdown-figure', { hasText: new RegExp(`^${Math.floor(first) - 1}\\.\\d s$`) }).waitFor()
    expect(await text(bob, '#state')).toMatch(/^Cut off · seen in \d\.\d s$/)

    await member(ada, 'Bob').locator('.health', { hasText: 'quiet for' }).waitFor({ timeout: 10_000 })
    await line(ada, 'Bob’s network went silent (no pong for 10 s)').waitFor({ timeout: 10_000 })
    await bob.locator('#countdown[data-state="dead"]').waitFor()
    expect(await text(bob, '#countdown-detail')).toBe('“Bob’s network went silent (no pong for 10 s)”')
    await line(bob, 'Not confirmed').waitFor()
    expect(await line(ada, 'can you hear me?').count()).toBe(0)

    await bob.locator('#state[data-phase="open"]').waitFor({ timeout: 10_000 })
    await line(bob, 'Bob’s network went silent').waitFor()
    await bob.getByRole('button', { name: 'Send again' }).click()
    await line(ada, 'can you hear me?').waitFor()
    expect(await bob.locator('#log .pending').count()).toBe(0)
  })

  it('is not seen by anybody when the network is mended in time', async () => {
    const ada = await open('Ada', 'mend')
    const bob = await open('Bob', 'mend')
    await member(ada, 'Bob').waitFor()
    await bob.getByRole('button', { name: 'Go silent' }).click()
    await bob.locator('[data-fault="silent"][aria-pressed="true"]').waitFor()
    await say(bob, 'late, but here')
    await bob.getByRole('button', { name: 'Mend it' }).click()
    await line(ada, 'late, but here').waitFor()
    expect(await ada.locator('#log .death').count()).toBe(0)
    expect(await text(bob, '#countdown-text')).toBe('Your network is well.')
  })

  it('says goodbye when asked to, and comes back when asked to', async () => {
    const ada = await open('Ada', 'leave')
    const bob = await open('Bob', 'leave')
    await bob.getByRole('button', { name: 'Say goodbye' }).click()
    await line(ada, 'Bob left (1000)').waitFor()
    expect(await text(bob, '#lost')).toContain('You said goodbye.')
    await bob.getByRole('button', { name: 'Come back' }).first().click()
    await line(ada, 'Bob joined').nth(1).waitFor()
    expect(await bob.locator('#lost').isVisible()).toBe(false)
  })

  it('comes back when the server does, and at once when asked to', async () => {
    let server = await startChat()
    try {
      const page = await open('Ada', 'again', {}, browser, server.port)
      await say(page, 'before')
      await line(page, 'before').waitFor()
      server.child.kill('SIGKILL')
      await page.locator('#lost-when', { hasText: /^Trying again in \d+\.\d s$/ }).waitFor()
      expect(await text(page, '#lost-why')).toBe('Connection lost (1006).')
      await server.exited
      server = await startChat(server.port)
      // An attempt may be under way already.
      if (await page.locator('#lost').isVisible())
        await page
          .locator('#now')
          .click({ timeout: 5_000 })
          .catch(() => {})
      await page.locator('#state[data-phase="open"]').waitFor()
      // The new server knows nothing of what was said on the old one.
      await line(page, 'before').waitFor({ state: 'detached' })
      await line(page, 'Ada joined').waitFor()
    } finally {
      server.child.kill('SIGKILL')
    }
  })

  it('draws the frames that it causes', async () => {
    const ada = await open('Ada', 'frames')
    await say(ada, 'draw me')
    const sent = ada.locator('#frames li.out', { hasText: '{"type":"say","text":"draw me"}' })
    await sent.getByRole('button').click()
    const drawing = await text(ada, '#drawing')
    expect(drawing).toContain('|F|R|R|R|opcode |M|')
    expect(drawing).toContain('MASK = 1: masked')
    expect(drawing).toContain('masking key = ')
    expect(await text(ada, '#drawing-title')).toBe('A text frame that you sent')

    // With the keyboard: up to the newest frame, and back to following.
    await ada.locator('#frames .opcode', { hasText: 'ping' }).first().waitFor()
    await ada.keyboard.press('Home')
    expect(await ada.locator('#frames [aria-current="true"]').count()).toBe(1)
    expect(await text(ada, '#drawing')).not.toBe(drawing)
    await ada.keyboard.press('Escape')
    expect(await ada.locator('#follow').getAttribute('aria-pressed')).toBe('true')

    await ada.getByText('ping, pong').click()
    expect(
      await ada
        .locator('#frames .opcode', { hasText: /^p[io]ng$/ })
        .filter({ visible: true })
        .count(),
    ).toBe(0)
  })

  it('changes rooms and names', async () => {
    const ada = await open('Ada', 'first')
    const bob = await open('Bob', 'first')
    await bob.locator('#name').fill('Bobby')
    await bob.locator('#name').press('Enter')
    await line(ada, 'Bob is now Bobby').waitFor()
    await bob.locator('#room').fill('Second Room')
    await bob.locator('#room').press('Enter')
    await line(ada, 'Bobby moved to #second-room').waitFor()
    await bob.locator('#room-title', { hasText: 'second-room' }).waitFor()
    expect(new URL(bob.url()).hash).toBe('#second-room')
    await bob.goBack()
    await line(ada, 'Bobby joined').waitFor()
  })

  it.each(['light', 'dark'] as const)('fits a phone, %s', async (colorScheme) => {
    const page = await open('Ada', `phone-${colorScheme}`, { ...PHONE, colorScheme })
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(background).toMatch(colorScheme === 'light' ? /oklch\(0\.9/ : /oklch\(0\.1/)
    for (const view of ['People', 'Network', 'Chat']) {
      await page.getByRole('button', { name: view }).click()
      expect(await page.locator('main > section:visible').count()).toBe(1)
      expect(await overflow()).toBe(0)
    }
  })
})
