import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORMS, packageFor, thisPlatform } from '../src/transport/addon.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const name = packageFor(thisPlatform())
/** Where the tarballs are, and somebody's project for each of what can be installed. */
const place = mkdtempSync(join(tmpdir(), 'heartwire-packages-'))

afterAll(() => rmSync(place, { recursive: true, force: true }))

/** Packs something, and returns the path of the tarball. */
function pack(what: string): string {
  return node(root, join(root, 'scripts/pack.mjs'), what, '--to', place)
}

/** Installs tarballs in an empty folder, with no network. */
function install(project: string, ...tarballs: string[]): string {
  const folder = join(place, project)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: project, private: true }))
  const cli = process.env.npm_execpath
  const [command, ...before] = cli ? [process.execPath, cli] : ['npm']
  execFileSync(
    command,
    [...before, 'install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  return folder
}

/** Runs Node without what this process was told of the addon. */
function node(cwd: string, ...args: string[]): string {
  const { HEARTWIRE_NATIVE: _, ...env } = process.env
  return execFileSync(process.execPath, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
}

function manifestOf(folder: string, name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
}

/** Serves an echo, says what it is served by and what came back. */
const ECHO = `
  import { connect, createServer } from 'heartwire'
  const transport = process.argv[1]
  const server = createServer({ message: (socket, message) => void socket.send(message), transport, log: () => {} })
  const { url } = await server.listen({ host: '127.0.0.1' })
  const socket = await connect(url, { transport })
  socket.send('hello')
  console.log([server.transport, server.transportReason, await socket.receive()].join(', '))
  socket.close()
  await server.close()`

/** There is none where it cannot be built; in continuous integration there always is. */
const isBuilt = existsSync(join(root, 'native/build/Release/heartwire.node'))

describe.skipIf(!process.env.CI && !isBuilt)('the packages of heartwire and of this platform', () => {
  let heartwire: string
  let both: string
  let alone: string
  beforeAll(() => {
    heartwire = pack('heartwire')
    both = install('both', heartwire, pack('native'))
    alone = install('alone', heartwire)
  }, 120_000)

  it('serve natively when both are installed', () => {
    expect(node(both, '--input-type=module', '--eval', ECHO, 'native')).toBe('native, the native addon is there, hello')
  })

  it('serve on Node when that of the platform is missing', () => {
    expect(node(alone, '--input-type=module', '--eval', ECHO, 'auto')).toBe(
      `node, the package ${name} is not installed, hello`,
    )
  })

  it('name each other, with one version', () => {
    const { version, optionalDependencies, scripts } = manifestOf(both, 'heartwire')
    expect(optionalDependencies).toEqual(
      Object.fromEntries(PLATFORMS.map((platform) => [packageFor(platform), version])),
    )
    expect(manifestOf(both, name)).toMatchObject({ name, version, main: 'heartwire.node', license: 'MIT' })
    expect(Object.keys(scripts as object).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([])
  })

  it('say on which systems they are to be installed', () => {
    const { os, cpu, libc } = manifestOf(both, name)
    expect({ os, cpu }).toEqual({ os: [process.platform], cpu: [process.arch] })
    if (process.platform === 'linux') expect(libc).toEqual([thisPlatform().endsWith('-musl') ? 'musl' : 'glibc'])
  })

  it('have a licence and a description', () => {
    const folder = join(both, 'node_modules', name)
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`# ${name}`)
  })
})

describe('the repository', () => {
  it('depends on none of the packages: there the addon is built', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object
    expect(manifest).not.toHaveProperty('optionalDependencies')
  })
})
