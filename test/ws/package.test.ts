/** heartwire/ws as its users get it: by require and by import, under the name `ws`, with types beside @types/ws. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Somebody's application, in which `ws` is @heartwire/ws, as `overrides` makes it. */
const application = mkdtempSync(join(tmpdir(), 'heartwire-ws-package-'))

beforeAll(() => {
  const modules = join(application, 'node_modules')
  const { files } = JSON.parse(readFileSync(join(root, 'packages/ws/package.json'), 'utf8')) as { files: string[] }
  for (const file of ['package.json', ...files]) {
    const target = join(modules, 'ws', file)
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(root, 'packages/ws', file), target)
  }
  symlinkSync(root, join(modules, 'heartwire'), 'junction')
  mkdirSync(join(modules, '@types'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(modules, '@types/node'), 'junction')
  writeFileSync(join(application, 'package.json'), '{ "name": "application", "private": true }')
})

afterAll(() => rmSync(application, { recursive: true, force: true }))

function run(file: string, source: string): string {
  writeFileSync(join(application, file), source)
  return execFileSync(process.execPath, [file], { cwd: application, encoding: 'utf8', stdio: 'pipe' }).trim()
}

/** What the compiler says of a module. */
function check(file: string, source: string): string {
  writeFileSync(join(application, file), source)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2023',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    skipLibCheck: true,
    types: ['node'],
  }
  writeFileSync(join(application, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: application, encoding: 'utf8' }).stdout
}

const TALK = `
  const server = new WebSocketServer({ port: 0 }, () => {
    const socket = new WebSocket('ws://localhost:' + server.address().port)
    socket.on('open', () => socket.send('hello'))
    socket.on('message', (data) => {
      console.log(String(data))
      socket.close()
      server.close()
    })
  })
  server.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))`

describe.each(['heartwire/ws', 'ws'])('%s', (name) => {
  it('is the class itself for those who require it', () => {
    const source = `const WebSocket = require('${name}')
      const { WebSocketServer } = WebSocket
      if (WebSocket.WebSocket !== WebSocket || WebSocket.Server !== WebSocketServer) throw new Error('not the same')
      ${TALK}`
    expect(run('talk.cjs', source)).toBe('hello')
  })

  it('has a default and names for those who import it', () => {
    expect(run('talk.mjs', `import WebSocket, { WebSocketServer } from '${name}'\n${TALK}`)).toBe('hello')
  })

  it('has everything that ws has', () => {
    const theirs = Object.keys(createRequireOfWs())
    const ours = JSON.parse(
      run('names.cjs', `console.log(JSON.stringify(Object.keys(require('${name}'))))`),
    ) as string[]
    expect(ours.toSorted()).toEqual(theirs.toSorted())
  })
})

function createRequireOfWs(): object {
  const program = `console.log(JSON.stringify(Object.fromEntries(Object.keys(require('ws')).map((name) => [name, 1]))))`
  return JSON.parse(execFileSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' })) as object
}

it('what is sent right before process.exit goes out', () => {
  const source = `const { WebSocket, WebSocketServer } = require('ws')
    const { fork } = require('node:child_process')
    if (process.argv[2]) {
      const socket = new WebSocket(process.argv[2])
      socket.on('open', () => { socket.send('last words'); process.exit() })
    } else {
      const server = new WebSocketServer({ port: 0 }, () => fork(__filename, ['ws://localhost:' + server.address().port]))
      server.on('connection', (socket) => {
        socket.on('message', (data) => console.log(String(data)))
        socket.on('close', () => server.close())
      })
    }`
  expect(run('exit.cjs', source)).toBe('last words')
})

it('a listener that throws does not lose what follows, if the process goes on', () => {
  const source = `const { WebSocket, WebSocketServer } = require('ws')
    process.on('uncaughtException', (error) => console.log('uncaught: ' + error.message))
    const server = new WebSocketServer({ port: 0 }, () => {
      const socket = new WebSocket('ws://localhost:' + server.address().port)
      socket.on('open', () => { for (const text of ['one', 'two', 'three']) socket.send(text) })
    })
    server.on('connection', (socket) => socket.on('message', (data) => {
      console.log(String(data))
      if (String(data) === 'three') { socket.close(); server.close() }
      else throw new Error('because of ' + data)
    }))`
  expect(run('throws.cjs', source).split('\n')).toEqual([
    'one',
    'uncaught: because of one',
    'two',
    'uncaught: because of two',
    'three',
  ])
})

it('an error that nobody listens to ends the process, as with ws', () => {
  const source = (name: string) => `const { WebSocketServer, WebSocket } = require(${JSON.stringify(name)})
    const server = new WebSocketServer({ port: 0 }, () => {
      new WebSocket('ws://localhost:' + server.address().port).on('open', function () { this._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])) })
    })`
  const said = ['ws', join(root, 'node_modules/ws')].map((name) => {
    writeFileSync(join(application, 'unheard.cjs'), source(name))
    const { status, stderr } = spawnSync(process.execPath, ['unheard.cjs'], { cwd: application, encoding: 'utf8' })
    return [status, /^RangeError.*$/m.exec(stderr)?.[0]]
  })
  expect(said).toEqual([
    [1, 'RangeError: Invalid WebSocket frame: invalid opcode 3'],
    [1, 'RangeError: Invalid WebSocket frame: invalid opcode 3'],
  ])
})

it('has the version of heartwire', () => {
  const [own, ws] = ['package.json', 'packages/ws/package.json'].map(
    (file) => JSON.parse(readFileSync(join(root, file), 'utf8')) as { version: string; dependencies?: object },
  )
  expect(ws).toMatchObject({ version: own?.version, dependencies: { heartwire: own?.version } })
})

it('a callback of send that throws does not keep the others from being called', () => {
  const source = `const { WebSocket, WebSocketServer } = require('ws')
    process.on('uncaughtException', (error) => console.log('uncaught: ' + error.message))
    const server = new WebSocketServer({ port: 0 }, () => new WebSocket('ws://localhost:' + server.address().port))
    server.on('connection', (socket) => {
      socket.send('a', () => { throw new Error('first') })
      socket.send('b', () => { console.log('second'); socket.terminate(); server.close() })
    })`
  expect(run('callbacks.cjs', source).split('\n')).toEqual(['uncaught: first', 'second'])
})

describe('types', () => {
  it.each(['heartwire/ws', 'ws'])('hold for those who use those of %s', (name) => {
    const source = `import WebSocket, { createWebSocketStream, type RawData, WebSocketServer } from '${name}'
      import type { IncomingMessage } from 'node:http'
      const options: WebSocket.ServerOptions = { port: 0, perMessageDeflate: { threshold: 10 } }
      const server: WebSocket.Server = new WebSocketServer(options)
      server.on('connection', (socket, request) => {
        const url: string | undefined = request.url
        socket.on('message', (data, isBinary) => { const raw: RawData = data; const binary: boolean = isBinary; void [raw, binary] })
        socket.on('message', (data: Buffer) => socket.send(data, { binary: true }, (error) => void error))
        socket.on('something of my own', (mine: number) => void mine)
        socket.on('close', function (code, reason) { this.terminate(); const text: string = reason.toString(); void [code, text] })
        void url
      })
      class Mine extends WebSocket { readonly mine = true }
      const mine = new WebSocketServer<typeof Mine, typeof IncomingMessage>({ noServer: true, WebSocket: Mine })
      mine.on('connection', (socket) => { const yes: boolean = socket.mine; void yes })
      for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send('x')
      const client = new WebSocket('ws://x', ['a'], { headers: { A: 'b' }, handshakeTimeout: 1, rejectUnauthorized: false })
      client.onmessage = (event: WebSocket.MessageEvent) => void event.data
      client.addEventListener('close', (event) => void event.code)
      createWebSocketStream(client, { encoding: 'utf8' }).pipe(process.stdout)`
    expect(check('use.mts', source)).toBe('')
  })

  it.each(['heartwire/ws', 'ws'])('hold for those who require %s', (name) => {
    const source = `import WebSocket = require('${name}')
      const server = new WebSocket.Server({ port: 0 })
      const socket: WebSocket = new WebSocket('ws://x')
      server.on('connection', (one: WebSocket) => one.send('x'))
      void socket`
    expect(check('use.cts', source)).toBe('')
  })

  it('can be given to those who ask for those of @types/ws', () => {
    const source = `import type * as theirs from './types-of-ws.mjs'
      import { type ClientOptions, createWebSocketStream, type ServerOptions, WebSocket, WebSocketServer } from 'heartwire/ws'
      declare const ourSocket: WebSocket
      export const socket: theirs.WebSocket = ourSocket
      declare const ourServer: WebSocketServer
      export const server: Pick<theirs.WebSocketServer, 'address' | 'clients' | 'close' | 'path' | 'shouldHandle'> = ourServer
      export const stream = createWebSocketStream(ourSocket) satisfies ReturnType<typeof theirs.createWebSocketStream>
      type NotOurs = 'WebSocket' | 'checkServerIdentity' | 'finishRequest'
      declare const theirServerOptions: Omit<theirs.ServerOptions, NotOurs>
      export const serverOptions: ServerOptions = theirServerOptions
      declare const theirClientOptions: Omit<theirs.ClientOptions, NotOurs>
      export const clientOptions: ClientOptions = theirClientOptions
      export const data: theirs.RawData = Buffer.alloc(0) satisfies WebSocket.RawData`
    writeFileSync(
      join(application, 'types-of-ws.d.mts'),
      readFileSync(join(root, 'node_modules/@types/ws/index.d.mts')),
    )
    expect(check('both.mts', source)).toBe('')
  })
})
