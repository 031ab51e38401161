import { type ChildProcess, execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { TestLab, TestMember } from './client.ts'
import { type RunningChat, runChat, startChat } from './server.ts'

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(...args: string[]): RunningChat {
  const chat = runChat(...args)
  children.push(chat.child)
  return chat
}

async function listening() {
  const chat = await startChat()
  children.push(chat.child)
  return chat
}

describe('npm start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('on %s closes every client with 1001 and exits with 0', async (signal) => {
    const { child, exited, port } = await listening()
    const ada = await TestMember.join(port, 'Ada')
    const bob = await TestMember.join(port, 'Bob')
    const lab = await TestLab.of(port, bob)
    await lab.set('cut')
    const closed = Promise.all([ada.closed(), bob.closed()])
    child.kill(signal)
    expect((await closed).map(({ code }) => code)).toEqual([1001, 1001])
    const { code, lines, errors } = await exited
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(lines).toContain(`${signal}: closing 3 connections with 1001 (going away).`)
    expect(lines.at(-1)).toBe('Closed.')
  })

  it.skipIf(process.platform === 'win32')('hands its arguments on', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'))
    // npm appends what comes after the two dashes, and leaves the rest to the shell.
    const { stdout } = await promisify(execFile)('sh', ['-c', `${scripts.start} --help`])
    expect(stdout).toContain('--port')
  })

  it('on a second Ctrl-C exits at once', async () => {
    const { child, exited, port, lines } = await listening()
    const ada = await TestMember.join(port, 'Ada')
    // A client that does not answer the Close frame keeps the server waiting.
    ada.socket.pause()
    child.kill('SIGINT')
    // Two signals within a moment are one Ctrl-C, passed on by npm.
    await new Promise((resolve) => setTimeout(resolve, 400))
    child.kill('SIGINT')
    expect((await exited).code).toBe(130)
    expect(lines.at(-1)).toBe('Leaving at once.')
    ada.socket.terminate()
  })

  it('serves the page and what it imports of heartwire as browsers take them, and nothing else', async () => {
    const { port } = await listening()
    const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
    const page = await get('/')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self' 'sha256-/)
    const html = await page.text()
    for (const [, path] of html.matchAll(/(?:href|src)="(\/[^"]+)"/g)) expect((await get(path ?? '')).status).toBe(200)
    for (const part of ['protocol', 'reconnect']) {
      const module = await get(`/${part}/index.js`)
      expect(module.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    }
    for (const path of ['/main.js', '/chat.js', '/page/../main.js', '/page/%2e%2e/main.js', '/package.json', '//']) {
      expect((await get(path)).status, path).toBe(404)
    }
    expect((await get('/', { method: 'POST' })).status).toBe(405)
    const head = await get('/', { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(html)))
  })

  it('says what is wrong when the port is taken', async () => {
    const { port } = await listening()
    const { code, errors } = await start('--port', String(port)).exited
    expect(code).toBe(1)
    expect(errors).toBe(`Port ${port} is taken by another program. Take another one: npm start -- --port ${port + 1}\n`)
  })

  it('says what is wrong with its arguments', async () => {
    const bad = await start('--port', 'http').exited
    expect(bad.code).toBe(2)
    expect(bad.errors).toMatch(/^--port takes a number from 0 to 65535, not 'http'\.\n\nUsage: /)
    const unknown = await start('--prot', '1').exited
    expect(unknown.code).toBe(2)
    expect(unknown.errors).toContain("'--prot'")
    const help = await start('--help').exited
    expect(help.code).toBe(0)
    expect(help.lines[0]).toBe('Usage: npm start -- [options]')
  })
})
