import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect, type Socket } from 'heartwire'
import { findChromium } from '../setup/chromium.ts'

type Params = Record<string, unknown>

/**
 * A headless Chromium, driven over its DevTools protocol. Playwright keeps every page visible and focused; here a tab that is behind
 * another is hidden, as it is for people.
 */
export class Browser {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #socket: Socket
  readonly #pending = new Map<number, { resolve: (result: Params) => void; reject: (error: Error) => void }>()
  #calls = 0

  private constructor(child: ChildProcess, profile: string, socket: Socket) {
    this.#child = child
    this.#profile = profile
    this.#socket = socket
    void this.#read()
  }

  static async launch(): Promise<Browser> {
    const file = await findChromium()
    if (file === undefined) throw new Error('no Chromium')
    const profile = mkdtempSync(join(tmpdir(), 'heartwire-chromium-'))
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0']
    const child = spawn(file, [...args, `--user-data-dir=${profile}`], { stdio: ['ignore', 'ignore', 'pipe'] })
    for await (const line of createInterface(child.stderr)) {
      const url = /listening on (ws:\S+)/.exec(line)?.[1]
      if (url === undefined) continue
      child.stderr.resume()
      return new Browser(child, profile, await connect(url))
    }
    throw new Error('Chromium did not start')
  }

  /** Opens a tab, in front of all others. */
  async open(url: string): Promise<Tab> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(this, String(targetId), String(sessionId))
    await tab.call('Page.navigate', { url })
    return tab
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 })
  }

  call(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#socket) {
        const { id, result, error } = JSON.parse(String(message))
        const call = this.#pending.get(id)
        this.#pending.delete(id)
        if (error) call?.reject(new Error(error.message))
        else call?.resolve(result)
      }
    } catch (error) {
      // As when it is killed: those who wait are told.
      for (const { reject } of this.#pending.values()) reject(new Error('Chromium has gone', { cause: error }))
    }
  }
}

export class Tab {
  readonly #browser: Browser
  readonly #target: string
  readonly #session: string

  constructor(browser: Browser, target: string, session: string) {
    this.#browser = browser
    this.#target = target
    this.#session = session
  }

  call(method: string, params: Params = {}): Promise<Params> {
    return this.#browser.call(method, params, this.#session)
  }

  /** The value of an expression in the page; of a promise, what it resolves with. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    const { result, exceptionDetails } = answer as { result: { value: unknown }; exceptionDetails?: unknown }
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return result.value
  }

  /** Puts this tab in front of the others. */
  async show(): Promise<void> {
    await this.#browser.call('Target.activateTarget', { targetId: this.#target })
  }

  async close(): Promise<void> {
    await this.#browser.call('Target.closeTarget', { targetId: this.#target })
  }
}
