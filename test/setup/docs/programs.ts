/** Compiles and runs the programs of a document. CONTRIBUTING.md explains how they are run. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Block, programOf } from './markdown.ts'

/** How long a program may take to end, and a server to listen, in milliseconds. */
export const DEADLINE = 10_000

/**
 * Compiles the ts blocks, all at once.
 * @param root the folder of package.json
 * @param folder where to put them: a folder inside the package, so that 'heartwire' is the built package; it is emptied
 * @returns the compiler's messages by block, with the lines of the document
 */
export function compileBlocks(blocks: Block[], root: string, folder: string): Map<Block, string[]> {
  const messages = new Map<Block, string[]>()
  if (blocks.length === 0) return messages
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const block of blocks) {
    const file = join(folder, `${nameOf(block)}.ts`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, programOf(block))
  }
  const config = {
    extends: relative(folder, join(root, 'tsconfig.base.json')).replaceAll('\\', '/'),
    compilerOptions: {
      types: ['node'],
      rootDir: '.',
      outDir: '.',
      moduleDetection: 'force',
      inlineSourceMap: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: blocks.map((block) => `${nameOf(block)}.ts`),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [tsc, '--project', '.', '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })

  let current: string[] | undefined
  for (const line of stdout.split(/\r?\n/)) {
    const [, name, row, column, message] = /^(.+)\.ts\((\d+),(\d+)\): (.*)$/.exec(line) ?? []
    if (name !== undefined) {
      const block = blocks.find((block) => nameOf(block) === name.replaceAll('\\', '/'))
      if (block === undefined) throw new Error(line)
      current = messages.get(block) ?? []
      current.push(`${block.document}:${row}:${column}: ${message}`)
      messages.set(block, current)
    } else if (/^\s/.test(line)) {
      current?.push(line)
    } else if (line !== '') {
      throw new Error(line)
    }
  }
  if (status !== 0 && messages.size === 0) throw new Error(`tsc ended with exit code ${status}`)
  return messages
}

/** Runs a block that ends by itself. Throws when it does not, when it fails, or when its output is not the expected. */
export async function runBlock(block: Block, folder: string, port: number): Promise<void> {
  const program = new Program(block, folder, port)
  const ended = await program.endsWithin(DEADLINE)
  if (!ended) {
    await program.stop()
    throw program.failure(`still runs after ${DEADLINE / 1_000} s`)
  }
  if (program.exit !== 0) throw program.failure(`ended with ${program.exit}`)
  const missing = missingIn(program.output, block.expect)
  if (missing !== undefined) throw program.failure(`did not print '${missing}'`)
}

/** Runs a server block, and then the client blocks while it runs. */
export async function runServer(server: Block, clients: Block[], folder: string, port: number): Promise<void> {
  const program = new Program(server, folder, port)
  try {
    const deadline = Date.now() + DEADLINE
    while (program.exit === undefined && !(await accepts(port))) {
      if (Date.now() > deadline) throw program.failure(`does not listen on port 8080 after ${DEADLINE / 1_000} s`)
      await sleep(20)
    }
    for (const client of clients) await runBlock(client, folder, port)
    const printed = await program.prints(server.expect, DEADLINE)
    if (program.exit !== undefined) throw program.failure(`ended with ${program.exit}`)
    if (!printed) throw program.failure(`did not print '${missingIn(program.output, server.expect)}'`)
  } finally {
    await program.stop()
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a listening server has no port')
  return address.port
}

/** A block as a running process. */
class Program {
  /** The exit code or the signal; undefined while it runs. */
  exit: number | NodeJS.Signals | undefined
  readonly #block: Block
  readonly #port: string
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''
  #changed = () => {}

  constructor(block: Block, folder: string, port: number) {
    this.#block = block
    this.#port = String(port)
    const file = join(folder, `${nameOf(block)}.js`)
    const program = readFileSync(file, 'utf8').replace(/\b8080\b/g, this.#port)
    const copy = file.replace(/\.js$/, '.run.js')
    writeFileSync(copy, program)
    this.#child = spawn(process.execPath, ['--enable-source-maps', copy], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (text: string) => {
      this.#output += text
      this.#changed()
    }
    this.#child.stdout?.setEncoding('utf8').on('data', collect)
    this.#child.stderr?.setEncoding('utf8').on('data', collect)
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.exit = code ?? signal ?? 1
        this.#changed()
        resolve()
      })
    })
  }

  /** What it has printed so far, with 8080 again for its port. */
  get output(): string {
    return this.#output.replaceAll(this.#port, '8080')
  }

  async endsWithin(milliseconds: number): Promise<boolean> {
    const late = new AbortController()
    await Promise.race([this.#ended, sleep(milliseconds, undefined, { signal: late.signal }).catch(() => {})])
    late.abort()
    return this.exit !== undefined
  }

  /** Whether all of this is printed, in this order, before the time is over or the program ends. */
  async prints(texts: string[], milliseconds: number): Promise<boolean> {
    const deadline = sleep(milliseconds, 'late' as const, { ref: false })
    while (missingIn(this.output, texts) !== undefined) {
      const change = new Promise<void>((resolve) => {
        this.#changed = resolve
      })
      if (this.exit !== undefined || (await Promise.race([change, deadline])) === 'late') break
    }
    return missingIn(this.output, texts) === undefined
  }

  async stop(): Promise<void> {
    if (this.exit !== undefined) return
    this.#child.kill()
    if (!(await this.endsWithin(2_000))) this.#child.kill('SIGKILL')
    await this.#ended
  }

  failure(what: string): Error {
    return new Error(`the program of ${this.#block.document}:${this.#block.line} ${what}; it printed:\n${this.output}`)
  }
}

/** The first of the texts that is not there after the ones before it. */
function missingIn(output: string, texts: string[]): string | undefined {
  let from = 0
  for (const text of texts) {
    const at = output.indexOf(text, from)
    if (at === -1) return text
    from = at + text.length
  }
  return undefined
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost', autoSelectFamily: true })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function nameOf(block: Block): string {
  return `${block.document}.${block.line}`
}
