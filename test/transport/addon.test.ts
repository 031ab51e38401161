import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { packageFor, thisPlatform } from '../../src/transport/addon.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const built = join(root, 'native/build/Release/heartwire.node')
const tls = join(root, 'test/fixtures/tls')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const target = `${process.platform}-${process.arch}`
const name = packageFor(thisPlatform())

/** A place where heartwire is installed, as a copy, without what is built beside it in the repository. */
const place = mkdtempSync(join(tmpdir(), 'heartwire-addon-'))
const installed = join(place, 'node_modules', name)

beforeAll(() => {
  const heartwire = join(place, 'node_modules/heartwire')
  cpSync(join(root, 'dist'), join(heartwire, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(heartwire, 'package.json'))
})

afterAll(() => rmSync(place, { recursive: true, force: true }))

/** Installs the package of this platform until the test ends. */
function install(binary: Buffer | undefined, { of = version } = {}): void {
  mkdirSync(installed, { recursive: true })
  onTestFinished(() => rmSync(installed, { recursive: true }))
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name, version: of, main: 'heartwire.node' }))
  if (binary !== undefined) writeFileSync(join(installed, 'heartwire.node'), binary)
}

interface Options {
  args?: string[]
  env?: Record<string, string>
}

/** Runs a program where heartwire is installed, in a process of its own, and returns what it printed, as JSON. */
function run(program: string, { args = [], env = {} }: Options = {}): unknown {
  const source = `import { createServer, connect } from 'heartwire'\n${program}`
  const { HEARTWIRE_NATIVE: _, ...others } = process.env
  const output = execFileSync(process.execPath, [...args, '--no-warnings', '--input-type=module', '--eval', source], {
    cwd: place,
    env: { ...others, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 15_000,
  })
  return JSON.parse(output)
}

const REASON = `
  const server = createServer({ message() {} })
  let thrown
  try {
    createServer({ transport: 'native' })
  } catch (error) {
    thrown = error.code + ': ' + error.message
  }
  console.log(JSON.stringify([server.transport, server.transportReason, thrown]))`

/** What a program is told in which Node's sockets are all there is. */
function fallback(reason: string): string[] {
  return ['node', reason, `INVALID_ARGUMENT: The option transport cannot be 'native': ${reason}.`]
}

/** The permission model, under its name in this Node. */
function permission(): string[] {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
  const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []
  return [flag, ...net, '--allow-fs-read=*']
}

/** Runs this before the program: what another platform would say of itself. */
function pretend(script: string): Options {
  return { args: ['--import', `data:text/javascript,${encodeURIComponent(script)}`] }
}

describe('where there is no addon, the reason', () => {
  test('is that its package is not installed', () => {
    expect(run(REASON)).toEqual(fallback(`the package ${name} is not installed`))
  })

  test.each([
    ['Windows', "Object.defineProperty(process, 'platform', { value: 'win32' })", 'there is none for Windows'],
    ['Bun', "process.versions = { ...process.versions, bun: '1' }", 'it is for Node.js, and this is Bun'],
    ['Deno', "process.versions = { ...process.versions, deno: '2' }", 'it is for Node.js, and this is Deno'],
    [
      'FreeBSD',
      "Object.defineProperty(process, 'platform', { value: 'freebsd' })",
      `there is none for freebsd-${process.arch}`,
    ],
  ])('is %s', (_, script, reason) => {
    const assign = script.replace(
      /^process\.versions = (.*)$/,
      "Object.defineProperty(process, 'versions', { value: $1 })",
    )
    expect(run(REASON, pretend(assign))).toEqual(fallback(reason))
  })

  test('is that HEARTWIRE_NATIVE is 0', () => {
    expect(run(REASON, { env: { HEARTWIRE_NATIVE: '0' } })).toEqual(fallback('HEARTWIRE_NATIVE is 0'))
  })

  test('is that HEARTWIRE_NATIVE makes no sense', () => {
    const reason = 'HEARTWIRE_NATIVE is neither 0 nor the absolute path of a .node file: "off"'
    expect(run(REASON, { env: { HEARTWIRE_NATIVE: 'off' } })).toEqual(fallback(reason))
  })

  test('is that there is no such file', () => {
    const reason = 'there is no file "/nowhere/heartwire.node", which HEARTWIRE_NATIVE names'
    expect(run(REASON, { env: { HEARTWIRE_NATIVE: '/nowhere/heartwire.node' } })).toEqual(fallback(reason))
  })

  test('is that its package is of another version', () => {
    install(undefined, { of: '0.0.1' })
    const reason = `the package ${name} is of version 0.0.1, and heartwire of ${version}`
    expect(run(REASON)).toEqual(fallback(reason))
  })

  test('is that its package has no binary', () => {
    install(undefined)
    expect(run(REASON)).toEqual(fallback(`the package ${name} is not complete`))
  })

  test('is that its file is no binary', () => {
    install(Buffer.alloc(1000, 'x'))
    expect(run(REASON)).toMatchObject(['node', expect.stringMatching(/^it does not load: .+/), expect.any(String)])
  })
})

/** Needs the addon, which is always there in continuous integration. */
const withAddon = test.skipIf(!process.env.CI && !existsSync(built))
const withAddonOfGlibc = test.skipIf(!thisPlatform().endsWith('-gnu') || (!process.env.CI && !existsSync(built)))
const withAddonOnLinux = test.skipIf(process.platform !== 'linux' || (!process.env.CI && !existsSync(built)))

describe('the addon is refused', () => {
  withAddonOfGlibc('when it needs a newer glibc', () => {
    const binary = readFileSync(built)
    // The version of the symbols, in the table of strings.
    binary.write('GLIBC_9', binary.indexOf('GLIBC_2.2'))
    install(binary)
    const version = /GLIBC_(9[\d.]+)/.exec(binary.toString('latin1'))?.[1]
    expect(run(REASON)).toEqual(fallback(`it needs glibc ${version} or newer, and this system has an older one`))
  })

  withAddonOnLinux('when it is for another processor', () => {
    const binary = readFileSync(built)
    binary.writeUInt16LE(binary.readUInt16LE(18) === 62 ? 183 : 62, 18)
    install(binary)
    expect(run(REASON)).toEqual(fallback('it is for another processor'))
  })

  withAddonOnLinux.each([20, 5000, -1])('when its file is cut short: %i', (bytes) => {
    install(readFileSync(built).subarray(0, bytes))
    expect(run(REASON)).toEqual(fallback('its file is cut short'))
  })

  withAddon('with --no-addons', () => {
    install(readFileSync(built))
    expect(run(REASON, { args: ['--no-addons'] })).toEqual(fallback('addons are switched off (--no-addons)'))
  })

  withAddon('under the permission model, unless it is allowed there', () => {
    install(readFileSync(built))
    const reason = 'addons are not allowed (--permission without --allow-addons)'
    expect(run(REASON, { args: permission() })).toEqual(fallback(reason))
    const allowed = run(REASON, { args: [...permission(), '--allow-addons'] })
    expect(allowed).toEqual(['native', 'the native addon is there', null])
  })

  withAddonOfGlibc('where the system has musl, and the package for glibc is installed', () => {
    install(readFileSync(built))
    // What the process has mapped tells which it is.
    const loader = join(place, 'ld-musl-x86_64.so.1')
    cpSync(built, loader)
    const musl = `@heartwire/native-${target}-musl`
    expect(run(REASON, pretend(`process.dlopen({ exports: {} }, ${JSON.stringify(loader)})`))).toEqual(
      fallback(`the package ${musl} is not installed`),
    )
  })
})

describe('the addon is used', () => {
  const NATIVE = ['native', 'the native addon is there', null]

  withAddon('when its package is installed', () => {
    install(readFileSync(built))
    expect(run(REASON)).toEqual(NATIVE)
    expect(run(REASON, { env: { HEARTWIRE_NATIVE: '1' } })).toEqual(NATIVE)
  })

  withAddon('when HEARTWIRE_NATIVE is its path', () => {
    expect(run(REASON, { env: { HEARTWIRE_NATIVE: built } })).toEqual(NATIVE)
  })

  withAddon('in the repository, where it was built', () => {
    expect(dirname(built)).toBe(join(root, 'native/build/Release'))
    const program = "import('heartwire').then(({ createServer }) => console.log(createServer().transport))"
    const { HEARTWIRE_NATIVE: _, ...env } = process.env
    expect(execFileSync(process.execPath, ['--eval', program], { cwd: root, env, encoding: 'utf8' })).toBe('native\n')
  })
})

describe('a process', () => {
  /** A server in a thread that keeps nothing alive, which sends something a while later. */
  const SERVER = `
    import { parentPort } from 'node:worker_threads'
    import { createServer } from 'heartwire'
    const server = createServer({ open: (socket) => void setTimeout(() => socket.send('late'), 100) })
    parentPort.postMessage((await server.listen({ host: '127.0.0.1' })).url)`
  const CLIENT = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const thread = new Worker('./server.mjs', { execArgv: [] })
    const [url] = await once(thread, 'message')
    thread.unref()
    const socket = await connect(url, { transport: 'native', heartbeat: false })
    console.log(JSON.stringify(await socket.receive()))
    socket.terminate()`

  withAddon('lives as long as it has a connection, and no longer', () => {
    writeFileSync(join(place, 'server.mjs'), SERVER)
    expect(run(CLIENT, { env: { HEARTWIRE_NATIVE: built } })).toBe('late')
  })
})

describe('TLS is not native', () => {
  const LISTEN = `
    import { readFileSync } from 'node:fs'
    import { createServer as createHttps } from 'node:https'
    const tls = { key: readFileSync('${tls}/server.key'), cert: readFileSync('${tls}/server.crt') }
    const server = createServer({ message() {}, transport: 'native' })
    const thrown = []
    const note = ({ code, message }) => thrown.push(code + ': ' + message)
    await server.listen({ tls }).catch(note)
    try {
      server.attach(createHttps(tls))
    } catch (error) {
      note(error)
    }
    await connect('wss://localhost:1', { transport: 'native' }).catch(note)
    await server.listen({ host: '127.0.0.1' })
    await server.close()
    console.log(JSON.stringify(thrown))`

  withAddon('neither for a server nor for a client', () => {
    const refused = "INVALID_ARGUMENT: The option transport cannot be 'native': TLS is left to Node."
    expect(run(LISTEN, { env: { HEARTWIRE_NATIVE: built } })).toEqual([refused, refused, refused])
  })
})

describe('what is logged where there is no addon', () => {
  const LOGGED = `
    const lines = []
    for (const name of ['first', 'second']) {
      const transport = process.env.TRANSPORT ?? 'auto'
      const server = createServer({ message() {}, transport, log: (line) => lines.push(name + ': ' + line) })
      await server.listen({ host: '127.0.0.1' })
      await server.close()
    }
    console.log(JSON.stringify(lines))`

  test('is one line in a process', () => {
    expect(run(LOGGED)).toEqual([
      `first: heartwire uses Node's sockets, not its native transport: the package ${name} is not installed. If that is meant, set HEARTWIRE_NATIVE=0.`,
    ])
  })

  test.each([{ HEARTWIRE_NATIVE: '0' }, { TRANSPORT: 'node' }])('is nothing when that is meant: %o', (env) => {
    expect(run(LOGGED, { env: env as Record<string, string> })).toEqual([])
  })
})
