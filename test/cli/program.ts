import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Report } from '../../src/cli/bench/report.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The built command line in a process of its own, with pipes where a terminal would be. */
export class Program {
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  private readonly child: ChildProcess
  private wake: (() => void)[] = []
  private isOver = false

  constructor(...args: string[]) {
    // A proxy of whoever runs the tests is of no concern to them.
    const env = { ...process.env, NO_PROXY: '*', FORCE_COLOR: undefined }
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.heard(text, ''))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.heard('', text))
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        this.isOver = true
        this.heard('', '')
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
      })
    })
    onTestFinished(async () => {
      if (this.isOver) return
      child.kill('SIGKILL')
      await this.ended
    })
  }

  /** Waits for a text on one of its outputs. */
  async says(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.stdout) ?? what.exec(this.stderr)
      if (found !== null) return found
      if (this.isOver) throw new Error(`It ended without saying ${what}: ${this.stdout}${this.stderr}`)
      await new Promise<void>((resolve) => this.wake.push(resolve))
    }
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  interrupt(): void {
    this.child.kill('SIGINT')
  }

  private heard(stdout: string, stderr: string): void {
    this.stdout += stdout
    this.stderr += stderr
    for (const wake of this.wake.splice(0)) wake()
  }
}

export function run(...args: string[]): Promise<Ended> {
  return new Program(...args).ended
}

/** Runs `heartwire bench` and reads its report. */
export async function bench(...args: string[]): Promise<{ code: number | null; report: Report }> {
  const { code, stdout, stderr } = await run('bench', '--json', '--quiet', ...args)
  if (stdout === '') throw new Error(`There is no report: ${stderr}`)
  return { code, report: JSON.parse(stdout) as Report }
}
