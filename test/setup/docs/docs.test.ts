/** That the checks of the documents find what is wrong with one. test/docs.test.ts puts them to the real documents. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { commandProblems } from './commands.ts'
import { linkProblems } from './links.ts'
import { type Block, parseMarkdown, programOf } from './markdown.ts'
import { compileBlocks, freePort, runBlock, runServer } from './programs.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A document of these lines. */
const document = (...lines: string[]) => parseMarkdown('sample.md', lines.join('\n'))

describe('parseMarkdown', () => {
  it('finds blocks, with the lines they are in', () => {
    const { blocks, problems } = document('# Title', '', '```ts', 'one()', 'two()', '```', '', '~~~sh', 'npm ci', '~~~')
    expect(problems).toEqual([])
    expect(blocks.map(({ line, language, code }) => ({ line, language, code }))).toEqual([
      { line: 3, language: 'ts', code: { line: 4, text: 'one()\ntwo()' } },
      { line: 8, language: 'sh', code: { line: 9, text: 'npm ci' } },
    ])
  })

  it('takes a fence inside a longer one, and a comment inside a block, as text', () => {
    const { blocks, problems } = document('````text', '<!-- server -->', '```ts', 'x', '```', '````')
    expect(problems).toEqual([])
    expect(blocks.map(({ code }) => code.text)).toEqual(['<!-- server -->\n```ts\nx\n```'])
  })

  it('takes the indentation of a list off', () => {
    expect(document('1. one', '   ```ts', '   if (a) {', '     b()', '   }', '   ```').blocks[0]?.code.text).toBe(
      'if (a) {\n  b()\n}',
    )
  })

  it('joins hidden code and the block, each line where it is in the document', () => {
    const lines = ['<!-- before:', 'first()', '-->', '', '```ts', 'second()', '```', '<!-- after: third() -->']
    const [block] = document(...lines).blocks
    expect(block && programOf(block).split('\n')).toEqual(['', 'first()', '', '', '', 'second()', '', 'third()', ''])
  })

  it('reads the directives', () => {
    const { blocks, problems } = document(
      ...['<!-- server -->', '<!-- expect: ready: yes -->', '', '```ts', 'listen(8080)', '```'],
      ...['<!-- client -->', '```ts', 'go()', '```'],
    )
    expect(problems).toEqual([])
    expect(blocks.map(({ server, client, expect }) => ({ server, client, expect }))).toEqual([
      { server: true, client: false, expect: ['ready: yes'] },
      { server: false, client: true, expect: [] },
    ])
  })

  it.each([
    [['```html', '```'], "sample.md:1: nothing checks a block of the language 'html'; there are ts, sh, json and text"],
    [['```', '```'], "sample.md:1: nothing checks a block of the language ''; there are ts, sh, json and text"],
    [['```ts'], 'sample.md:1: this block is not closed'],
    [['<!-- sever -->', '```ts', '```'], "sample.md:2: the comment before this block is not a directive: 'sever'"],
    [['<!-- expect: x -->', '```sh', '```'], 'sample.md:2: `expect` is for a ts block'],
    [['<!-- expect: x -->', 'text'], 'sample.md:1: no block follows `expect`'],
    [
      ['```ts', '```', 'text', '<!-- after: x -->'],
      'sample.md:4: nothing but comments may be between a ts block and its `after`',
    ],
    [['<!-- client -->', '```ts', '```'], 'sample.md:2: no `server` block is before this `client`'],
    [['<!-- server -->', '```ts', 'listen(80)', '```'], 'sample.md:2: a `server` block is to listen on port 8080'],
  ])('refuses %j', (lines, problem) => {
    expect(document(...lines).problems).toEqual([problem])
  })
})

describe('programs', () => {
  const folder = mkdtempSync(join(root, 'node_modules/.docs-test-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  const listen =
    "import { createServer } from 'node:http'\ncreateServer((_, response) => response.end('hi')).listen(8080)"
  const fetchIt = "console.log(await (await fetch('http://localhost:8080')).text())"
  const sample = {
    good: ['<!-- expect: a -->', '<!-- expect: b -->', '```ts', 'const a: string = "a"', 'console.log(a, "b")', '```'],
    wrong: ['```ts', 'const a: number = "a"', '```'],
    thrown: ['```ts', 'throw new Error("boom")', '```'],
    silent: ['<!-- expect: b -->', '<!-- expect: a -->', '```ts', 'console.log("a b")', '```'],
    server: ['<!-- server -->', '<!-- expect: up on 8080 -->', '```ts', listen, 'console.log("up on 8080")', '```'],
    client: ['<!-- client -->', '<!-- expect: hi -->', '```ts', fetchIt, '```'],
    ended: ['<!-- server -->', '```ts', 'console.log(8080)', '```'],
  }
  const { blocks, problems } = document(...Object.values(sample).flat().join('\n').split('\n'))
  const blockOf = (name: keyof typeof sample): Block => {
    const block = blocks[Object.keys(sample).indexOf(name)]
    if (!block) throw new Error(`no block ${name}`)
    return block
  }

  it('are compiled, and the messages name the lines of the document', () => {
    expect(problems).toEqual([])
    const messages = compileBlocks(blocks, root, folder)
    expect([...messages]).toEqual([
      [blockOf('wrong'), ["sample.md:8:7: error TS2322: Type 'string' is not assignable to type 'number'."]],
    ])
  })

  it('are run, and their output is compared', async () => {
    const port = await freePort()
    await runBlock(blockOf('good'), folder, port)
    await expect(runBlock(blockOf('thrown'), folder, port)).rejects.toThrow(/sample\.md:10 ended with 1;.*boom/s)
    await expect(runBlock(blockOf('silent'), folder, port)).rejects.toThrow("sample.md:15 did not print 'a'")
  })

  it('run against a server block, on a port that stands for 8080', async () => {
    const port = await freePort()
    await runServer(blockOf('server'), [blockOf('client')], folder, port)
    await expect(runServer(blockOf('ended'), [], folder, port)).rejects.toThrow(/sample\.md:\d+ ended with 0/)
    await expect(runBlock(blockOf('client'), folder, port)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('commandProblems', () => {
  it.each([
    ['npm ci && npm test\n$ npm run build -- --x  # and more\nFOO=1 npx vitest run; cd dist', []],
    ['npm run nope', ["package.json has no script for 'npm run nope'"]],
    ['npm nope', ["package.json has no script for 'npm nope'"]],
    ['npx nope', ["no dependency has the command 'nope'"]],
    ['node nope.js', ["there is no file 'nope.js'"]],
    ['rm -rf x', ["nothing checks the command 'rm'; if it cannot be checked, make this a text block"]],
  ])('checks %j', (code, problems) => {
    expect(commandProblems(code, root, { test: '', build: '' })).toEqual(problems)
  })
})

describe('linkProblems', () => {
  it('finds files and headings that are not there', () => {
    const markdown = [
      ...[
        '# A heading, with `code`',
        '## Twice',
        '## Twice',
        '[a](#a-heading-with-code) [b](#twice-1) [c](package.json)',
      ],
      ...['[d](https://example.com/#x) `[e](nope)`', '```text', '[f](nope)', '```', '[g](nope.md#x) [h](#nope)'],
    ].join('\n')
    expect(linkProblems('sample.md', markdown, root)).toEqual([
      'sample.md: there is no nope.md#x',
      'sample.md: no heading has the anchor #nope',
    ])
  })
})
