/** That a program sees with heartwire's WebSocket what it sees with that of a browser. */
import { createServer } from 'node:http'
import { WebSocket, WebSocketError, WebSocketStream } from 'heartwire/websocket'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, skipWithoutChromium } from '../setup/chromium.ts'
import { plays, seen, stage } from './plays.ts'
import { streamPlays, streamSeen } from './stream-plays.ts'

describe.skipIf(await skipWithoutChromium())('a browser and heartwire', () => {
  const server = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end())
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    browser = await launchChromium()
    page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${port}`)
  })

  afterAll(async () => {
    await browser?.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it.each(plays.filter(({ chromium }) => !chromium))('$name', async (play) => {
    const { protocols, program } = play
    const url = JSON.stringify(await stage(play))
    const theirs = await page.evaluate(`(${seen})(WebSocket, ${url}, ${JSON.stringify(protocols)}, ${program})`)
    expect(await seen(WebSocket, await stage(play), protocols, program)).toEqual(theirs)
  })

  it.each(streamPlays)('WebSocketStream: $name', async (play) => {
    const url = JSON.stringify(await stage(play))
    const program = `({ ${play.program} }).program`
    const theirs = await page.evaluate(`(${streamSeen})(WebSocketStream, WebSocketError, ${url}, ${program})`)
    const ours = await streamSeen(WebSocketStream, WebSocketError, await stage(play), play.program)
    expect(ours).toEqual(theirs)
  })
})
