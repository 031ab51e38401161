/** `npm run fuzz`: see HELP in options.ts, and docs/fuzzing.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram, UsageError, writableFolder } from '../support/program.ts'
import { CORPUS, load, save } from './corpus.ts'
import { instrument } from './instrument.ts'
import type { Finding } from './loop.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import type { Target } from './target.ts'
import { fuzz, type Progress } from './thread.ts'

/** Inputs that are longer are not worth their place in the project. */
const LONGEST_MERGED = 4_096

const COLUMNS = [
  'target',
  'inputs of the corpus',
  'new inputs',
  'a second',
  'statements and branches reached',
  'by new inputs only',
  'new inputs kept',
  'found',
]

await runProgram('fuzz', async (argv) => {
  const options = parseOptions(argv)
  if (options === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  const { replay, targets, seed } = options
  if (replay !== undefined) return replayed(targets[0]!, replay)
  writableFolder(options.out)
  process.stderr.write(`seed ${seed}\n`)
  const code = instrument()
  const rows: string[][] = []
  let failed = 0
  for (const target of targets) {
    const finding = options.merge ? await merge(target, code, options) : await hunt(target, code, options, rows)
    if (finding === undefined) continue
    failed++
    report(target, finding, options.out)
  }
  if (!options.merge) process.stdout.write(markdownTable(rows))
  return failed === 0 ? 0 : 1
})

function markdownTable(rows: readonly string[][]): string {
  const lines = [COLUMNS, COLUMNS.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** @param rows gets the target's row of the table */
async function hunt(
  target: Target,
  code: string,
  { seconds, runs, seed, timeout, out }: Options,
  rows: string[][],
): Promise<Finding | undefined> {
  const { name } = target
  const found = join(out, 'corpus', name)
  const inputs = [...load(join(CORPUS, name)), ...load(found)]
  const known = new Set(inputs.map(textOf))
  let kept = 0
  let first: Progress | undefined
  let last: Progress | undefined
  let since = 0
  const finding = await fuzz({
    code,
    target: name,
    seed,
    runs,
    seconds,
    timeout,
    inputs,
    magnitudes: true,
    onKept(input) {
      if (known.has(textOf(input))) return
      kept++
      save(found, input)
    },
    onProgress(progress) {
      if (first === undefined) since = performance.now()
      first ??= progress
      last = progress
      const { executions, covered, total } = progress
      process.stderr.write(`  ${name}: ${executions} inputs, ${covered} of ${total} statements and branches reached\n`)
    },
  })
  if (first !== undefined && last !== undefined) {
    const made = last.executions - first.executions
    const perSecond = Math.round(made / ((performance.now() - since) / 1_000))
    const counts = [
      inputs.length,
      made,
      perSecond,
      `${last.covered} of ${last.total}`,
      last.covered - first.covered,
      kept,
    ]
    rows.push([`\`${name}\``, ...counts.map(String), finding === undefined ? 'nothing' : '**a fault**'])
  }
  return finding
}

/** Adds to the checked-in corpus what reaches more than it does, by as short inputs as there are. */
async function merge(target: Target, code: string, { seed, timeout, out }: Options): Promise<Finding | undefined> {
  const folder = join(CORPUS, target.name)
  const inputs = load(folder)
  const known = new Set(inputs.map(textOf))
  const found = load(join(out, 'corpus', target.name)).filter(({ length }) => length <= LONGEST_MERGED)
  let added = 0
  const finding = await fuzz({
    code,
    target: target.name,
    seed,
    // What is given is run in any case, and nothing beyond it.
    runs: 0,
    seconds: 3_600,
    timeout,
    inputs: [...inputs, ...found],
    magnitudes: false,
    onKept(input) {
      if (known.has(textOf(input))) return
      added++
      save(folder, input)
    },
    onProgress: () => {},
  })
  if (finding !== undefined) return finding
  process.stdout.write(`${target.name}: ${added} of ${found.length} inputs added to ${inputs.length}\n`)
  return undefined
}

function report(target: Target, finding: Finding, out: string): void {
  const path = save(join(out, 'findings'), finding.input, `${target.name}-`)
  process.stdout.write(
    `\n${target.name}: ${finding.report}\n\nThe input, ${finding.input.length} bytes: ${textOf(finding.input)}\n` +
      `Saved as ${path}\nTo see it again: npm run fuzz -- --target ${target.name} --replay ${path}\n\n`,
  )
}

async function replayed(target: Target, path: string): Promise<number> {
  const input = readInput(path)
  process.stdout.write(`${target.name}, ${input.length} bytes: ${textOf(input)}\n`)
  try {
    const outcome = [...(await target.run(input))]
    process.stdout.write(`Everything holds. What came of it: ${outcome.join(', ')}\n`)
    return 0
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return 1
  }
}

function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Printable, and the same for the same bytes. */
function textOf(input: Uint8Array): string {
  return JSON.stringify(Buffer.from(input).toString('latin1'))
}
