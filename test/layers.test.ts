/** That the arrows of docs/architecture.md are those of the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Folders of src/ from the bottom to the top. A module imports from its own folder, and from those in rows before it. */
const ROWS = [
  ['protocol', 'reconnect'],
  ['topics', 'liveness', 'transport', 'platform', 'compression'],
  ['socket'],
  ['server', 'client', 'ws'],
  ['websocket'],
  ['cli'],
  // The modules of src/ itself, which are what the package exports.
  [''],
]

const root = fileURLToPath(new URL('../src', import.meta.url))
const modules = readdirSync(root, { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, ...read(name) }))

interface Import {
  from: string
  /** Whether nothing of it is left when the program runs. */
  erased: boolean
}

/** A module's code without comments and the text of its strings, and what it imports or exports from elsewhere. */
function read(name: string): { code: string; imports: Import[] } {
  const text = readFileSync(join(root, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1')
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const imports = [...statements].map(([, type, from = '']) => ({
    from: target(name, from),
    erased: type !== undefined,
  }))
  return { code: text.replace(/'(?:[^'\\\n]|\\.)*'/g, "''"), imports }
}

/** A file below src/, or what was written where that is none. */
function target(importer: string, from: string): string {
  return from.startsWith('.') ? posix.join(posix.dirname(importer), from) : from
}

function folderOf(name: string): string {
  return name.includes('/') ? name.slice(0, name.indexOf('/')) : ''
}

function rowOf(name: string): number {
  return ROWS.findIndex((row) => row.includes(folderOf(name)))
}

test('every module is in one of the folders that the architecture names', () => {
  expect(modules.filter(({ name }) => rowOf(name) === -1).map(({ name }) => name)).toEqual([])
  expect(new Set(modules.map(({ name }) => folderOf(name)))).toEqual(new Set(ROWS.flat()))
})

test('every import is found, and is of a file of src/ or of Node, but for two that are of packages', () => {
  const names = new Set(modules.map(({ name }) => name))
  const unknown = modules.flatMap(({ name, imports }) =>
    imports.filter(({ from }) => !names.has(from) && !from.startsWith('node:')).map(({ from }) => `${name}: ${from}`),
  )
  // The second one is taken into the package by its build.
  expect(unknown.toSorted()).toEqual([
    'cli/hdr.ts: hdr-histogram-js/dist/Float64Histogram.js',
    'prometheus.ts: prom-client',
  ])
  for (const { name, code, imports } of modules) {
    // None was overlooked.
    expect(code.match(/\bfrom ''$/gm)?.length ?? 0, name).toBe(imports.length)
    expect(code, name).not.toMatch(/\b(?:import|require)\(/)
  }
})

test('nothing imports upwards or sideways, not even a type', () => {
  const wrong = modules.flatMap(({ name, imports }) =>
    imports
      .filter(({ from }) => !from.startsWith('node:'))
      .filter(({ from }) => folderOf(from) !== folderOf(name) && rowOf(from) >= rowOf(name))
      .map(({ from }) => `${name} imports ${from}`),
  )
  expect(wrong).toEqual([])
})

test('no module but what the package exports for it needs prom-client', () => {
  expect(modules.filter(({ imports }) => imports.some(({ from }) => from === 'prometheus.ts'))).toEqual([])
})

test('no module but those of the command line needs any of it', () => {
  const outside = modules.filter(({ name }) => folderOf(name) !== 'cli')
  expect(outside.filter(({ imports }) => imports.some(({ from }) => folderOf(from) === 'cli'))).toEqual([])
})

test('no module imports itself by way of others when the program runs', () => {
  const importsOf = new Map(modules.map(({ name, imports }) => [name, imports.filter(({ erased }) => !erased)]))
  const done = new Set<string>()
  const visit = (name: string, path: string[]): string[][] => {
    if (path.includes(name)) return [[...path.slice(path.indexOf(name)), name]]
    if (done.has(name)) return []
    const cycles = (importsOf.get(name) ?? []).flatMap(({ from }) => visit(from, [...path, name]))
    done.add(name)
    return cycles
  }
  expect(modules.flatMap(({ name }) => visit(name, [])).map((cycle) => cycle.join(' > '))).toEqual([])
})

const protocol = modules.filter(({ name }) => name.startsWith('protocol/'))

test('the protocol imports nothing but itself', () => {
  const foreign = protocol.flatMap(({ name, imports }) =>
    imports.filter(({ from }) => folderOf(from) !== 'protocol').map(({ from }) => `${name} imports ${from}`),
  )
  expect(foreign).toEqual([])
})

test("the protocol uses no global of Node's, and no timer", () => {
  const globals = /(?<![.\w])(?:Buffer|process|global|__dirname|__filename|NodeJS|set(?:Timeout|Interval|Immediate))\b/g
  const used = protocol.flatMap(({ name, code }) => [...code.matchAll(globals)].map(([used]) => `${name} uses ${used}`))
  expect(used).toEqual([])
})
