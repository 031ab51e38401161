/** Builds the C programs of the benchmark when they are first needed, where there is a compiler. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT, NATIVE } from './places.ts'

const COMPILERS = ['gcc', 'cc', 'clang']

export type Built = { path: string } | { why: string }

/** @returns where the program is, or in a few words why there is none. */
export function buildNative(name: 'wsload' | 'tcp_echo'): Built {
  if (process.platform !== 'linux') return { why: `${name} needs Linux (epoll)` }
  const source = join(NATIVE, `${name}.c`)
  const directory = join(BUILT, 'native')
  const path = join(directory, `${name}-${process.arch}`)
  if (modified(path) > modified(source)) return { path }
  mkdirSync(directory, { recursive: true })
  const draft = `${path}.${process.pid}`
  const libraries = name === 'wsload' ? ['-lz'] : []
  for (const compiler of COMPILERS) {
    const { status, stderr } = spawnSync(compiler, ['-O2', '-o', draft, source, ...libraries], { encoding: 'utf8' })
    if (status === null) continue
    if (status === 0) {
      // In one step: another run of the benchmark may be starting the program at this moment.
      renameSync(draft, path)
      return { path }
    }
    rmSync(draft, { force: true })
    return { why: `${compiler} cannot build ${name}: ${reason(stderr)}` }
  }
  return { why: `there is no C compiler for ${name}` }
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function reason(stderr: string): string {
  const lines = stderr.split('\n')
  const line = lines.find((text) => /error|cannot find/i.test(text)) ?? lines[0] ?? ''
  // The path of the source is of no interest.
  return line.replace(/^\S*\/(?=[^/\s]+:)/, '').trim()
}
