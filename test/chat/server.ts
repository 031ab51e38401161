import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../build/chat/main.js', import.meta.url))

/** The built chat as a process of its own. */
export interface RunningChat {
  child: ChildProcess
  /** What it has printed so far. */
  lines: string[]
  exited: Promise<{ code: number | null; lines: string[]; errors: string }>
}

/** Starts the built chat with these arguments. */
export function runChat(...args: string[]): RunningChat {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += String(data)
  })
  const exited = once(child, 'close').then(([code]) => ({ code, lines, errors }))
  return { child, lines, exited }
}

/** Starts the built chat, on a free port by default; resolves when it listens. */
export async function startChat(wanted = 0): Promise<RunningChat & { port: number }> {
  const chat = runChat('--port', String(wanted))
  const { child, exited, lines } = chat
  const listening = child.stdout && once(child.stdout, 'data')
  await Promise.race([listening, exited])
  const port = Number(/http:\/\/localhost:(\d+)/.exec(lines.join('\n'))?.[1])
  if (!port) throw new Error(`The chat did not start: ${(await exited).errors}`)
  return { ...chat, port }
}
