/** The processes the benchmark starts: every one is known by its handle and ended with the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const running = new Set<ChildProcess>()

/** From now on whatever ends this process, a signal too, ends what is still running. */
export function killChildrenAtExit(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code))
  }
}

/** A child process that is talked to in lines. */
export class Child {
  private readonly process: ChildProcess
  private readonly lines: string[] = []
  private readonly waiting: ((line: string | undefined) => void)[] = []
  private readonly ended: Promise<void>
  private errors = ''
  private over = false

  /** @param core the CPU core to keep the process on; it goes where the system likes when there is none. */
  constructor(
    command: string,
    args: readonly string[],
    options: { core?: number | undefined; env?: NodeJS.ProcessEnv } = {},
  ) {
    const [file, all] =
      options.core === undefined ? [command, args] : ['taskset', ['-c', String(options.core), command, ...args]]
    const child = spawn(file, [...all], { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.process = child
    running.add(child)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      // The end of a long complaint is where the error is.
      this.errors = (this.errors + text).slice(-4096)
    })
    // Writing to a process that has just ended is no error of its own: its lines end.
    child.stdin.on('error', () => {})
    createInterface({ input: child.stdout }).on('line', (line) => {
      const next = this.waiting.shift()
      if (next) next(line)
      else this.lines.push(line)
    })
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.errors += error.message
        // A process that could not be started has no `close` event to wait for.
        if (child.pid === undefined) this.finish(resolve)
      })
      child.once('close', () => this.finish(resolve))
    })
  }

  private finish(resolve: () => void): void {
    this.over = true
    running.delete(this.process)
    for (const next of this.waiting.splice(0)) next(undefined)
    resolve()
  }

  /** What it complained of on standard error, in one line: the error of a Node program, else the last thing said. */
  get complaint(): string {
    const lines = this.errors.split('\n').filter((line) => line.trim() !== '')
    const error = lines.find((line) => /^(Uncaught )?\w*Error\b.*:/.test(line)) ?? lines.at(-1)
    return error ?? `it ended with exit code ${this.process.exitCode ?? this.process.signalCode}`
  }

  /** The next line of its output, or `undefined` when there will be none: it ended, or said nothing for `timeout` ms. */
  nextLine(timeout: number): Promise<string | undefined> {
    const line = this.lines.shift()
    if (line !== undefined || this.over) return Promise.resolve(line)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(settle), 1)
        resolve(undefined)
      }, timeout)
      const settle = (value: string | undefined): void => {
        clearTimeout(timer)
        resolve(value)
      }
      this.waiting.push(settle)
    })
  }

  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`)
  }

  /** Ends its input, by which it ends itself, and kills it when it has not after `grace` ms. */
  async stop(grace = 2000): Promise<void> {
    this.process.stdin?.end()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), grace)
    await this.ended
    clearTimeout(timer)
  }
}
