import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { commandProblems } from './setup/docs/commands.ts'
import { linkProblems } from './setup/docs/links.ts'
import { type Block, parseMarkdown } from './setup/docs/markdown.ts'
import { compileBlocks, DEADLINE, freePort, runBlock, runServer } from './setup/docs/programs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'build/docs')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** The project's documents, relative to its root. */
function findDocuments(): string[] {
  const here = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = ['docs', 'chat', 'bench', 'examples'].flatMap((name) =>
    existsSync(join(root, name))
      ? readdirSync(join(root, name), { recursive: true }).map((file) => join(name, String(file)))
      : [],
  )
  return [...here, ...below.filter((name) => name.endsWith('.md'))].map((name) => name.replaceAll('\\', '/'))
}

const documents = findDocuments().map((name) => {
  const markdown = readFileSync(join(root, name), 'utf8')
  return { name, markdown, ...parseMarkdown(name, markdown) }
})
const programs = documents.flatMap(({ blocks }) => blocks).filter(({ language }) => language === 'ts')
let messages = new Map<Block, string[]>()

beforeAll(() => {
  messages = compileBlocks(programs, root, folder)
}, 60_000)

for (const { name, markdown, blocks, problems } of documents) {
  describe(name, () => {
    it('has blocks that can be checked', () => {
      expect(problems).toEqual([])
    })

    it('has links that lead somewhere', () => {
      expect(linkProblems(name, markdown, root)).toEqual([])
    })

    for (const block of blocks) {
      const { language, line } = block
      if (language === 'sh') {
        it(`names commands that exist in line ${line}`, () => {
          expect(commandProblems(block.code.text, root, scripts)).toEqual([])
        })
      } else if (language === 'json') {
        it(`has valid JSON in line ${line}`, () => {
          expect(() => JSON.parse(block.code.text)).not.toThrow()
        })
      } else if (language === 'ts' && !block.client) {
        const clients = block.server ? clientsOf(block, blocks) : []
        const group = [block, ...clients]
        it(
          `has programs that run in line ${group.map(({ line }) => line).join(', ')}`,
          async () => {
            expect(group.flatMap((each) => messages.get(each) ?? [])).toEqual([])
            const port = await freePort()
            await (block.server ? runServer(block, clients, folder, port) : runBlock(block, folder, port))
          },
          DEADLINE * (group.length + 2),
        )
      }
    }
  })
}

/** The client blocks that run while this server block does: those after it, up to the next program that is none. */
function clientsOf(server: Block, blocks: Block[]): Block[] {
  const after = blocks.slice(blocks.indexOf(server) + 1).filter(({ language }) => language === 'ts')
  const end = after.findIndex(({ client }) => !client)
  return end === -1 ? after : after.slice(0, end)
}
