/** Builds the programs of the benchmark in C and in Go when they are first needed, where there is a compiler. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BUILT, NATIVE } from './places.ts'

const COMPILERS = ['gcc', 'cc', 'clang']

const FLAGS = { wsload: ['-lz'], tcp_echo: [], flame_preload: ['-shared', '-fPIC', '-fno-omit-frame-pointer'] } as const

export type Built = { path: string } | { why: string }

/** @returns where the program is, or in a few words why there is none. */
export function buildNative(name: 'wsload' | 'tcp_echo' | 'flame_preload'): Built {
  if (process.platform !== 'linux') return { why: `${name} needs Linux (epoll)` }
  if (name === 'flame_preload' && process.arch !== 'x64') return { why: `${name} needs x64` }
  const source = join(NATIVE, `${name}.c`)
  return build(name, [source], (draft) => {
    for (const compiler of COMPILERS) {
      const { status, stderr } = spawnSync(compiler, ['-O2', '-o', draft, source, ...FLAGS[name]], { encoding: 'utf8' })
      if (status === null) continue
      return status === 0 ? undefined : `${compiler} cannot build ${name}: ${reason(stderr)}`
    }
    return `there is no C compiler for ${name}`
  })
}

/** What they import, and the package of Debian that has it. */
const GO_LIBRARIES = {
  gorilla: { path: 'github.com/gorilla/websocket', debian: 'golang-github-gorilla-websocket-dev' },
  coder: { path: 'nhooyr.io/websocket', debian: 'golang-nhooyr-websocket-dev' },
} as const

/** Where Debian puts the sources of Go libraries. */
const GO_PATH = '/usr/share/gocode'

/** @returns where the server is, or how to get what it needs. */
export function buildGo(name: keyof typeof GO_LIBRARIES): Built {
  const { path, debian } = GO_LIBRARIES[name]
  const hint = `\`apt install golang-go ${debian}\` brings it`
  if (!existsSync(join(GO_PATH, 'src', path))) return { why: `there is no ${path} in ${GO_PATH}; ${hint}` }
  const sources = [`${name}.go`, 'control.go'].map((file) => join(NATIVE, 'go', file))
  return build(name, sources, (draft) => {
    const [, version = 'unknown'] =
      spawnSync('dpkg-query', ['-W', debian], { encoding: 'utf8' }).stdout?.trim().split('\t') ?? []
    const { status, stderr } = spawnSync(
      'go',
      ['build', '-ldflags', `-X main.version=${version}`, '-o', draft, ...sources],
      {
        encoding: 'utf8',
        env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH },
      },
    )
    if (status === null) return `there is no program "go"; ${hint}`
    return status === 0 ? undefined : `go cannot build ${name}: ${reason(stderr)}`
  })
}

/** @param compile writes the program to a file, and returns why it could not. */
function build(name: string, sources: readonly string[], compile: (draft: string) => string | undefined): Built {
  const directory = join(BUILT, 'native')
  const path = join(directory, `${name}-${process.arch}`)
  if (modified(path) > Math.max(...sources.map(modified))) return { path }
  mkdirSync(directory, { recursive: true })
  const draft = `${path}.${process.pid}`
  const why = compile(draft)
  if (why === undefined) {
    // In one step: another run of the benchmark may be starting the program at this moment.
    renameSync(draft, path)
    return { path }
  }
  rmSync(draft, { force: true })
  return { why }
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
