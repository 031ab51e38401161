/** That the types fit those of lib.dom, for a program that is compiled with them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the compiler says of a program that sees lib.dom as well as Node's types. */
function problems(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwire-types-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'program.mts'), program)
  const compilerOptions = {
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { 'heartwire/websocket': [join(root, 'src/websocket/index.ts')] },
  }
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, files: ['program.mts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
  // The sources are checked with Node's types alone.
  return stdout.replace(/^\S*src\/.*\n(?: .*\n)*/gm, '')
}

test('a WebSocket can stand where a browser’s is asked for, and the other way round', () => {
  expect(
    problems(`
      import { CloseEvent, WebSocket, WebSocketError, WebSocketStream } from 'heartwire/websocket'

      declare const ours: WebSocket
      declare const theirs: globalThis.WebSocket
      export const sockets: [globalThis.WebSocket, WebSocket] = [ours, theirs]
      export const classes: [new (url: string | URL, protocols?: string | string[]) => globalThis.WebSocket] = [WebSocket]
      export const made: globalThis.WebSocket = new WebSocket('ws://localhost', ['a'])
      declare const end: CloseEvent
      declare const theirEnd: globalThis.CloseEvent
      export const ends: [globalThis.CloseEvent, CloseEvent] = [end, theirEnd]
      export const endClasses: [typeof globalThis.CloseEvent, typeof CloseEvent] = [CloseEvent, globalThis.CloseEvent]

      const socket = new WebSocket(new URL('ws://localhost'), { headers: { authorization: 'x' }, protocols: 'chat' })
      socket.binaryType = 'arraybuffer'
      socket.onopen = () => socket.send(new Blob(['x']))
      socket.onmessage = ({ data }) => socket.send(data)
      socket.onerror = null
      socket.onclose = function ({ code, reason, wasClean }) {
        this.close(code satisfies number, reason satisfies string)
        wasClean satisfies boolean
      }
      socket.addEventListener('close', (event) => event.code satisfies number, { once: true })
      socket.addEventListener('message', function (event) {
        this.readyState === WebSocket.OPEN && this.send(event.data)
      })
      socket.addEventListener('other', (event) => event.type satisfies string)
      socket.removeEventListener('message', () => {})

      const { readable, writable } = await new WebSocketStream('ws://localhost', { protocols: ['a'] }).opened
      export const streams: [ReadableStream<string | Uint8Array>, WritableStream<string>] = [readable, writable]
      await writable.abort(new WebSocketError('no', { closeCode: 3000 }))
    `),
  ).toBe('')
})

test('what is wrong is found', () => {
  const lines = problems(`
      import { WebSocket } from 'heartwire/websocket'
      const socket = new WebSocket('ws://localhost', { header: {} })
      socket.binaryType = 'nodebuffer'
      socket.send(7)
      socket.url = ''
    `)
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('program'))
  expect(lines.map((line) => line.replace(/: .*/s, ''))).toEqual([
    'program.mts(3,56)',
    'program.mts(4,7)',
    'program.mts(5,19)',
    'program.mts(6,14)',
  ])
})
