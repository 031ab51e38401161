/** That docs/guide/ws.md names tests that there are, and leaves out no option and no error code of `ws`. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { TABLES } from './differential/tables.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const guide = readFileSync(fileURLToPath(new URL('../../docs/guide/ws.md', import.meta.url)), 'utf8')

/** The names of all tests: those of the scripts, and what stands in the files beside them. */
const scripts = TABLES.flatMap(([, table]) => table.map(({ name }) => name))
const titles = readdirSync(here)
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) => [...readFileSync(here + file, 'utf8').matchAll(/\bit(?:\.each\([^)]*\))?\(\s*'([^']+)'/g)])
  .map(([, title]) => title)
const names = new Set([...scripts, ...titles])

/** The rows of the tables that end in the name of a test. */
function rows(text: string): string[][] {
  return [...text.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(/(?<!\\) \| /))
}

const sections = guide.split(/^##+ /m).filter((section) => /^\|.*\| test \|$/m.test(section))

it('has no two scripts of the same name in a table', () => {
  for (const [, table] of TABLES) {
    const own = table.map(({ name }) => name)
    expect(own.filter((name, index) => own.indexOf(name) !== index)).toEqual([])
  }
})

describe.each(sections.map((section) => [section.slice(0, section.indexOf('\n')), section]))(
  '%s',
  (_title, section) => {
    const tests = rows(section)
      .slice(2)
      .map((row) => row.at(-1) ?? '')

    it('names tests that there are', () => {
      expect(tests.length).toBeGreaterThan(5)
      expect(tests.filter((name) => !names.has(name))).toEqual([])
    })
  },
)

function section(title: string): string {
  return sections.find((one) => one.startsWith(`${title}\n`)) ?? ''
}

it('names every option of a server', () => {
  const server = new ws.WebSocketServer({ noServer: true })
  const missing = Object.keys(server.options).filter((name) => !section('Options of servers').includes(`\`${name}\``))
  expect(missing).toEqual([])
})

it('names every error code of ws', () => {
  const folder = fileURLToPath(new URL('../../node_modules/ws/lib/', import.meta.url))
  const source = readdirSync(folder).map((file) => readFileSync(folder + file, 'utf8'))
  const codes = new Set(source.join('').match(/WS_ERR_[A-Z0-9_]+/g))
  expect([...codes].filter((code) => !section('Error codes').includes(`\`${code}\``))).toEqual([])
})
