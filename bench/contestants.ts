/** What is compared, and how each is started. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Child } from './children.ts'
import { buildGo, buildNative } from './native.ts'
import { BUILT, PROJECT } from './places.ts'
import { ServerDeclined, ServerProcess } from './server-process.ts'
import type { Handler, ServerArguments } from './servers/control.ts'

export const CONTESTANTS = [
  'heartwire',
  'heartwire-node',
  'ws',
  'bun',
  'deno',
  'websocket',
  'faye-websocket',
  'uws',
  'gorilla',
  'coder',
  'net',
  'tcp',
] as const

export type ContestantName = (typeof CONTESTANTS)[number]

/** They send the bytes back as they come, which is no WebSocket: what is possible at all. */
export const LIMITS: readonly ContestantName[] = ['net', 'tcp']

/** When they can answer: in Go there is nothing to await. */
export function handlersOf(name: ContestantName): readonly Handler[] {
  const simple = LIMITS.includes(name) || name === 'gorilla' || name === 'coder'
  return simple ? ['sync'] : ['sync', 'async', 'timer']
}

/** `heartwire-auto` has the transport that heartwire chooses by itself. */
export type Startable = ContestantName | 'heartwire-auto'

export interface StartOptions {
  /** The CPU core to keep it on, if any. */
  core?: number | undefined
  /** Where uWebSockets.js is. */
  uws?: string | undefined
}

/** @throws {Error} when it does not come up; a `ServerDeclined` when it is not there, or cannot do this. */
export async function startContestant(
  name: Startable,
  { handler, work, compression }: ServerArguments,
  { core, uws }: StartOptions = {},
): Promise<ServerProcess> {
  const [command, ...args] = commandOf(name, uws)
  return ServerProcess.over(name, new Child(command, [...args, work, handler, compression], { core }))
}

/** @throws {ServerDeclined} when its program is not there. */
function commandOf(name: Startable, uws: string | undefined): [command: string, ...args: string[]] {
  const program = (server: string) => join(BUILT, 'servers', `${server}.js`)
  const node = (server: string, ...words: string[]): [string, ...string[]] => [
    process.execPath,
    '--expose-gc',
    program(server),
    ...words,
  ]
  switch (name) {
    case 'heartwire':
      return node('heartwire', 'native')
    case 'heartwire-node':
      return node('heartwire', 'node')
    case 'heartwire-auto':
      return node('heartwire')
    case 'bun':
      return [installed('bun'), program('bun')]
    case 'deno':
      return [
        installed('deno'),
        'run',
        '--allow-all',
        '--no-config',
        '--no-lock',
        '--v8-flags=--expose-gc',
        program('deno'),
      ]
    case 'uws':
      if (uws === undefined)
        throw new ServerDeclined('uWebSockets.js is not on npm; --uws names the directory it is in')
      return node('uws', uws)
    case 'tcp':
      return [built(buildNative('tcp_echo'))]
    case 'gorilla':
    case 'coder':
      return [built(buildGo(name))]
    default:
      return node(name)
  }
}

/** A program from `PATH` or, as npm installs it, from `node_modules/.bin`. */
function installed(program: string): string {
  const places = [...(process.env.PATH ?? '').split(delimiter), join(PROJECT, 'node_modules', '.bin')]
  for (const place of places) {
    const path = join(place, program)
    if (existsSync(path) && spawnSync(path, ['--version']).status === 0) return path
  }
  throw new ServerDeclined(`there is no program "${program}"; \`npm install --no-save ${program}\` brings it`)
}

function built(found: { path: string } | { why: string }): string {
  if ('why' in found) throw new ServerDeclined(found.why)
  return found.path
}
