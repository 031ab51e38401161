import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const faces = [
  'heartwire',
  'heartwire/protocol',
  'heartwire/reconnect',
  'heartwire/testing',
  'heartwire/websocket',
  'heartwire/ws',
]
/** Needs `prom-client`, which whoever uses it installs. */
const prometheus = 'heartwire/prometheus'

/** A project of somebody else, with the packed package installed. */
const consumer = mkdtempSync(join(tmpdir(), 'heartwire-package-'))
let packed: string[] = []

beforeAll(() => {
  const [pack] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', consumer)) as [
    { filename: string; files: { path: string }[] },
  ]
  packed = pack.files.map(({ path }) => path)
  write('package.json', JSON.stringify({ name: 'consumer', private: true }))
  npm(consumer, 'install', '--offline', '--no-audit', '--no-fund', join(consumer, pack.filename))
}, 60_000)

afterAll(() => rmSync(consumer, { recursive: true, force: true }))

describe('what is packed', () => {
  it('is the built code, its documentation and the licence', () => {
    const expected = /^(dist\/.+\.(js|d\.ts)|docs\/.+|(README|CHANGELOG)\.md|LICENSE|package\.json)$/
    expect(packed.filter((path) => !expected.test(path))).toEqual([])
    expect(packed).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'CHANGELOG.md', 'LICENSE']))
  })

  it('has the licence of what the command line was bundled with', () => {
    const licence = readFileSync(join(root, 'node_modules/hdr-histogram-js/LICENSE'), 'utf8').trim()
    const bundle = readFileSync(join(root, 'dist/cli/hdr.js'), 'utf8')
    expect(bundle).toContain(licence)
    expect(bundle).not.toMatch(/\b(?:require|eval)\(|\bfrom\s*['"]/)
  })

  it('installs alone, and runs nothing when it is installed', () => {
    const installed = readdirSync(join(consumer, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(installed).toEqual(['heartwire'])
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([])
  })

  it('has a protocol part that imports nothing but itself', () => {
    const folder = join(root, 'dist/protocol')
    for (const file of readdirSync(folder, { recursive: true }).map(String)) {
      if (!file.endsWith('.js')) continue
      const source = readFileSync(join(folder, file), 'utf8')
      for (const [, from = ''] of source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)) {
        expect(from, `${file} imports ${from}`).toMatch(/^\.\.?\//)
        expect(relative(folder, join(folder, file, '..', from)), `${file} imports ${from}`).not.toMatch(/^\.\./)
      }
    }
  })
})

describe('somebody who installed it', () => {
  it.each(faces)('can import %s', (face) => {
    expect(run('import.mjs', `import * as face from '${face}'\nconsole.log(Object.keys(face).length > 0)`)).toBe('true')
  })

  it('has the command line', () => {
    const bin = join(consumer, 'node_modules/.bin/heartwire')
    const options = { encoding: 'utf8', shell: process.platform === 'win32' } as const
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(execFileSync(bin, ['--version'], options)).toBe(`${version}\n`)
    expect(execFileSync(bin, ['bench', '--help'], options)).toMatch(/^Usage: heartwire bench /)
  })

  it.each(faces)('can require %s', (face) => {
    expect(run('require.cjs', `console.log(Object.keys(require('${face}')).length > 0)`)).toBe('true')
  })

  it(`is told what is missing where ${prometheus} is imported without prom-client`, () => {
    expect(() => run('missing.mjs', `import '${prometheus}'`)).toThrow("Cannot find package 'prom-client'")
  })

  it('can read package.json', () => {
    expect(run('read.cjs', "console.log(require('heartwire/package.json').name)")).toBe('heartwire')
  })

  it.each(['dist/index.js', 'protocol/frame.js'])('cannot reach into it: heartwire/%s', (path) => {
    expect(() => run('reach.mjs', `import 'heartwire/${path}'`)).toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('gets types that hold with module %s, resolution %s', (module, moduleResolution) => {
    const source = faces.map((face, index) => `import * as face${index} from '${face}'\nvoid face${index}`).join('\n')
    expect(check(source, { module, moduleResolution, types: ['node'] })).toBe('')
  })

  it.each(['heartwire/protocol', 'heartwire/reconnect'])('gets types of %s that hold in a browser', (face) => {
    const source = `import * as face from '${face}'\nvoid face`
    expect(check(source, { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: [] })).toBe('')
  })
})

describe('heartwire/websocket where the condition browser holds', () => {
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [...args, '--input-type=module', '--eval', program], {
      cwd: consumer,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  const program = `
    const names = ['CloseEvent', 'WebSocket', 'WebSocketError', 'WebSocketStream']
    for (const name of names) Object.defineProperty(globalThis, name, { value: class {}, configurable: true })
    const face = await import('heartwire/websocket')
    console.log(names.join() === Object.keys(face).sort().join(), names.filter((name) => face[name] === globalThis[name]).join())`

  it('is what the browser has, and has the same names', () => {
    expect(run('--conditions=browser')).toBe('true CloseEvent,WebSocket,WebSocketError,WebSocketStream')
    expect(run()).toMatch(/^true (CloseEvent)?$/)
  })

  it('has types that hold beside those of a browser', () => {
    const source =
      "import { WebSocket } from 'heartwire/websocket'\nexport const made: globalThis.WebSocket = new WebSocket('')"
    const options = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: ['node'] }
    expect(check(source, options)).toBe('')
  })
})

describe('somebody who has installed prom-client as well', () => {
  beforeAll(() =>
    symlinkSync(join(root, 'node_modules/prom-client'), join(consumer, 'node_modules/prom-client'), 'junction'),
  )
  afterAll(() => rmSync(join(consumer, 'node_modules/prom-client')))

  const program = `
    const server = createServer()
    collectMetrics(server)
    register.metrics().then((text) => console.log(text.includes('heartwire_connections_opened_total 0')))`

  it(`can import ${prometheus}`, () => {
    const imports = `import { createServer } from 'heartwire'
      import { collectMetrics } from '${prometheus}'
      import { register } from 'prom-client'`
    expect(run('metrics.mjs', imports + program)).toBe('true')
  })

  it(`can require ${prometheus}`, () => {
    const imports = `const { createServer } = require('heartwire')
      const { collectMetrics } = require('${prometheus}')
      const { register } = require('prom-client')`
    expect(run('metrics.cjs', imports + program)).toBe('true')
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('gets types that hold with module %s, resolution %s', (module, moduleResolution) => {
    const source = `import * as face from '${prometheus}'\nvoid face`
    expect(check(source, { module, moduleResolution, types: ['node'] })).toBe('')
  })
})

describe('package-lock.json', () => {
  it('names no registry', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"|https?:\/\/registry/)
  })
})

/** Runs a program of the consumer and returns what it printed. */
function run(file: string, source: string): string {
  return execFileSync(process.execPath, [write(file, source)], {
    cwd: consumer,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim()
}

/** Type-checks a module of the consumer, the package's declarations included; returns what the compiler says. */
function check(source: string, options: object): string {
  write('check.mts', source)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2023',
    typeRoots: [join(root, 'node_modules/@types')],
    ...options,
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['check.mts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: consumer, encoding: 'utf8' }).stdout
}

function write(name: string, text: string): string {
  const file = join(consumer, name)
  writeFileSync(file, text)
  return file
}

/** Runs npm: the one that runs the tests, if one does. */
function npm(cwd: string, ...args: string[]): string {
  const cli = process.env.npm_execpath
  const [command, ...before] = cli ? [process.execPath, cli] : ['npm']
  return execFileSync(command, [...before, ...args, '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32' && !cli,
  })
}
