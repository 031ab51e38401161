/** Finds the code blocks of a Markdown document, and the directives beside them. CONTRIBUTING.md explains these. */

/** Some lines of code, and the line of the document that they start on, counted from 1. */
export interface Code {
  line: number
  text: string
}

export interface Block {
  /** Name of the document, for messages. */
  document: string
  /** The line of the opening fence, counted from 1. */
  line: number
  language: string
  code: Code
  /** Hidden code of the directives `before` and `after`, compiled together with the block. */
  before: Code[]
  after: Code[]
  /** A program that does not end: it is to listen on the port that stands for 8080. */
  server: boolean
  /** A program to run while the server block before it runs. */
  client: boolean
  /** What the program is to print, in this order. */
  expect: string[]
}

export interface Parsed {
  blocks: Block[]
  /** What is wrong with the document, a line each. */
  problems: string[]
}

interface Directive {
  name: string
  /** What is after the colon. */
  value: Code
}

const LANGUAGES = new Set(['ts', 'sh', 'json', 'text'])
const LEADING = new Set(['server', 'client', 'expect', 'before'])

/** Reads the blocks of a document. `document` is its name, for messages. */
export function parseMarkdown(document: string, markdown: string): Parsed {
  const lines = markdown.split(/\r?\n/)
  const blocks: Block[] = []
  const problems: string[] = []
  const problem = (line: number, what: string) => problems.push(`${document}:${line}: ${what}`)
  /** Comments that wait for the block that follows them. */
  let pending: Directive[] = []
  /** The block just before, while nothing but comments has come since. */
  let previous: Block | undefined

  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const fence = /^( *)(`{3,}|~{3,})\s*([^`\s]*)/.exec(line)
    if (fence) {
      const [, indent = '', mark = '', language = ''] = fence
      const end = findClosingFence(lines, at, mark)
      if (end === -1) {
        problem(at + 1, 'this block is not closed')
        break
      }
      const text = lines.slice(at + 1, end).map((text) => (text.startsWith(indent) ? text.slice(indent.length) : text))
      const code = { line: at + 2, text: text.join('\n') }
      previous = makeBlock({ document, line: at + 1, language, code }, pending)
      for (const what of blockProblems(previous, pending, blocks)) problem(at + 1, what)
      blocks.push(previous)
      pending = []
      at = end
    } else if (/^\s*<!--/.test(line)) {
      const end = lines.findIndex((text, index) => index >= at && text.includes('-->'))
      const last = end === -1 ? lines.length - 1 : end
      const directive = parseDirective(lines.slice(at, last + 1).join('\n'), at + 1)
      if (directive.name !== 'after') pending.push(directive)
      else if (previous?.language === 'ts') previous.after.push(directive.value)
      else problem(at + 1, 'nothing but comments may be between a ts block and its `after`')
      at = last
    } else if (line.trim() !== '') {
      for (const { name, value } of pending) {
        if (LEADING.has(name)) problem(value.line, `no block follows \`${name}\``)
      }
      pending = []
      previous = undefined
    }
  }
  return { blocks, problems }
}

/** The program of a ts block, every line of it on the line that it has in the document. */
export function programOf(block: Block): string {
  const lines: string[] = []
  for (const { line, text } of [...block.before, block.code, ...block.after]) {
    while (lines.length < line - 1) lines.push('')
    lines.push(...text.split('\n'))
  }
  return `${lines.join('\n')}\n`
}

/** The document without its code blocks and comments, for those who look at its prose. */
export function proseOf(markdown: string): string {
  return markdown.replace(/^( *)(`{3,}|~{3,})[^`\n]*\n[\s\S]*?\n *\2[`~]*[ \t]*$/gm, '').replace(/<!--[\s\S]*?-->/g, '')
}

function findClosingFence(lines: string[], opening: number, mark: string): number {
  return lines.findIndex((line, index) => {
    const text = line.trim()
    return index > opening && text.startsWith(mark) && text === mark.charAt(0).repeat(text.length)
  })
}

/** `comment` from `<!--` to `-->`; `line` is where it starts. */
function parseDirective(comment: string, line: number): Directive {
  const [, space = '', name = '', rest = ''] = /^(\s*<!--\s*)([\w-]*)([\s\S]*)$/.exec(comment) ?? []
  const value = rest.replace(/-->[\s\S]*$/, '').replace(/^:[ \t]*/, '')
  const start = line + space.split('\n').length - 1
  // Code starts on its own line: then the line break after the colon is no part of it.
  const text = value.startsWith('\n') ? value.slice(1) : value
  return { name, value: { line: value.startsWith('\n') ? start + 1 : start, text: text.trimEnd() } }
}

function makeBlock(found: Pick<Block, 'document' | 'line' | 'language' | 'code'>, directives: Directive[]): Block {
  const values = (name: string) => directives.filter((directive) => directive.name === name).map(({ value }) => value)
  return {
    ...found,
    before: values('before'),
    after: [],
    server: values('server').length > 0,
    client: values('client').length > 0,
    expect: values('expect').map(({ text }) => text.trim()),
  }
}

function blockProblems(block: Block, directives: Directive[], earlier: Block[]): string[] {
  const problems: string[] = []
  if (!LANGUAGES.has(block.language)) {
    problems.push(`nothing checks a block of the language '${block.language}'; there are ts, sh, json and text`)
  }
  for (const { name } of directives) {
    if (!LEADING.has(name)) problems.push(`the comment before this block is not a directive: '${name}'`)
    else if (block.language !== 'ts') problems.push(`\`${name}\` is for a ts block`)
  }
  const programs = earlier.filter(({ language }) => language === 'ts')
  const last = programs.at(-1)
  if (block.client && !last?.server && !last?.client) problems.push('no `server` block is before this `client`')
  if (block.server && !/\b8080\b/.test(programOf(block))) problems.push('a `server` block is to listen on port 8080')
  return problems
}
